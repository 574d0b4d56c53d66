/**
 * A JSON object from somebody else's server, under limits: one answer with status 200, no redirects, a cap on bytes
 * while they come in, a deadline over all of it. Whatever is wrong with it is an outage of that server.
 */
import { err, ok, type Result } from '../../../shared/core/result.ts';
import type { Egress } from '../../../shared/egress/egress.ts';

const MaxBytes = 262_144;
const TimeoutMs = 3_000;

export type JsonObject = Readonly<Record<string, unknown>>;
export type FetchDocument = (url: string) => Promise<Result<JsonObject>>;

export async function fetchDocument(egress: Egress, url: string, timeoutMs = TimeoutMs): Promise<Result<JsonObject>> {
  const asked = { url, headers: { accept: 'application/json' } };
  const answered = await egress.fetch(asked, { timeoutMs, maxBytes: MaxBytes });
  if (!answered.ok) return unavailable(`${url}: ${answered.failure.reason}`);
  if (answered.value.status !== 200) return unavailable(`${url} answered ${answered.value.status}`);
  try {
    const value: unknown = JSON.parse(
      new TextDecoder('utf-8', { fatal: true, ignoreBOM: false }).decode(answered.value.body),
    );
    const isObject = typeof value === 'object' && value !== null && !Array.isArray(value);
    return isObject ? ok(value as JsonObject) : unavailable(`${url} answered no JSON object`);
  } catch {
    return unavailable(`${url} answered no JSON`);
  }
}

function unavailable(reason: string): Result<never> {
  return err('service_unavailable', "The issuer's keys cannot be read at the moment. Try again shortly.", { reason });
}
