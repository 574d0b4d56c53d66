/** Asks for what an export of a whole tenant takes, and saves it. */
import type { Operation } from '../api/operations.ts';
import { saveAnswer } from './download.tsx';
import { FormDialog } from './form-dialog.tsx';

type Props = {
  readonly operation: Extract<Operation, `${string}/export` | `${string}/exports`>;
  readonly params?: Readonly<Record<string, string>>;
  readonly name: string;
  readonly slug: string;
  readonly onClose: () => void;
};

export function ArchiveDialog({ operation, params, name, slug, onClose }: Props) {
  return (
    <FormDialog
      title={`Export ${name}`}
      about="Everything it has, as one file of JSON lines that another platform can restore. The last line says that the file is whole."
      fields={[
        {
          name: 'passphrase',
          label: 'Passphrase for the secrets',
          kind: 'secret',
          about: 'At least 12 characters. Left open, the values of secrets stay out of the file.',
        },
      ]}
      initial={{ passphrase: '' }}
      submitLabel="Export"
      onSubmit={({ passphrase }) =>
        saveAnswer(
          operation,
          { ...(params && { params }), body: passphrase === '' ? {} : { passphrase } },
          `${slug}.jsonl`,
        )
      }
      onClose={onClose}
    />
  );
}
