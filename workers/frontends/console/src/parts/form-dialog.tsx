/**
 * A dialog that asks for a few values and sends them. What the platform finds wrong is shown at the field that it names,
 * and otherwise above the fields; the dialog stays, and nothing that was typed is lost.
 */
import { Alert, Button, Group, Modal, Stack, Text } from '@mantine/core';
import { useState, type ReactNode, type SubmitEvent } from 'react';
import { ApiError } from '../api/api-error.ts';
import { FieldInput, type Field, type Value, type Values } from './fields.tsx';
import { toSlug } from './format.ts';

type Props<V extends Values> = {
  readonly title: string;
  readonly about?: ReactNode;
  readonly fields: readonly Field<keyof V & string>[];
  readonly initial: V;
  readonly submitLabel: string;
  /** Rejects with what is wrong. */
  readonly onSubmit: (values: V) => Promise<unknown>;
  readonly onClose: () => void;
  readonly isDangerous?: boolean;
};

export function FormDialog<V extends Values>(props: Props<V>) {
  const { title, about, fields, initial, submitLabel, onSubmit, onClose, isDangerous = false } = props;
  const [values, setValues] = useState<V>(initial);
  const [fault, setFault] = useState<Error>();
  const [isSending, setSending] = useState(false);
  const shown = fields.filter(({ when }) => when === undefined || when(values));
  const named = fault instanceof ApiError && fault.param ? findField(shown, fault.param) : undefined;

  const submit = async (event: SubmitEvent) => {
    event.preventDefault();
    setSending(true);
    setFault(undefined);
    try {
      await onSubmit(values);
      onClose();
    } catch (error) {
      setFault(error instanceof Error ? error : new Error(String(error)));
    } finally {
      setSending(false);
    }
  };

  return (
    <Modal opened onClose={onClose} title={title} size="lg" closeButtonProps={{ 'aria-label': 'Close' }}>
      <form onSubmit={(event) => void submit(event)}>
        <Stack>
          {about !== undefined && (
            <Text size="sm" c="dimmed" component="div">
              {about}
            </Text>
          )}
          {fault && named === undefined && (
            <Alert role="alert" variant="default" className="fh-alert fh-alert-bad">
              {fault.message}
            </Alert>
          )}
          {shown.map((field, at) => (
            <FieldInput
              key={field.name}
              field={field}
              value={values[field.name]}
              error={named === field.name ? fault?.message : undefined}
              onChange={(value) => setValues((before) => fill(before, field.name, value, fields))}
              isFirst={at === 0}
            />
          ))}
          <Group justify="flex-end">
            <Button variant="default" onClick={onClose}>
              Cancel
            </Button>
            <Button type="submit" loading={isSending} className={isDangerous ? 'fh-danger' : undefined}>
              {submitLabel}
            </Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  );
}

function fill<V extends Values>(before: V, name: string, value: Value, fields: readonly Field[]): V {
  const slugs = fields.filter(
    ({ slugOf, name: own }) => slugOf === name && before[own] === toSlug(String(before[name])),
  );
  return { ...before, [name]: value, ...Object.fromEntries(slugs.map((each) => [each.name, toSlug(String(value))])) };
}

/** `definition.limits.recall` is a fault of the field `definition`, where no other is nearer. */
function findField<N extends string>(fields: readonly Field<N>[], param: string): N | undefined {
  const names = fields.flatMap((field) => [field.name, ...(field.covers ?? [])].map((name) => ({ name, field })));
  const near = names.filter(
    ({ name }) => param === name || param.startsWith(`${name}.`) || param.startsWith(`${name}[`),
  );
  return near.toSorted((a, b) => b.name.length - a.name.length)[0]?.field.name;
}
