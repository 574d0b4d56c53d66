/**
 * Host to tenant, from registered names only. The isolate remembers what it found for a short while: a slug never moves
 * to another tenant, and whether the tenant may act is asked of its object on every request, so nothing stale can grant.
 * A custom hostname can be taken away, so it is remembered for less than a second.
 */
import type { Clock } from '../../shared/core/clock.ts';
import { err, ok, type Result } from '../../shared/core/result.ts';
import type { TenantId } from '../../shared/core/ids.ts';
import type { TenantDirectory } from '../../shared/store/tenant-directory.ts';
import type { Host } from '../../shared/tenancy/hostname.ts';

const RememberMs = { tenant: 10_000, custom: 900 } as const;
const MaxRemembered = 10_000;

export class TenantResolver {
  readonly #clock: Clock;
  readonly #found = new Map<string, { readonly tenantId: TenantId; readonly until: number }>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  async resolve(host: Host, directory: TenantDirectory): Promise<Result<TenantId>> {
    if (host.kind !== 'tenant' && host.kind !== 'custom') return err('unknown_host');
    const name = host.kind === 'tenant' ? `slug:${host.slug}` : `host:${host.hostname}`;
    const kept = this.#found.get(name);
    if (kept && kept.until > this.#clock.now()) return ok(kept.tenantId);
    const found =
      host.kind === 'tenant'
        ? await directory.findIdBySlug(host.slug)
        : await directory.findIdByHostname(host.hostname);
    if (!found.ok) return found;
    if (found.value === undefined) return err('unknown_host');
    if (this.#found.size >= MaxRemembered) this.#found.clear();
    this.#found.set(name, { tenantId: found.value, until: this.#clock.now() + RememberMs[host.kind] });
    return ok(found.value);
  }
}
