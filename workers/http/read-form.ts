/** Reads a multipart form as a JSON object: texts as they are, `name[]` as a list, a file as its name, type and base64. */
import { err, ok, type Result } from '../../shared/core/result.ts';
import { readBytes } from '../edge/read-body.ts';

export function isForm(request: Request): boolean {
  return /^multipart\/form-data\b/i.test(request.headers.get('content-type') ?? '');
}

export async function readForm(request: Request, maxBytes: number): Promise<Result<object>> {
  const type = request.headers.get('content-type') ?? '';
  const bytes = await readBytes(request, maxBytes);
  if (!bytes.ok) return bytes;
  const form = await new Response(bytes.value, { headers: { 'content-type': type } }).formData().catch(() => undefined);
  if (!form) return err('invalid_request', 'The body is no multipart form that can be read to its end.');
  const members = new Map<string, unknown>();
  for (const name of new Set(form.keys())) {
    const values = await Promise.all(form.getAll(name).map(toValue));
    if (name.endsWith('[]')) members.set(name.slice(0, -2), values);
    else members.set(name, values.at(-1));
  }
  return ok(Object.fromEntries(members));
}

async function toValue(value: File | string): Promise<unknown> {
  if (typeof value === 'string') return value;
  const data = Buffer.from(await value.arrayBuffer()).toString('base64');
  return { name: value.name, ...(value.type === '' ? {} : { type: value.type }), data };
}
