/**
 * The only door to the objects: branded ids in, typed stubs out; a raw string does not compile. Where an agent lives
 * (an object of its own or a bucket) is decided here.
 */
import type { RpcTarget } from 'cloudflare:workers';
import type { AgentId, BridgeId, ConversationId, TenantId, WebhookId } from '../shared/core/ids.ts';
import { systemClock } from '../shared/core/clock.ts';
import { err, ok, type Result } from '../shared/core/result.ts';
import { HashEmbeddingDimensions } from '../shared/core/hash-embedding.ts';
import type { BridgeAddress, CatalogSource } from '../shared/inference/catalog.ts';
import type { BridgeFetch } from '../shared/inference/inference-client.ts';
import type { NodeWays } from '../shared/inference/run-on-node.ts';
import { TunnelTokenHeader, TunnelUntilHeader } from '../shared/contracts/tunnel.ts';
import { EmbeddedVectorIndex } from '../shared/store/embedded-vector-index.ts';
import { MemoryStore } from '../shared/store/memory-store.ts';
import { ModelRegistry } from '../shared/store/model-registry.ts';
import { PlanStore } from '../shared/store/plan-store.ts';
import { PriceBook, toPricedModel } from '../shared/store/price-book.ts';
import { BillingArchive } from '../shared/store/billing-archive.ts';
import { SpaceRegister } from '../shared/store/space-register.ts';
import { TelemetryArchive } from '../shared/store/telemetry-archive.ts';
import { TermsBook } from '../shared/store/terms-book.ts';
import { TenantDirectory, type TenantRecord } from '../shared/store/tenant-directory.ts';
import type { AuditActor } from '../shared/contracts/audit.ts';
import { MemoryFilterFields, type VectorIndex } from '../shared/store/vector-index.ts';
import { VectorizeIndex } from '../shared/store/vectorize-index.ts';
import {
  agentObjectName,
  bridgeTunnelObjectName,
  conversationObjectName,
  nodePoolObjectName,
  operatorObjectName,
  tenantObjectName,
  vectorShardObjectName,
  webhookEndpointObjectName,
} from '../shared/tenancy/object-name.ts';
import { importTenant, type Imported, type ImportOptions } from './archive-reader.ts';
import { exportTenant, type ExportOptions } from './archive-writer.ts';
import { Estate } from './estate.ts';
import type { AgentObject } from './agent/agent-object.ts';
import type { BridgeTunnelObject } from './bridge-tunnel/bridge-tunnel-object.ts';
import type { ConversationObject } from './conversation/conversation-object.ts';
import type { NodePoolObject } from './node-pool/node-pool-object.ts';
import type { OperatorObject } from './operator/operator-object.ts';
import type { TenantObject } from './tenant/tenant-object.ts';
import type { VectorShardObject } from './vector-shard/vector-shard-object.ts';
import type { WebhookEndpointObject } from './webhook-endpoint/webhook-endpoint-object.ts';
import type { Platform } from './platform.ts';

export type { Platform } from './platform.ts';

/** What an object offers over RPC: every method returns a promise, and so does every method of its desks. */
export type Remote<T> = {
  readonly [
    K in keyof T as T[K] extends RpcTarget | ((...args: never[]) => unknown) ? Exclude<K, 'fetch' | 'alarm'> : never
  ]: T[K] extends (...args: infer A) => infer R ? (...args: A) => Promise<Awaited<R>> : Remote<T[K]>;
};

/** A socket is no value, so it goes by fetch and not by RPC. */
function openSocket(namespace: DurableObjectNamespace, name: string, opening: object): Promise<Response> {
  const url = `https://object/?${new URLSearchParams({ opening: JSON.stringify(opening) }).toString()}`;
  return namespace.get(namespace.idFromName(name)).fetch(url, { headers: { upgrade: 'websocket' } });
}

const Pool = 'default';

export class Objects {
  readonly #platform: Platform;

  constructor(platform: Platform) {
    this.#platform = platform;
  }

