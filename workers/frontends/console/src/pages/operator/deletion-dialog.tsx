/** How far the deletion of a tenant is, and at its end the certificate. */
import { Button, Group, Modal, Stack, Text } from '@mantine/core';
import { useEffect, useRef, useState } from 'react';
import type { TenantDeletion } from '../../../../../../shared/contracts/deletions.ts';
import { formatNumber, formatTime, toWords } from '../../parts/format.ts';
import { FailureAlert } from '../../parts/states.tsx';
import { CopyField, Facts, Status } from '../../parts/values.tsx';

const AskAgainMs = 2_000;

type Props = {
  readonly name: string;
  readonly deletion: TenantDeletion;
  /** The same request again tells how far it is. */
  readonly askAgain: () => Promise<void>;
  readonly onClose: () => void;
};

export function DeletionDialog({ name, deletion, askAgain, onClose }: Props) {
  const [fault, setFault] = useState<Error>();
  const ask = useRef(askAgain);
  ask.current = askAgain;
  useEffect(() => {
    if (deletion.status === 'done' || fault) return undefined;
    const timer = setTimeout(() => void ask.current().catch(setFault), AskAgainMs);
    return () => clearTimeout(timer);
  }, [deletion, fault]);
  const isDone = deletion.status === 'done';
  return (
    <Modal
      opened
      onClose={onClose}
      title={isDone ? `${name} is deleted` : `${name} is being deleted`}
      size="lg"
      closeButtonProps={{ 'aria-label': 'Close' }}
    >
      <Stack>
        <Facts
          of={[
            ['State', <Status key="state" value={isDone ? 'completed' : 'running'} />],
            ['Step', deletion.phase === null ? '–' : toWords(deletion.phase)],
            ['Rows erased', deletion.rows_erased === null ? '–' : formatNumber(deletion.rows_erased)],
            ['Its slug is free', deletion.slug_free_at === null ? '–' : formatTime(deletion.slug_free_at)],
          ]}
        />
        {fault && <FailureAlert error={fault} retry={() => setFault(undefined)} />}
        {deletion.certificate === null ? (
          <Text size="sm" c="dimmed">
            It goes on also when you leave this page.
          </Text>
        ) : (
          <CopyField label="Certificate" value={deletion.certificate} />
        )}
        <Group justify="flex-end">
          <Button onClick={onClose}>To the tenants</Button>
        </Group>
      </Stack>
    </Modal>
  );
}
