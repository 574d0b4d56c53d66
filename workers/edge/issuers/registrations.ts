/**
 * The issuers of each tenant, as its object said within the last 0.9 s. Bounded in number; plain data, so requests may
 * share it. A failure is never kept.
 */
import type { Clock } from '../../../shared/core/clock.ts';
import type { TenantId } from '../../../shared/core/ids.ts';
import { ok, type Result } from '../../../shared/core/result.ts';
import type { Issuer } from '../../../shared/contracts/issuers.ts';

const KeepMs = 900;
const MaxTenants = 10_000;

export class Registrations {
  readonly #clock: Clock;
  readonly #kept = new Map<TenantId, { readonly issuers: readonly Issuer[]; readonly since: number }>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  async of(tenant: TenantId, load: () => Promise<Result<readonly Issuer[]>>): Promise<Result<readonly Issuer[]>> {
    const now = this.#clock.now();
    const kept = this.#kept.get(tenant);
    if (kept && now >= kept.since && now - kept.since < KeepMs) return ok(kept.issuers);
    const loaded = await load();
    if (!loaded.ok) return loaded;
    if (this.#kept.size >= MaxTenants) this.#kept.clear();
    this.#kept.set(tenant, { issuers: loaded.value, since: now });
    return loaded;
  }
}