  tenant(tenant: TenantId): Remote<TenantObject> {
    return reach<TenantObject>(this.#platform.TENANT, tenantObjectName(tenant));
  }

  /** A WebSocket of the tenant's event log. */
  eventSocket(tenant: TenantId, opening: object): Promise<Response> {
    return openSocket(this.#platform.TENANT, tenantObjectName(tenant), opening);
  }

  /** A WebSocket of a conversation's events. */
  conversationSocket(tenant: TenantId, conversation: ConversationId, opening: object): Promise<Response> {
    return openSocket(this.#platform.CONVERSATION, conversationObjectName(tenant, conversation), opening);
  }

  agent(tenant: TenantId, agent: AgentId): Remote<AgentObject> {
    return reach<AgentObject>(
      this.#platform.AGENT,
      agentObjectName(tenant, agent, Number(this.#platform.AGENT_BUCKETS)),
    );
  }

  conversation(tenant: TenantId, conversation: ConversationId): Remote<ConversationObject> {
    return reach<ConversationObject>(this.#platform.CONVERSATION, conversationObjectName(tenant, conversation));
  }

  webhookEndpoint(tenant: TenantId, webhook: WebhookId): Remote<WebhookEndpointObject> {
    return reach<WebhookEndpointObject>(this.#platform.WEBHOOK_ENDPOINT, webhookEndpointObjectName(tenant, webhook));
  }

  nodePool(): Remote<NodePoolObject> {
    return reach<NodePoolObject>(this.#platform.NODE_POOL, nodePoolObjectName(Pool));
  }

  tunnel(bridge: BridgeId): Remote<BridgeTunnelObject> {
    return reach<BridgeTunnelObject>(this.#platform.BRIDGE_TUNNEL, bridgeTunnelObjectName(bridge));
  }

  /** How a tenant's memories reach models. The catalogue and the keys are kept by whoever asks. */
  nodeWays(tenantId: TenantId, kept: Omit<NodeWays, 'tenantId' | 'admit' | 'noteLost' | 'bridgeFetch'>): NodeWays {
    const tenant = this.tenant(tenantId);
    return {
      ...kept,
      tenantId,
      async admit(principal, agent, need) {
        const admitted = await reached(tenant.admitOwnRun(principal, agent, need));
        return admitted.ok ? admitted.value : admitted;
      },
      noteLost: (...lost) => reached(tenant.noteLostRun(...lost)),
      bridgeFetch: (bridge) => this.bridgeFetch(bridge),
    };
  }

  /** Hands a WebSocket of a bridge that has shown who it is to its tunnel's end; `token` counts once. */
  openTunnel(bridge: BridgeId, token: string, until: number): Promise<Result<Response>> {
    const headers = { upgrade: 'websocket', [TunnelTokenHeader]: token, [TunnelUntilHeader]: String(until) };
    return reached(this.#tunnelFetch(bridge)('/', { headers }));
  }

  /** How a bridge is reached: at its own address, or through the tunnel that it keeps open. */
  bridgeFetch({ id, transport, url }: BridgeAddress): BridgeFetch {
    return transport === 'tunnel' ? this.#tunnelFetch(id) : (path, init) => fetch(url + path, init);
  }

  #tunnelFetch(bridge: BridgeId): BridgeFetch {
    const tunnels = this.#platform.BRIDGE_TUNNEL;
    const stub = tunnels.get(tunnels.idFromName(bridgeTunnelObjectName(bridge)));
    return (path, init) => stub.fetch(`http://tunnel${path}`, init);
  }

  operator(): Remote<OperatorObject> {
    return reach<OperatorObject>(this.#platform.OPERATOR, operatorObjectName());
  }

  /** The whole tenant as an archive. */
  async exportTenant(
    record: TenantRecord,
    actor: AuditActor,
    options: ExportOptions,
  ): Promise<Result<ReadableStream<Uint8Array>>> {
    const tenant = record.id as TenantId;
    if (!options.after) {
      const entered = await reached(this.tenant(tenant).tenancy.exported(actor, options.passphrase !== undefined));
      if (!entered.ok) return entered;
    }
    return exportTenant(this, new Estate(this.#platform, tenant), record, options, systemClock.now());
  }

  /** `admitHead`: whether the tenant that the archive's head names may come. */
  importTenant(
    body: AsyncIterable<Uint8Array>,
    options: ImportOptions,
    admitHead: (record: TenantRecord) => Promise<Result<undefined>>,
  ): Promise<Result<Imported>> {
    return importTenant(this, (tenant) => new Estate(this.#platform, tenant), body, options, admitHead);
  }

  /** The vectors of a tenant in one embedding space, in whichever backend the operator chose. */
  vectorIndex(tenant: TenantId, space: string): VectorIndex {
    const { VECTOR_BACKEND, VECTORIZE } = this.#platform;
    if (VECTOR_BACKEND === 'vectorize' && VECTORIZE)
      return new VectorizeIndex(VECTORIZE, tenant, HashEmbeddingDimensions, { filterable: MemoryFilterFields, space });
    return new EmbeddedVectorIndex(tenant, (shard) => this.vectorShard(tenant, space, shard), {
      filterable: MemoryFilterFields,
      name: `${tenant}/${space}`,
    });
  }

  vectorShard(tenant: TenantId, space: string, shard: number): Remote<VectorShardObject> {
    return reach<VectorShardObject>(this.#platform.VECTOR_SHARD, vectorShardObjectName(tenant, space, shard));
  }

  memories(): MemoryStore {
    return new MemoryStore(this.#platform.DB);
  }

  spaceRegister(): SpaceRegister {
    return new SpaceRegister(this.#platform.DB);
  }

  directory(): TenantDirectory {
    return new TenantDirectory(this.#platform.DB);
  }

  plans(): PlanStore {
    return new PlanStore(this.#platform.DB);
  }

  prices(): PriceBook {
    return new PriceBook(this.#platform.DB);
  }

  modelRegistry(): ModelRegistry {
    return new ModelRegistry(this.#platform.DB);
  }

  terms(): TermsBook {
    return new TermsBook(this.#platform.DB);
  }

  telemetryArchive(): TelemetryArchive {
    return new TelemetryArchive(this.#platform.DB);
  }

  billingArchive(): BillingArchive {
    return new BillingArchive(this.#platform.DB);
  }

  catalogSource(): CatalogSource {
    return {
      loadPool: () => reached(this.nodePool().snapshot()),
      loadPrices: async () => {
        const prices = await this.prices().current(systemClock.now());
        return prices.ok ? ok(prices.value.map(toPricedModel)) : prices;
      },
      loadRegistry: async () => {
        const models = await this.modelRegistry().list();
        return models.ok ? ok(models.value.map(({ definition }) => definition)) : models;
      },
      loadPlan: (tenant) => this.terms().findPlan(tenant),
    };
  }
}

/** An object that does not answer is an outage of this service, never the caller's fault. */
export async function reached<T>(call: Promise<T>): Promise<Result<T>> {
  try {
    return ok(await call);
  } catch (error) {
    return err('service_unavailable', undefined, { reason: String(error) });
  }
}

function reach<T>(namespace: DurableObjectNamespace, name: string): Remote<T> {
  return namespace.get(namespace.idFromName(name)) as unknown as Remote<T>;
}
