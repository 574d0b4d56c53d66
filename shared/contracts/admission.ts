/**
 * The contract between the edge and a tenant's object: `admit` says who calls and what they may; what a run may cost at
 * most is sealed into its ticket (shared/inference/ticket.ts), which its receipt brings back to `settle`.
 * Plain objects over RPC; both ends are Freehold's own, so types suffice.
 */
import type { AgentId, BridgeId, ConversationId, IssuerId, KeyId, RunId, VisitorId } from '../core/ids.ts';
import type { TokenPrice } from '../core/money.ts';
import type { Principal } from '../core/principal.ts';
import type { AgentDefinition } from './agents.ts';
import type { Permission } from './keys.ts';
import type { Role } from './roles.ts';

export type Credential =
  | { readonly kind: 'key'; readonly keyId: KeyId; readonly secretHash: string }
  | { readonly kind: 'visitor'; readonly visitorId: VisitorId; readonly agentId: AgentId }
  | UserCredential;

/** What a verified token of a registered issuer says of its bearer. */
export type UserCredential = {
  readonly kind: 'user';
  readonly issuerId: IssuerId;
  readonly subject: string;
  /** Only an address that the issuer has verified. */
  readonly email: string | null;
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
  readonly maxOutputTokens: number;
};

export type AdmissionRequest = {
  readonly credential: Credential;
  readonly permission: Permission | null;
  /** An agent's id or slug, where the request is about one. */
  readonly agentRef: string | null;
  /** The agent was named as a model: one that is not there, or not the caller's, is `model_not_found`. */
  readonly agentIsModel?: boolean;
  /** `own`: the conversation itself decides who may see it. */
  readonly reach: 'agent' | 'own';
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

export type Grant = { readonly principal: Principal; readonly agent: LiveAgent | null };
