/** A button for what cannot be taken back: it asks first, and says what follows. */
import { Button, Text, type ButtonProps } from '@mantine/core';
import { useState, type ReactNode } from 'react';
import { FormDialog } from './form-dialog.tsx';

type Props = {
  readonly label: string;
  readonly title: string;
  readonly children: ReactNode;
  readonly onConfirm: () => Promise<unknown>;
  readonly size?: ButtonProps['size'];
  readonly ariaLabel?: string;
};

export function ConfirmButton({ label, title, children, onConfirm, size = 'xs', ariaLabel }: Props) {
  const [isAsking, setAsking] = useState(false);
  return (
    <>
      <Button
        variant="default"
        size={size ?? 'xs'}
        onClick={() => setAsking(true)}
        {...(ariaLabel !== undefined && { 'aria-label': ariaLabel })}
      >
        {label}
      </Button>
      {isAsking && (
        <FormDialog
          title={title}
          about={<Text size="sm">{children}</Text>}
          fields={[]}
          initial={{}}
          submitLabel={label}
          isDangerous
          onSubmit={onConfirm}
          onClose={() => setAsking(false)}
        />
      )}
    </>
  );
}
