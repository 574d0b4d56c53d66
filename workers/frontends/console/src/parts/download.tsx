/** A button that saves an answer as a file. A plain link could not carry the credential. */
import { Button } from '@mantine/core';
import { useState } from 'react';
import { send, type AnyInput, type Query } from '../api/client.ts';
import type { Operation } from '../api/operations.ts';
import { FailureAlert } from './states.tsx';

type Props = {
  readonly label: string;
  readonly operation: Operation;
  readonly params?: Readonly<Record<string, string>>;
  readonly query?: Query;
  readonly fileName: string;
};

/** Saves an answer as a file. Rejects with what is wrong. */
export async function saveAnswer(operation: Operation, input: AnyInput, fileName: string): Promise<void> {
  const answer = await send(operation, input);
  const url = URL.createObjectURL(await answer.blob());
  Object.assign(document.createElement('a'), { href: url, download: fileName }).click();
  URL.revokeObjectURL(url);
}

export function DownloadButton({ label, operation, params, query, fileName }: Props) {
  const [fault, setFault] = useState<Error>();
  const [isLoading, setLoading] = useState(false);
  const save = async () => {
    setLoading(true);
    setFault(undefined);
    try {
      await saveAnswer(operation, { ...(params && { params }), ...(query && { query }) }, fileName);
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
