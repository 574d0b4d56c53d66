/** Reads a body under a cap while it streams in: what is too large is refused before anything else sees it. */
import { err, ok, type Result } from '../../shared/core/result.ts';

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: false });

export async function readText(request: Request, maxBytes: number): Promise<Result<string>> {
  const read = await readBytes(request, maxBytes);
  return read.ok ? decode(read.value) : read;
}

/** As it travelled, to the byte: what a signature was made over. */
export async function readBytes(request: Request, maxBytes: number): Promise<Result<ArrayBuffer>> {
  const declared = Number(request.headers.get('content-length') ?? 0);
  if (declared > maxBytes) return tooLarge(maxBytes);
  if (!request.body) return ok(new ArrayBuffer());
  try {
    // A declared length is enforced by the runtime; only a chunked body has to be counted.
    if (declared > 0) return ok(await request.arrayBuffer());
    const parts: Uint8Array<ArrayBuffer>[] = [];
    let size = 0;
    for await (const part of request.body as unknown as AsyncIterable<Uint8Array<ArrayBuffer>>) {
      size += part.byteLength;
      if (size > maxBytes) return tooLarge(maxBytes);
      parts.push(part);
    }
    return ok(await new Blob(parts).arrayBuffer());
  } catch (error) {
    return err('invalid_request', 'The body could not be read to its end.', { reason: String(error) });
  }
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

function tooLarge(maxBytes: number): Result<never> {
  return err('payload_too_large', `The body is larger than ${maxBytes} bytes.`);
}
