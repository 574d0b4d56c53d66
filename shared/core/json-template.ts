/**
 * A template whose every rendering is valid JSON: JSON text with `{{path}}` inside strings (the value as text) and
 * `{{json path}}` in a value's place. A path is names with dots between them; what is not there is empty text, or null.
 */
import { err, ok, type Result } from './result.ts';

const MaxPlaceholders = 50;
const Placeholder = /\{\{\s*(json\s+)?([A-Za-z0-9_]+(?:\.[A-Za-z0-9_]+)*)\s*\}\}/g;

export type JsonTemplate = { readonly render: (values: unknown) => string };

export function parseJsonTemplate(template: string): Result<JsonTemplate> {
  const placeholders = [...template.matchAll(Placeholder)];
  if (placeholders.length > MaxPlaceholders) {
    return err('invalid_request', `A template has at most ${MaxPlaceholders} placeholders.`);
  }
  if (template.replace(Placeholder, '').includes('{{')) {
    return err('invalid_request', 'The template has a placeholder that is not {{path}} or {{json path}}.');
  }
  // Text where a value stands, or a value inside a string, is no JSON with these.
  const sample = template.replace(Placeholder, (_, json: string | undefined) => (json ? '{"a":"b"}' : 'a'));
  try {
    JSON.parse(sample);
  } catch {
    return err(
      'invalid_request',
      'The template is not JSON: {{path}} stands inside strings, {{json path}} as a value.',
    );
  }
  return ok({
    render: (values) =>
      template.replace(Placeholder, (_, json: string | undefined, path: string) =>
        json ? JSON.stringify(find(values, path) ?? null) : JSON.stringify(toText(find(values, path))).slice(1, -1),
      ),
  });
}

function find(values: unknown, path: string): unknown {
  return path
    .split('.')
    .reduce<unknown>(
      (at, name) =>
        typeof at === 'object' && at !== null && Object.hasOwn(at, name) ? Reflect.get(at, name) : undefined,
      values,
    );
}

function toText(value: unknown): string {
  if (value === undefined || value === null) return '';
  return typeof value === 'string' ? value : JSON.stringify(value);
}
