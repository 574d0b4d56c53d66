/**
 * Custom hostnames by Cloudflare for SaaS: `/zones/{zone}/custom_hostnames`. A hostname is ready when both its own status
 * and its certificate's are `active`. It is looked for by its name before it is made, so that a repeated try makes none
 * twice.
 */
import { z } from 'zod';
import { err, ok, type Result } from '../core/result.ts';
import type { HostnameProvider, Provision } from './hostname-provider.ts';

const TimeoutMs = 10_000;
const lost = new Set(['blocked', 'moved', 'deleted', 'pending_deletion', 'pending_blocked']);

const customHostname = z.object({
  id: z.string(),
  hostname: z.string(),
  status: z.string().optional(),
  ssl: z
    .object({
      status: z.string().optional(),
      validation_errors: z.array(z.object({ message: z.string().optional() })).optional(),
    })
    .nullish(),
  verification_errors: z.array(z.string()).optional(),
});
const answer = z.object({
  success: z.boolean(),
  result: z.union([customHostname, z.array(customHostname)]).nullish(),
  errors: z.array(z.object({ code: z.number().optional(), message: z.string().optional() })).optional(),
});
type CustomHostname = z.infer<typeof customHostname>;

export type CloudflareSettings = {
  readonly zone: string;
  readonly token: string;
  readonly fetch: typeof fetch;
  readonly api?: string;
};

export class CloudflareHostnames implements HostnameProvider {
  readonly #settings: CloudflareSettings;

  constructor(settings: CloudflareSettings) {
    this.#settings = settings;
  }

  async setUp(hostname: string, ref: string | null): Promise<Result<Provision>> {
    const known = await this.#find(hostname, ref);
    if (!known.ok) return known;
    if (known.value) return ok(toProvision(known.value));
    const made = await this.#call('POST', '', {
      hostname,
      ssl: { method: 'http', type: 'dv', settings: { min_tls_version: '1.2' } },
    });
    if (!made.ok) return made;
    return made.value && !Array.isArray(made.value)
      ? ok(toProvision(made.value))
      : err('service_unavailable', undefined, { reason: 'Cloudflare answered without the hostname' });
  }

  async remove(hostname: string, ref: string | null): Promise<Result<undefined>> {
    const known = await this.#find(hostname, ref);
    if (!known.ok || !known.value) return known.ok ? ok() : known;
    const gone = await this.#call('DELETE', `/${encodeURIComponent(known.value.id)}`);
    return gone.ok || gone.failure.code === 'not_found' ? ok() : gone;
  }

  async #find(hostname: string, ref: string | null): Promise<Result<CustomHostname | undefined>> {
    if (ref !== null) {
      const one = await this.#call('GET', `/${encodeURIComponent(ref)}`);
      if (one.ok && one.value && !Array.isArray(one.value)) return ok(one.value);
      if (!one.ok && one.failure.code !== 'not_found') return one;
    }
    const list = await this.#call('GET', `?hostname=${encodeURIComponent(hostname)}`);
    if (!list.ok) return list;
    return ok([list.value ?? []].flat().find((each) => each.hostname === hostname));
  }

  async #call(method: string, path: string, body?: object): Promise<Result<z.infer<typeof answer>['result']>> {
    const { zone, token, api = 'https://api.cloudflare.com/client/v4' } = this.#settings;
    try {
      const response = await this.#settings.fetch(`${api}/zones/${encodeURIComponent(zone)}/custom_hostnames${path}`, {
        method,
        headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
        ...(body ? { body: JSON.stringify(body) } : {}),
        signal: AbortSignal.timeout(TimeoutMs),
      });
      if (response.status === 404) return err('not_found');
      // A DELETE answers with the id alone.
      if (method === 'DELETE' && response.ok) return ok(null);
      const parsed = answer.safeParse(await response.json());
      if (parsed.success && parsed.data.success) return ok(parsed.data.result);
      const said = parsed.success ? parsed.data.errors?.map(({ message }) => message).join('; ') : 'no JSON of its API';
      return err('service_unavailable', undefined, { reason: `Cloudflare answered ${response.status}: ${said}` });
    } catch (error) {
      return err('service_unavailable', undefined, { reason: String(error) });
    }
  }
}

function toProvision({ id, status = 'pending', ssl, verification_errors: faults = [] }: CustomHostname): Provision {
  if (status === 'active' && ssl?.status === 'active') return { state: 'active', ref: id };
  const reasons = [...faults, ...(ssl?.validation_errors ?? []).flatMap(({ message }) => message ?? [])];
  const reason = reasons.join('; ').slice(0, 300) || `hostname ${status}, certificate ${ssl?.status ?? 'missing'}`;
  return { state: lost.has(status) ? 'failed' : 'pending', ref: id, reason };
}
