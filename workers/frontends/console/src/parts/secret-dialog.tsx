/** What is shown once and never again. */
import { Button, Group, Modal, Stack, Text } from '@mantine/core';
import type { ReactNode } from 'react';
import { CopyField } from './values.tsx';

type Props = {
  readonly title: string;
  readonly secrets: readonly { readonly label: string; readonly value: string }[];
  readonly children?: ReactNode;
  readonly onClose: () => void;
};

export function SecretDialog({ title, secrets, children, onClose }: Props) {
  return (
    <Modal
      opened
      onClose={onClose}
      title={title}
      size="lg"
      closeOnClickOutside={false}
      closeButtonProps={{ 'aria-label': 'Close' }}
    >
      <Stack>
        <Text size="sm">Copy it now: it is shown this once and cannot be read again.</Text>
        {secrets.map(({ label, value }) => (
          <CopyField key={label} label={label} value={value} />
        ))}
        {children}
        <Group justify="flex-end">
          <Button onClick={onClose}>I have copied it</Button>
        </Group>
      </Stack>
    </Modal>
  );
}
