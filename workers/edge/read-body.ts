/**
 * Reads a body under a cap while it streams in, and parses it as JSON. What is too large, not JSON, or nested so deep
 * that handling it would exhaust the stack is refused before anything else sees it.
 */
import { err, ok, type Result } from '../../shared/core/result.ts';

const MaxDepth = 64;
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: false });

export async function readText(request: Request, maxBytes: number): Promise<Result<string>> {
  const declared = Number(request.headers.get('content-length') ?? 0);
  if (declared > maxBytes) return tooLarge(maxBytes);
  if (!request.body) return ok('');
  try {
    // A declared length is enforced by the runtime; only a chunked body has to be counted.
    if (declared > 0) return decode(await request.arrayBuffer());
    const parts: Uint8Array<ArrayBuffer>[] = [];
    let size = 0;
    for await (const part of request.body as unknown as AsyncIterable<Uint8Array<ArrayBuffer>>) {
      size += part.byteLength;
      if (size > maxBytes) return tooLarge(maxBytes);
      parts.push(part);
    }
    return decode(await new Blob(parts).arrayBuffer());
  } catch (error) {
    return err('invalid_request', 'The body could not be read to its end.', { reason: String(error) });
  }
}

export function parseJson(text: string): Result<unknown> {
  if (isTooDeep(text)) return err('invalid_json', `The body is nested deeper than ${MaxDepth} levels.`);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return err('invalid_json');
  }
  return /\\u[dD]/.test(text) && !isWellFormed(value)
    ? err('invalid_json', 'The body holds half of a surrogate pair, which is no character.')
    : ok(value);
}

export function isJson(request: Request): boolean {
  const type = request.headers.get('content-type');
  return type === null || /^application\/(?:[\w.-]+\+)?json\b/i.test(type);
}

function decode(bytes: ArrayBuffer): Result<string> {
  try {
    return ok(decoder.decode(bytes));
  } catch {
    return err('invalid_json', 'The body is not valid UTF-8.');
  }
}

/** Counts brackets outside strings: linear, and without a stack of its own. */
function isTooDeep(text: string): boolean {
  let depth = 0;
  let inString = false;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (inString) {
      if (code === 0x5c) at++;
      else if (code === 0x22) inString = false;
    } else if (code === 0x22) inString = true;
    else if (code === 0x5b || code === 0x7b) {
      if (++depth > MaxDepth) return true;
    } else if (code === 0x5d || code === 0x7d) depth--;
  }
  return false;
}

/** Only an escape can smuggle in a lone surrogate; what holds one cannot be stored and read back the same. */
function isWellFormed(value: unknown): boolean {
  if (typeof value === 'string') return value.isWellFormed();
  if (typeof value !== 'object' || value === null) return true;
  return Object.entries(value).every(([key, member]) => key.isWellFormed() && isWellFormed(member));
}

function tooLarge(maxBytes: number): Result<never> {
  return err('payload_too_large', `The body is larger than ${maxBytes} bytes.`);
}
