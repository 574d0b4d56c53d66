/**
 * What a tenant's object has granted to this isolate, for less than a second: within it the same caller asking for the
 * same thing is admitted here, without a hop, as long as what came with the grant lasts: money, tokens, runs, requests.
 * So a revoked key or a suspended tenant is refused everywhere within one second, and no budget or limit is overdrawn:
 * what is given out here was held there before. Refusals are never kept. Bounded in number; plain data, so requests may share it.
 */
import type { Clock } from '../../shared/core/clock.ts';
import type { TenantId } from '../../shared/core/ids.ts';
import type { AdmissionRequest, Credential, Grant, Leftover, Need } from '../../shared/contracts/admission.ts';

export const LeaseMs = 900;
const MaxLeases = 10_000;

/** What may still be given out; without bound where nothing limits it. */
export type HeldLease = {
  readonly name: string;
  readonly grant: Grant;
  readonly since: number;
  leftMicros: number;
  leftTokens: number;
  leftRuns: number;
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
  draw(tenant: TenantId, request: AdmissionRequest, need: Need): Draw {
    const name = nameOf(tenant, request);
    const held = this.#leases.get(name);
    if (!held) return { kind: 'empty' };
    const now = this.#clock.now();
    const age = now - held.since;
    const { until = Number.POSITIVE_INFINITY } = held.grant.principal;
    // A clock that jumped back must not make a lease live longer, nor a lease outlive its credential.
    if (age >= 0 && age < LeaseMs && now < until && suffices(held, need)) {
      take(held, need);
      return { kind: 'drawn', held };
    }
    const left = this.giveUp(held);
    return left ? { kind: 'empty', left } : { kind: 'empty' };
  }

  /**
   * Takes what the run at hand needs out of a grant, and keeps the rest. Another lease that a request has brought
   * meanwhile is replaced; what it has left goes back by its own timer. `askedAt`: from when on what the object said may
   * have changed.
   */
  keep(tenant: TenantId, request: AdmissionRequest, grant: Grant, need: Need, askedAt: number): HeldLease {
    if (this.#leases.size >= MaxLeases) this.#leases.clear();
    const name = nameOf(tenant, request);
    const held: HeldLease = {
      name,
      grant,
      since: askedAt,
      leftMicros: grant.lease?.micros ?? Number.POSITIVE_INFINITY,
      leftTokens: grant.lease?.tokens ?? Number.POSITIVE_INFINITY,
      leftRuns: grant.lease?.runs ?? Number.POSITIVE_INFINITY,
      leftRequests: grant.rate?.requests ?? Number.POSITIVE_INFINITY,
    };
    take(held, need);
    this.#leases.set(name, held);
    return held;
  }

  /** Ends a lease. What it has left is handed out once. */
  giveUp(held: HeldLease): Leftover | undefined {
    if (this.#leases.get(held.name) === held) this.#leases.delete(held.name);
    const { grant } = held;
    const [micros, tokens, runs, requests] = [held.leftMicros, held.leftTokens, held.leftRuns, held.leftRequests].map(
      (left) => (Number.isFinite(left) ? left : 0),
    ) as [number, number, number, number];
    held.leftMicros = held.leftTokens = held.leftRuns = held.leftRequests = 0;
    const left: Leftover = {
      ...(grant.lease && micros + tokens + runs > 0 ? { lease: { id: grant.lease.id, micros, tokens, runs } } : {}),
      ...(grant.rate && requests > 0 ? { rate: { key: grant.principal.id, second: grant.rate.second, requests } } : {}),
    };
    return left.lease || left.rate ? left : undefined;
  }
}

function suffices({ leftMicros, leftTokens, leftRuns, leftRequests }: HeldLease, { micros, tokens }: Need): boolean {
  return leftMicros >= micros && leftTokens >= tokens && leftRuns >= 1 && leftRequests >= 1;
}

function take(held: HeldLease, { micros, tokens }: Need): void {
  held.leftMicros -= micros;
  held.leftTokens -= tokens;
  held.leftRuns -= 1;
  held.leftRequests -= 1;
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
      return JSON.stringify([credential.visitorId, credential.agentId, credential.jti]);
    case 'user':
      // As JSON: a subject may hold spaces, and must not read as another caller's words.
      return JSON.stringify([
        credential.issuerId,
        credential.subject,
        credential.email,
        credential.roles,
        credential.jti,
      ]);
  }
}
