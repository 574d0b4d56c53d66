/** A button that saves an answer as a file. A plain link could not carry the credential. */
import { Button } from '@mantine/core';
import { useState } from 'react';
import { send, type Query } from '../api/client.ts';
import type { Operation } from '../api/operations.ts';
import { FailureAlert } from './states.tsx';

type Props = {
  readonly label: string;
  readonly operation: Operation;
  readonly params?: Readonly<Record<string, string>>;
  readonly query?: Query;
  readonly fileName: string;
};

export function DownloadButton({ label, operation, params, query, fileName }: Props) {
  const [fault, setFault] = useState<Error>();
  const [isLoading, setLoading] = useState(false);
  const save = async () => {
    setLoading(true);
    setFault(undefined);
    try {
      const answer = await send(operation, { ...(params && { params }), ...(query && { query }) });
      const url = URL.createObjectURL(await answer.blob());
      Object.assign(document.createElement('a'), { href: url, download: fileName }).click();
      URL.revokeObjectURL(url);
    } catch (error) {
      setFault(error instanceof Error ? error : new Error(String(error)));
    } finally {
      setLoading(false);
    }
  };
  return (
    <>
      <Button variant="default" loading={isLoading} onClick={() => void save()}>
        {label}
      </Button>
      {fault && <FailureAlert error={fault} />}
    </>
  );
}
