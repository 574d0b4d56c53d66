/** The inputs of a form, one for each kind of value. */
import {
  JsonInput,
  MultiSelect,
  NumberInput,
  PasswordInput,
  Select,
  Switch,
  TagsInput,
  Textarea,
  TextInput,
} from '@mantine/core';

export type Value = string | number | boolean | readonly string[] | null;
export type Values = Readonly<Record<string, Value>>;
type Option = { readonly value: string; readonly label: string };

export type Field<N extends string = string> = {
  readonly name: N;
  readonly label: string;
  readonly kind:
    | 'text'
    | 'area'
    | 'number'
    | 'money'
    | 'select'
    | 'many'
    | 'tags'
    | 'switch'
    | 'json'
    | 'secret'
    | 'time';
  readonly about?: string;
  readonly required?: boolean;
  readonly placeholder?: string;
  readonly options?: readonly (Option | string)[];
  readonly min?: number;
  readonly max?: number;
  /** The field that it is the slug of, until somebody writes another one. */
  readonly slugOf?: string;
  /** Other names by which the platform may say that this field is wrong. */
  readonly covers?: readonly string[];
  /** Left out while what was chosen elsewhere has no use for it. */
  readonly when?: (values: Values) => boolean;
};

type Props = {
  readonly field: Field;
  readonly value: Value | undefined;
  readonly error?: string | undefined;
  readonly onChange: (value: Value) => void;
  readonly isFirst?: boolean;
};

export function FieldInput({ field, value, error, onChange, isFirst = false }: Props) {
  const { label, about, required = false, placeholder, min, max } = field;
  const common = {
    label,
    description: about,
    required,
    placeholder,
    error,
    'data-autofocus': isFirst || undefined,
    name: field.name,
  };
  const text = typeof value === 'string' ? value : '';
  const many = Array.isArray(value) ? [...(value as readonly string[])] : [];
  const options = [...(field.options ?? [])];
  switch (field.kind) {
    case 'text':
      return <TextInput {...common} value={text} onChange={(event) => onChange(event.currentTarget.value)} />;
    case 'secret':
      return (
        <PasswordInput
          {...common}
          value={text}
          onChange={(event) => onChange(event.currentTarget.value)}
          autoComplete="off"
        />
      );
    case 'area':
      return (
        <Textarea
          {...common}
          autosize
          minRows={3}
          maxRows={14}
          value={text}
          onChange={(event) => onChange(event.currentTarget.value)}
        />
      );
    case 'json':
      return (
        <JsonInput
          {...common}
          autosize
          minRows={4}
          maxRows={20}
          className="fh-code"
          value={text}
          onChange={onChange}
          formatOnBlur
        />
      );
    case 'number':
    case 'money':
      return (
        <NumberInput
          {...common}
          value={typeof value === 'number' ? value : ''}
          onChange={(next) => onChange(typeof next === 'number' ? next : null)}
          {...(min !== undefined && { min })}
          {...(max !== undefined && { max })}
          {...(field.kind === 'money' && { prefix: '$', decimalScale: 6, min: 0 })}
          thousandSeparator=","
        />
      );
    case 'select':
      return (
        <Select
          {...common}
          data={options}
          value={text === '' ? null : text}
          onChange={(next) => onChange(next ?? '')}
          allowDeselect={!required}
          searchable={options.length > 8}
        />
      );
    case 'many':
      return <MultiSelect {...common} data={options} value={many} onChange={onChange} searchable clearable />;
    case 'tags':
      return (
        <TagsInput
          {...common}
          data={options.map((each) => (typeof each === 'string' ? each : each.value))}
          value={many}
          onChange={onChange}
        />
      );
    case 'switch':
      return (
        <Switch
          label={label}
          description={about}
          checked={value === true}
          onChange={(event) => onChange(event.currentTarget.checked)}
          error={error}
        />
      );
    case 'time':
      return (
        <TextInput
          {...common}
          type="datetime-local"
          value={text}
          onChange={(event) => onChange(event.currentTarget.value)}
        />
      );
  }
}

/** Of an input of the kind `time`: the reader's own clock, as the wire has it. */
export const toIso = (local: string): string | null => (local === '' ? null : new Date(local).toISOString());
export const toMicros = (dollars: number | null): number => Math.round((dollars ?? 0) * 1_000_000);
