/**
 * What a tenant's object has granted to this isolate, for less than a second: within it the same caller asking for the
 * same thing is admitted here, without a hop. So a revoked key or a suspended tenant is refused everywhere within one
 * second. Refusals are never kept. Bounded in number; plain data, so requests may share it.
 */
import type { Clock } from '../../shared/core/clock.ts';
import type { TenantId } from '../../shared/core/ids.ts';
import type { AdmissionRequest, Grant } from '../../shared/contracts/admission.ts';

const LeaseMs = 900;
const MaxLeases = 10_000;

type Lease = { readonly grant: Grant; readonly since: number };

export class GrantLeases {
  readonly #clock: Clock;
  readonly #leases = new Map<string, Lease>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  find(tenant: TenantId, request: AdmissionRequest): Grant | undefined {
    const name = nameOf(tenant, request);
    const lease = this.#leases.get(name);
    if (!lease) return undefined;
    const now = this.#clock.now();
    const age = now - lease.since;
    const { until } = lease.grant.principal;
    // A clock that jumped back must not make a lease live longer, nor a lease outlive its credential.
    if (age >= 0 && age < LeaseMs && (until === undefined || now < until)) return lease.grant;
    this.#leases.delete(name);
    return undefined;
  }

  keep(tenant: TenantId, request: AdmissionRequest, grant: Grant): void {
    if (this.#leases.size >= MaxLeases) this.#leases.clear();
    this.#leases.set(nameOf(tenant, request), { grant, since: this.#clock.now() });
  }
}

/** Everything that the decision depends on, the proof of the credential among it. */
function nameOf(tenant: TenantId, { credential, permission, agentRef, reach }: AdmissionRequest): string {
  const caller =
    credential.kind === 'key'
      ? `${credential.keyId} ${credential.secretHash}`
      : `${credential.visitorId} ${credential.agentId}`;
  return `${tenant} ${caller} ${permission} ${agentRef} ${reach}`;
}
