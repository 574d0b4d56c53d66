/**
 * What a tenant's object has granted to this isolate, for less than a second: within it the same caller asking for the
 * same thing is admitted here, without a hop, as long as the money and the requests that came with the grant last. So a revoked key or a
 * suspended tenant is refused everywhere within one second, and no budget is overdrawn: what is given out here was held
 * there before. Refusals are never kept. Bounded in number; plain data, so requests may share it.
 */
import type { Clock } from '../../shared/core/clock.ts';
import type { TenantId } from '../../shared/core/ids.ts';
import type { AdmissionRequest, Credential, Grant, Leftover } from '../../shared/contracts/admission.ts';

export const LeaseMs = 900;
const MaxLeases = 10_000;

/** What may still be given out; without bound where no budget or no rate limit applies. */
export type HeldLease = {
  readonly name: string;
  readonly grant: Grant;
  readonly since: number;
  leftMicros: number;
  leftRequests: number;
};
export type Draw =
  | { readonly kind: 'drawn'; readonly held: HeldLease }
  | { readonly kind: 'empty'; readonly left?: Leftover };

export class GrantLeases {
  readonly #clock: Clock;
  readonly #leases = new Map<string, HeldLease>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Takes what a run needs out of what is held; where that is not enough, hands out what is left to be given back. */
  draw(tenant: TenantId, request: AdmissionRequest, needMicros: number): Draw {
    const name = nameOf(tenant, request);
    const held = this.#leases.get(name);
    if (!held) return { kind: 'empty' };
    const now = this.#clock.now();
    const age = now - held.since;
    const { until = Number.POSITIVE_INFINITY } = held.grant.principal;
    // A clock that jumped back must not make a lease live longer, nor a lease outlive its credential.
    if (age >= 0 && age < LeaseMs && now < until && held.leftMicros >= needMicros && held.leftRequests >= 1) {
      held.leftMicros -= needMicros;
      held.leftRequests -= 1;
      return { kind: 'drawn', held };
    }
    const left = this.giveUp(held);
    return left ? { kind: 'empty', left } : { kind: 'empty' };
  }

  /** Another lease that a request has brought meanwhile is replaced; what it has left goes back by its own timer. */
  keep(tenant: TenantId, request: AdmissionRequest, grant: Grant, needMicros: number): HeldLease {
    if (this.#leases.size >= MaxLeases) this.#leases.clear();
    const name = nameOf(tenant, request);
    const leftMicros = grant.lease ? grant.lease.micros - needMicros : Number.POSITIVE_INFINITY;
    const leftRequests = grant.rate ? grant.rate.requests - 1 : Number.POSITIVE_INFINITY;
    const held: HeldLease = { name, grant, since: this.#clock.now(), leftMicros, leftRequests };
    this.#leases.set(name, held);
    return held;
  }

  /** Ends a lease. What it has left is handed out once. */
  giveUp(held: HeldLease): Leftover | undefined {
    if (this.#leases.get(held.name) === held) this.#leases.delete(held.name);
    const { leftMicros: micros, leftRequests: requests, grant } = held;
    held.leftMicros = 0;
    held.leftRequests = 0;
    const lease = grant.lease && micros > 0 ? { lease: { id: grant.lease.id, micros } } : {};
    const rate =
      grant.rate && requests > 0 ? { rate: { key: grant.principal.id, second: grant.rate.second, requests } } : {};
    const left: Leftover = { ...lease, ...rate };
    return left.lease || left.rate ? left : undefined;
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
