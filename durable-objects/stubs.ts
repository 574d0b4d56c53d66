/**
 * The only door to the objects: branded ids in, typed stubs out; a raw string does not compile. Where an agent lives
 * (an object of its own or a bucket) is decided here.
 */
import type { AgentId, ConversationId, TenantId } from '../shared/core/ids.ts';
import { systemClock } from '../shared/core/clock.ts';
import { err, ok, type Result } from '../shared/core/result.ts';
import { HashEmbeddingDimensions } from '../shared/core/hash-embedding.ts';
import type { CatalogSource } from '../shared/inference/catalog.ts';
import { EmbeddedVectorIndex } from '../shared/store/embedded-vector-index.ts';
import { MemoryStore } from '../shared/store/memory-store.ts';
import { PriceBook, toPricedModel } from '../shared/store/price-book.ts';
import { TenantDirectory } from '../shared/store/tenant-directory.ts';
import type { VectorIndex } from '../shared/store/vector-index.ts';
import { VectorizeIndex } from '../shared/store/vectorize-index.ts';
import {
  agentObjectName,
  conversationObjectName,
  nodePoolObjectName,
  tenantObjectName,
  vectorShardObjectName,
} from '../shared/tenancy/object-name.ts';
import type { AgentObject } from './agent/agent-object.ts';
import type { ConversationObject } from './conversation/conversation-object.ts';
import type { NodePoolObject } from './node-pool/node-pool-object.ts';
import type { TenantObject } from './tenant/tenant-object.ts';
import type { VectorShardObject } from './vector-shard/vector-shard-object.ts';
import type { Platform } from './platform.ts';

export type { Platform } from './platform.ts';

/** The RPC methods of an object class: every one returns a promise. */
export type Remote<T> = {
  readonly [
    K in keyof T as T[K] extends (...args: never[]) => unknown ? Exclude<K, 'fetch' | 'alarm'> : never
  ]: T[K] extends (...args: infer A) => infer R ? (...args: A) => Promise<Awaited<R>> : never;
};

const Pool = 'default';

export class Objects {
  readonly #platform: Platform;

  constructor(platform: Platform) {
    this.#platform = platform;
  }

  tenant(tenant: TenantId): Remote<TenantObject> {
    return reach<TenantObject>(this.#platform.TENANT, tenantObjectName(tenant));
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

  nodePool(): Remote<NodePoolObject> {
    return reach<NodePoolObject>(this.#platform.NODE_POOL, nodePoolObjectName(Pool));
  }

  /** The vectors of a tenant in one embedding space, in whichever backend the operator chose. */
  vectorIndex(tenant: TenantId, space: string): VectorIndex {
    const { VECTOR_BACKEND, VECTORIZE, VECTOR_SHARD } = this.#platform;
    if (VECTOR_BACKEND === 'vectorize' && VECTORIZE)
      return new VectorizeIndex(VECTORIZE, tenant, HashEmbeddingDimensions);
    return new EmbeddedVectorIndex(tenant, (shard) =>
      reach<VectorShardObject>(VECTOR_SHARD, vectorShardObjectName(tenant, space, shard)),
    );
  }

  memories(): MemoryStore {
    return new MemoryStore(this.#platform.DB);
  }

  directory(): TenantDirectory {
    return new TenantDirectory(this.#platform.DB);
  }

  prices(): PriceBook {
    return new PriceBook(this.#platform.DB);
  }

  catalogSource(): CatalogSource {
    return {
      loadPool: () => reached(this.nodePool().snapshot()),
      loadPrices: async () => {
        const prices = await this.prices().current(systemClock.now());
        return prices.ok ? ok(prices.value.map(toPricedModel)) : prices;
      },
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
