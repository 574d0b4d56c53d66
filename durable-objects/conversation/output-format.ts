/**
 * Whether an answer has the form that its request asked for, by `response_format` as the chat API writes it. A schema with
 * `strict: false` is a wish and not checked. Pure.
 */
import { findFaults } from '../../shared/tools/validate.ts';
import type { JsonSchema } from '../../shared/core/json-schema.ts';

type ResponseFormat = {
  readonly type: string;
  readonly json_schema?: { readonly schema?: JsonSchema; readonly strict?: boolean | null };
};

/** In what it does not fit, or null. */
export function findMisfit(format: unknown, text: string): string | null {
  const { type, json_schema: wanted } = (format ?? { type: 'text' }) as ResponseFormat;
  if (type === 'text' || wanted?.strict === false) return null;
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return 'The model was to answer in JSON, and did not.';
  }
  const faults = wanted?.schema ? findFaults(wanted.schema, value) : [];
  return faults.length === 0 ? null : `The answer does not fit the schema that was asked for: ${faults.join('; ')}`;
}
