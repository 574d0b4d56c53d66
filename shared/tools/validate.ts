/**
 * Validation of a tool's arguments and results against its JSON Schema, without code generation, which workerd forbids.
 * A property that the schema does not name is refused unless the schema allows it in words.
 */
import { Validator, type Schema } from '@cfworker/json-schema';
import type { JsonSchema } from '../core/json-schema.ts';

const MaxFaults = 5;

/** What is wrong with the arguments, in words that a model can act on; empty where they fit. */
export function findArgumentFaults(schema: JsonSchema, args: object): string[] {
  const open = [
    'additionalProperties',
    'unevaluatedProperties',
    'patternProperties',
    '$ref',
    'allOf',
    'anyOf',
    'oneOf',
  ].some((keyword) => keyword in schema);
  const known = Object.keys((schema['properties'] ?? {}) as object);
  const extra = open ? [] : Object.keys(args).filter((name) => !known.includes(name));
  return [
    ...extra.slice(0, MaxFaults).map((name) => `there is no argument "${name.slice(0, 64)}"`),
    ...findFaults(schema, args),
  ];
}

export function findFaults(schema: JsonSchema, value: unknown): string[] {
  try {
    const { valid, errors } = new Validator(schema as Schema, '2020-12', true).validate(value);
    if (valid) return [];
    const leaves = errors.filter(
      ({ keyword }) => !['properties', 'items', '$ref', 'allOf', 'additionalProperties'].includes(keyword),
    );
    return (leaves.length > 0 ? leaves : errors)
      .slice(0, MaxFaults)
      .map(
        ({ instanceLocation, error }) =>
          `${instanceLocation === '#' ? '' : `${instanceLocation.slice(2)}: `}${error.slice(0, 200)}`,
      );
  } catch {
    return ['it cannot be checked against its schema'];
  }
}
