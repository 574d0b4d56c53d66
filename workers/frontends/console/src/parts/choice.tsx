/** One of a few, in the corner of a page. */
import { Select } from '@mantine/core';

type Props<V extends string> = {
  readonly label: string;
  readonly options: readonly { readonly value: V; readonly label: string }[];
  readonly value: V;
  readonly onChange: (value: V) => void;
};

export function Choice<V extends string>({ label, options, value, onChange }: Props<V>) {
  return (
    <Select
      aria-label={label}
      data={[...options]}
      value={value}
      onChange={(next) => next !== null && onChange(next as V)}
      allowDeselect={false}
      w={150}
    />
  );
}
