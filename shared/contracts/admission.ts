/**
 * The contract between the edge and a tenant's object: `admit` says who calls and what they may; what a run may cost at
 * most is sealed into its ticket (shared/inference/ticket.ts), which its receipt brings back to `settle`.
 * Plain objects over RPC; both ends are Freehold's own, so types suffice.
 */
import type { AgentId, BridgeId, ConversationId, IssuerId, KeyId, LeaseId, RunId, VisitorId } from '../core/ids.ts';
import type { TokenPrice } from '../core/money.ts';
import type { Principal } from '../core/principal.ts';
import type { RateStates } from '../core/rate-window.ts';
import type { AgentDefinition } from './agents.ts';
import type { Permission } from './keys.ts';
import type { Role } from './roles.ts';

export type Credential =
  | { readonly kind: 'key'; readonly keyId: KeyId; readonly secretHash: string }
  | { readonly kind: 'visitor'; readonly visitorId: VisitorId; readonly agentId: AgentId; readonly jti: string | null }
  | UserCredential;

/** What a verified token of a registered issuer says of its bearer. */
export type UserCredential = {
  readonly kind: 'user';
  readonly issuerId: IssuerId;
  readonly subject: string;
  /** Only an address that the issuer has verified. */
  readonly email: string | null;
  /** The token's own id, by which it can be revoked; null where it has none. */
  readonly jti: string | null;
  /** By the issuer's role mappings. */
  readonly roles: readonly Role[];
};

/** The most that a run may cost, and for what. It is sealed into the run's ticket once the run is admitted. */
export type Reservation = {
  readonly run: RunId;
  readonly bridge: BridgeId;
  readonly model: string;
  readonly priceId: string;
  readonly price: TokenPrice;
  readonly maxMicros: number;
  /** Of input and output together. */
  readonly maxTokens: number;
  readonly maxOutputTokens: number;
};

/** What a run may use at most. */
export type Need = { readonly micros: number; readonly tokens: number };

export type AdmissionRequest = {
  readonly credential: Credential;
  readonly permission: Permission | null;
  /** An agent's id or slug, where the request is about one. */
  readonly agentRef: string | null;
  /** The agent was named as a model: one that is not there, or not the caller's, is `model_not_found`. */
  readonly agentIsModel?: boolean;
  /** `own`: the conversation itself decides who may see it. */
  readonly reach: 'agent' | 'own';
  /** It begins a run, or what will run: refused while its agent or the tenant is stopped. */
  readonly startsRun?: boolean;
  /** Present where the request is a run on a model: what it may cost at most. */
  readonly spend?: Spend;
  /** A conversation that this request opens, to be listed under the tenant. */
  readonly conversation?: { readonly id: ConversationId; readonly listed: boolean };
};

export type LiveAgent = {
  readonly id: AgentId;
  readonly slug: string;
  readonly name: string;
  readonly version: number;
  readonly definition: AgentDefinition;
};

/** `returning`: what an earlier lease of the same isolate has left, given back with the same call. */
export type Spend = {
  readonly need: Need;
  readonly returning?: Leftover;
};

/** What the holder of a grant did not use: of its lease, and requests of its rate. */
export type Leftover = {
  readonly lease?: { readonly id: LeaseId; readonly micros: number; readonly tokens: number; readonly runs: number };
  readonly rate?: { readonly key: string; readonly second: number; readonly requests: number };
};

/**
 * What is held for its holder's runs: money, tokens of this minute, runs in flight; a member is null where nothing limits
 * it. All of it counts as used until it is settled or given back.
 */
export type Lease = {
  readonly id: LeaseId;
  readonly micros: number | null;
  readonly tokens: number | null;
  readonly runs: number | null;
};

export type Grant = {
  readonly principal: Principal;
  readonly agent: LiveAgent | null;
  /** Where the request spends: what it spends from. */
  readonly lease: Lease | null;
  /** Where requests or tokens are limited: how many requests were granted at once, and what the headers say. */
  readonly rate: RateGrant | null;
};

/** `requests`: null where they are not limited. */
export type RateGrant = { readonly requests: number | null; readonly second: number; readonly states: RateStates };
