/**
 * What a tenant route's handler holds: the scope of its tenant, who calls, and the doors of that tenant, nothing else.
 * Only the admission pipeline makes one.
 */
import type { Clock } from '../../shared/core/clock.ts';
import type {
  AgentId,
  ConversationId,
  Id,
  IdKind,
  LeaseId,
  Random,
  TenantId,
  WebhookId,
} from '../../shared/core/ids.ts';
import type { Principal } from '../../shared/core/principal.ts';
import type { Result } from '../../shared/core/result.ts';
import type { LiveAgent, Need } from '../../shared/contracts/admission.ts';
import type { AuditActor } from '../../shared/contracts/audit.ts';
import type { EventFilter } from '../../shared/contracts/events.ts';
import type { CreateExport } from '../../shared/contracts/exports.ts';
import type { CacheHeader } from '../../shared/contracts/inference.ts';
import type { CreateIssuer, SignInEndpoints } from '../../shared/contracts/issuers.ts';
import type { BridgeAddress, CatalogView } from '../../shared/inference/catalog.ts';
import type { BridgeFetch } from '../../shared/inference/inference-client.ts';
import type { PlatformKey } from '../../shared/inference/platform-key.ts';
import type { TicketSeal } from '../../shared/inference/ticket.ts';
import type { MemoryStore } from '../../shared/store/memory-store.ts';
import type { VectorIndex } from '../../shared/store/vector-index.ts';
import type { TenantScope } from '../../shared/tenancy/tenant-scope.ts';
import type { AgentDoor, ConversationDoor, TenantDoor, WebhookEndpointDoor } from './doors.ts';

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
  /** It begins a run, or what will run. */
  readonly startsRun?: boolean;
  /** The model that it asks, where it asks one itself. */
  readonly model?: string;
  /** The request is a run: admitted, where it can be, out of what this isolate holds for its caller. */
  readonly need?: Need;
  /** What the plan is where a budget does not bear it, on a cheaper model. */
  readonly degraded?: (model: string) => Promise<Result<AdmissionPlan<X>>>;
  readonly conversation?: { readonly id: ConversationId; readonly listed: boolean };
  /** What the plan worked out, for the handler. */
  readonly planned: X;
};

export type TenantCall<X = unknown> = TenantRequest & {
  readonly scope: TenantScope;
  readonly tenantId: TenantId;
  readonly principal: Principal;
  /** The principal as the one who changes something, in the trace of this request. */
  readonly actor: AuditActor;
  readonly agent: LiveAgent | null;
  readonly planned: X;
  /** What the run draws on; null where no budget applies. */
  readonly lease: LeaseId | null;
  readonly traceparent: string;
  /** The few headers that a handler may read: none of them is a credential. */
  readonly header: (name: 'accept' | 'last-event-id' | 'upgrade' | typeof CacheHeader) => string | undefined;
  /** A WebSocket of the event log for the caller. */
  readonly eventSocket: (filter: EventFilter, lastEventId: string | undefined) => Promise<Result<Response>>;
  /** A WebSocket of a conversation's events for the caller. */
  readonly conversationSocket: (
    conversation: ConversationId,
    after: Readonly<Record<string, number>> | undefined,
  ) => Promise<Result<Response>>;
  /** Aborts when the caller leaves. */
  readonly signal: AbortSignal;
  readonly tenant: TenantDoor;
  readonly agentObject: (agent: AgentId) => AgentDoor;
  readonly conversation: (conversation: ConversationId) => ConversationDoor;
  readonly webhookEndpoint: (webhook: WebhookId) => WebhookEndpointDoor;
  readonly memories: () => MemoryStore;
  readonly vectorIndex: (space: string) => VectorIndex;
  /** How a bridge is reached. */
  readonly bridgeFetch: (bridge: BridgeAddress) => BridgeFetch;
  /** The public address of the tenant on its subdomain. */
  readonly tenantUrl: (slug: string) => string;
  /** A name that this tenant may claim, in the form that a Host header can name. */
  readonly parseCustomHostname: (text: string) => Result<string>;
  /** This whole tenant as an archive, and its slug to name it by. */
  readonly exportTenant: (
    options: CreateExport,
  ) => Promise<Result<{ readonly lines: ReadableStream<Uint8Array>; readonly slug: string }>>;
  readonly platformKey: () => Promise<PlatformKey>;
  readonly ticketSeal: () => TicketSeal;
  /** Whether an issuer's URLs may be fetched, and lead to its keys; where people sign in, if it has a client. */
  readonly checkIssuer: (wanted: CreateIssuer) => Promise<Result<SignInEndpoints>>;
  /** Deterministic where the request carries an Idempotency-Key. */
  readonly mintSecret: (keyId: Id<'key'>) => { readonly secret: string; readonly hash: string };
};
