/**
 * A JSON object from somebody else's server, under limits: one answer with status 200, no redirects, a cap on bytes
 * while they come in, a deadline over all of it. Whatever is wrong with it is an outage of that server.
 */
import { err, ok, type Result } from '../../../shared/core/result.ts';

const MaxBytes = 262_144;
const TimeoutMs = 3_000;

export type JsonObject = Readonly<Record<string, unknown>>;
export type FetchDocument = (url: string) => Promise<Result<JsonObject>>;

export async function fetchDocument(url: string, timeoutMs = TimeoutMs): Promise<Result<JsonObject>> {
  try {
    const response = await fetch(url, {
      redirect: 'manual',
      headers: { accept: 'application/json' },
      signal: AbortSignal.timeout(timeoutMs),
    });
    if (response.status !== 200) {
      await response.body?.cancel();
      return unavailable(`${url} answered ${response.status}`);
    }
    const text = await readCapped(response);
    if (text === undefined) return unavailable(`${url} answered more than ${MaxBytes} bytes`);
    const value: unknown = JSON.parse(text);
    const isObject = typeof value === 'object' && value !== null && !Array.isArray(value);
    return isObject ? ok(value as JsonObject) : unavailable(`${url} answered no JSON object`);
  } catch (error) {
    return unavailable(`${url}: ${error instanceof Error ? error.name : 'failed'}`);
  }
}

async function readCapped(response: Response): Promise<string | undefined> {
  if (!response.body) return '';
  const reader = response.body.getReader();
  const parts: Uint8Array<ArrayBuffer>[] = [];
  let size = 0;
  for (;;) {
    const { done, value } = await reader.read();
    if (done)
      return new TextDecoder('utf-8', { fatal: true, ignoreBOM: false }).decode(await new Blob(parts).arrayBuffer());
    size += value.byteLength;
    if (size > MaxBytes) {
      await reader.cancel();
      return undefined;
    }
    parts.push(value as Uint8Array<ArrayBuffer>);
  }
}

function unavailable(reason: string): Result<never> {
  return err('service_unavailable', "The issuer's keys cannot be read at the moment. Try again shortly.", { reason });
}
