/**
 * Text with places in it: `{{payload.issue.title}}`. A place is a dotted path from one of a few roots; a number is a
 * place in a list. No conditions, no loops, no code. A value that is not there leaves a remark of itself, so that its
 * reader knows. Pure.
 */
import { err, ok, type Result } from './result.ts';

type Part = string | { readonly path: readonly string[] };
export type Template = readonly Part[];

/** What is wrong is told by its place. */
export function parseTemplate(text: string, roots: readonly string[]): Result<Template> {
  const parts: Part[] = [];
  for (let at = 0; at < text.length;) {
    const open = text.indexOf('{{', at);
    if (open === -1) {
      parts.push(text.slice(at));
      break;
    }
    if (open > at) parts.push(text.slice(at, open));
    const close = text.indexOf('}}', open);
    if (close === -1) return wrong(`"{{" at character ${open + 1} has no "}}"`);
    const written = text.slice(open + 2, close).trim();
    const path = written.split('.');
    if (!path.every((step) => /^[\w-]+$/.test(step)))
      return wrong(`"{{${written.slice(0, 100)}}}" is no dotted path of letters, digits, _ and -`);
    if (!roots.includes(path[0]!)) return wrong(`"{{${written.slice(0, 100)}}}" must begin with ${roots.join(' or ')}`);
    parts.push({ path });
    at = close + 2;
  }
  return ok(parts);
}

/** Cut, with a remark, where it would be longer than `maxLength`. */
export function renderTemplate(
  template: Template,
  values: Readonly<Record<string, unknown>>,
  maxLength: number,
): string {
  let text = '';
  for (const part of template) {
    text += typeof part === 'string' ? part : show(part.path, find(part.path, values));
    if (text.length > maxLength)
      return `${text.slice(0, maxLength).toWellFormed()}\n[cut after ${maxLength} characters]`;
  }
  return text;
}

function find(path: readonly string[], values: unknown): unknown {
  let value = values;
  for (const step of path) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, step)) return undefined;
    value = (value as Record<string, unknown>)[step];
  }
  return value;
}

function show(path: readonly string[], value: unknown): string {
  if (value === undefined || value === null) return `[no ${path.join('.')}]`;
  return typeof value === 'string' ? value : JSON.stringify(value, undefined, 2);
}

function wrong(what: string): Result<never> {
  return err('invalid_request', `"template": ${what}.`, { param: 'template' });
}
