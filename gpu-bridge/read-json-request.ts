/** Reads a request's JSON body up to a limit; what is over the limit is never kept. */
import type { IncomingMessage } from 'node:http';
import { err, ok, type Result } from '../shared/core/result.ts';
import { parseJson } from './json-object.ts';

export async function readJsonRequest(incoming: IncomingMessage, maxBytes: number): Promise<Result<unknown>> {
  const tooLarge = () => err('payload_too_large', `The body is larger than ${maxBytes} bytes.`);
  if (Number(incoming.headers['content-length'] ?? 0) > maxBytes) return tooLarge();
  const parts: Buffer[] = [];
  let size = 0;
  try {
    for await (const bytes of incoming.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
      size += bytes.length;
      if (size > maxBytes) return tooLarge();
      parts.push(bytes);
    }
  } catch {
    return err('invalid_request', 'The body ended before it was whole.');
  }
  const parsed = parseJson((parts.length === 1 ? parts[0]! : Buffer.concat(parts)).toString('utf8'));
  return parsed ? ok(parsed.value) : err('invalid_json');
}
