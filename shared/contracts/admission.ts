/**
 * The contract between the edge and a tenant's ledger: one call that admits (who, may they, how much at most) and one
 * that settles (what it really was). Leases can take the place of `admit` without a change to its callers.
 * Plain objects over RPC; both ends are Freehold's own, so types suffice.
 */
import type { AgentId, BridgeId, ConversationId, KeyId, RunId, VisitorId } from '../core/ids.ts';
import type { TokenPrice } from '../core/money.ts';
import type { Principal } from '../core/principal.ts';
import type { AgentDefinition } from './agents.ts';
import type { Permission } from './keys.ts';

export type Credential =
  | { readonly kind: 'key'; readonly keyId: KeyId; readonly secretHash: string }
  | { readonly kind: 'visitor'; readonly visitorId: VisitorId; readonly agentId: AgentId };

/** The most that a run may cost, held from the moment it is admitted until its receipt settles it. */
export type ReservationRequest = {
  readonly run: RunId;
  readonly bridge: BridgeId;
  readonly model: string;
  readonly priceId: string;
  readonly price: TokenPrice;
  readonly maxMicros: number;
  readonly maxOutputTokens: number;
  /** After this the run can no longer be served; a receipt that comes later still settles it. */
  readonly expiresAt: number;
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
  readonly reservation?: ReservationRequest;
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

/** What a run inside an admitted turn reserves: the principal is known, only its standing is checked again. */
export type RunReservation = {
  readonly principal: Principal;
  readonly agentId: AgentId | null;
  readonly reservation: ReservationRequest;
};
