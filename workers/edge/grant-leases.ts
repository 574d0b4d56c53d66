/**
 * What a tenant's object has granted to this isolate, for less than a second: within it the same caller asking for the
 * same thing is admitted here, without a hop. So a revoked key or a suspended tenant is refused everywhere within one
 * second. Refusals are never kept. Bounded in number; plain data, so requests may share it.
 */
import type { Clock } from '../../shared/core/clock.ts';
import type { TenantId } from '../../shared/core/ids.ts';
import type { AdmissionRequest, Credential, Grant } from '../../shared/contracts/admission.ts';

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
    const age = this.#clock.now() - lease.since;
    // A clock that jumped back must not make a lease live longer.
    if (age >= 0 && age < LeaseMs) return lease.grant;
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
  return `${tenant} ${callerOf(credential)} ${permission} ${agentRef} ${reach}`;
}

function callerOf(credential: Credential): string {
  switch (credential.kind) {
    case 'key':
      return `${credential.keyId} ${credential.secretHash}`;
    case 'visitor':
      return `${credential.visitorId} ${credential.agentId}`;
    case 'user':
      // As JSON: a subject may hold spaces, and must not read as another caller's words.
      return JSON.stringify([credential.issuerId, credential.subject, credential.email, credential.roles]);
  }
}
