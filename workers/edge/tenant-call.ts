/**
 * What a tenant route's handler holds: the scope of its tenant, who calls, and the doors of that tenant, nothing else.
 * Only the admission pipeline makes one.
 */
import type { Clock } from '../../shared/core/clock.ts';
import type { AgentId, ConversationId, Id, IdKind, LeaseId, Random, TenantId } from '../../shared/core/ids.ts';
import type { Principal } from '../../shared/core/principal.ts';
import type { Result } from '../../shared/core/result.ts';
import type { LiveAgent } from '../../shared/contracts/admission.ts';
import type { CreateIssuer } from '../../shared/contracts/issuers.ts';
import type { CatalogView } from '../../shared/inference/catalog.ts';
import type { PlatformKey } from '../../shared/inference/platform-key.ts';
import type { TicketSeal } from '../../shared/inference/ticket.ts';
import type { MemoryStore } from '../../shared/store/memory-store.ts';
import type { VectorIndex } from '../../shared/store/vector-index.ts';
import type { TenantScope } from '../../shared/tenancy/tenant-scope.ts';
import type { AgentDoor, ConversationDoor, TenantDoor } from './doors.ts';

/** Before admission: enough to plan, nothing of the tenant. */
export type TenantRequest = {
  readonly clock: Clock;
  readonly requestId: string;
  /** When the request, or the first try of its Idempotency-Key, began. */
  readonly startedAt: number;
  readonly random: Random;
  readonly mint: <K extends IdKind>(kind: K) => Id<K>;
  readonly catalog: () => Promise<Result<CatalogView>>;
};

export type AdmissionPlan<X = unknown> = {
  readonly agentRef?: string;
  readonly agentIsModel?: boolean;
  /** The request is a run: admitted, where it can be, out of what this isolate holds for its caller. */
  readonly needMicros?: number;
  readonly conversation?: { readonly id: ConversationId; readonly listed: boolean };
  /** What the plan worked out, for the handler. */
  readonly planned: X;
};

export type TenantCall<X = unknown> = TenantRequest & {
  readonly scope: TenantScope;
  readonly tenantId: TenantId;
  readonly principal: Principal;
  readonly agent: LiveAgent | null;
  readonly planned: X;
  /** What the run draws on; null where no budget applies. */
  readonly lease: LeaseId | null;
  readonly traceparent: string;
  /** Aborts when the caller leaves. */
  readonly signal: AbortSignal;
  readonly tenant: TenantDoor;
  readonly agentObject: (agent: AgentId) => AgentDoor;
  readonly conversation: (conversation: ConversationId) => ConversationDoor;
  readonly memories: () => MemoryStore;
  readonly vectorIndex: (space: string) => VectorIndex;
  readonly platformKey: () => Promise<PlatformKey>;
  readonly ticketSeal: () => TicketSeal;
  /** Whether an issuer's URLs may be fetched, and lead to its keys. */
  readonly checkIssuer: (wanted: CreateIssuer) => Promise<Result<undefined>>;
  /** Deterministic where the request carries an Idempotency-Key. */
  readonly mintSecret: (keyId: Id<'key'>) => { readonly secret: string; readonly hash: string };
};
