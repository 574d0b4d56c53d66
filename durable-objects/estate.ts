/**
 * A tenant's estate: every place that holds something of it. The registry below names, for each binding of an object,
 * how its parts of a tenant are found, or that it holds nothing of tenants: a binding without an entry does not compile.
 * Rows in D1 are found by their `tenant_id` (shared/store/tenant-rows.ts). Failures of a part are thrown as FailureError.
 */
import { FailureError } from '../shared/core/failure.ts';
import { HashEmbeddingModel } from '../shared/core/hash-embedding.ts';
import type { AgentId, ConversationId, TenantId, WebhookId } from '../shared/core/ids.ts';
import { VectorLimits } from '../shared/store/vector-index.ts';
import { TenantRows } from '../shared/store/tenant-rows.ts';
import {
  agentObjectName,
  agentPartNames,
  conversationObjectName,
  tenantObjectName,
  vectorShardObjectName,
  webhookEndpointObjectName,
} from '../shared/tenancy/object-name.ts';
import { tenantScope, type TenantScope } from '../shared/tenancy/tenant-scope.ts';
import type { Holding } from './runtime/holding.ts';
import type { Platform } from './platform.ts';
import { Objects, reached, type Remote } from './stubs.ts';
import type { TenancyDesk } from './tenant/tenancy-desk.ts';

type Bindings = {
  [K in keyof Platform as Platform[K] extends DurableObjectNamespace ? K : never]: true;
};
export type ObjectBinding = keyof Bindings;
type FindParts = (estate: Estate) => AsyncGenerator<string>;

const PageSize = 500;

/** The names of a tenant's objects under each binding. The tenant's own object is first, since it knows the others. */
export const holders = {
  TENANT: async function* (estate) {
    yield tenantObjectName(estate.tenant);
  },
  AGENT: async function* (estate) {
    const names = new Set<string>(agentPartNames(estate.tenant, estate.agentBuckets));
    yield* names;
    if (names.size === 0) {
      for await (const id of estate.agents()) yield agentObjectName(estate.tenant, id, 0);
    }
  },
  VECTOR_SHARD: async function* (estate) {
    const names: string[] = [];
    for (const [space, shards] of Object.entries(await estate.vectorShards())) {
      for (let at = 0; at < shards; at++) names.push(vectorShardObjectName(estate.tenant, space, at));
    }
    yield* names.sort();
  },
  CONVERSATION: async function* (estate) {
    for await (const id of estate.conversations()) yield conversationObjectName(estate.tenant, id);
  },
  WEBHOOK_ENDPOINT: async function* (estate) {
    for await (const id of estate.webhooks()) yield webhookEndpointObjectName(estate.tenant, id);
  },
  NODE_POOL: null,
  BRIDGE_TUNNEL: null,
  OPERATOR: null,
} as const satisfies Record<ObjectBinding, FindParts | null>;

export type Holder = { [K in ObjectBinding]: (typeof holders)[K] extends null ? never : K }[ObjectBinding];
export const holderNames = Object.entries(holders).flatMap(([name, find]) => (find ? [name as Holder] : []));

export type EstatePart = { readonly holder: Holder; readonly name: string };
type Tenancy = Pick<Remote<TenancyDesk>, 'agents' | 'conversations' | 'webhooks'>;
/** By embedding space. */
export type ShardCounts = Readonly<Record<string, number>>;

export class Estate {
  readonly tenant: TenantId;
  readonly scope: TenantScope;
  readonly rows: TenantRows;
  readonly #platform: Platform;
  readonly #objects: Objects;
  readonly #knownShards: ShardCounts;

  /** `knownShards`: there are at least so many, whatever their first one says. */
  constructor(platform: Platform, tenant: TenantId, knownShards: ShardCounts = {}) {
    this.tenant = tenant;
    this.scope = tenantScope(tenant);
    this.rows = new TenantRows(platform.DB);
    this.#platform = platform;
    this.#objects = new Objects(platform);
    this.#knownShards = knownShards;
  }

  get agentBuckets(): number {
    return Number(this.#platform.AGENT_BUCKETS);
  }

  /** Every part, in an order that stays the same; from a part on where one is given. */
  async *parts(from?: EstatePart): AsyncGenerator<EstatePart> {
    let begun = from === undefined;
    for (const holder of holderNames) {
      if (!begun && holder !== from!.holder) continue;
      for await (const name of holders[holder](this)) {
        begun ||= name >= from!.name;
        if (begun) yield { holder, name };
      }
      begun = true;
    }
  }

  holding({ holder, name }: EstatePart): Remote<Holding> {
    const namespace = this.#platform[holder];
    const stub = namespace.get(namespace.idFromName(name)) as unknown as { readonly holding: Remote<Holding> };
    return stub.holding;
  }

  /** The part that a row of an archive belongs to: where an agent lives is this deployment's own affair. */
  partOfAgent(agent: string): EstatePart {
    return { holder: 'AGENT', name: agentObjectName(this.tenant, agent as AgentId, this.agentBuckets) };
  }

  async *agents(): AsyncGenerator<AgentId> {
    yield* this.#pages((tenancy, after) => tenancy.agents(after, PageSize));
  }

  async *conversations(): AsyncGenerator<ConversationId> {
    yield* this.#pages((tenancy, after) => tenancy.conversations(after, PageSize));
  }

  async *webhooks(): AsyncGenerator<WebhookId> {
    yield* this.#pages((tenancy, after) => tenancy.webhooks(after, PageSize));
  }

  /** The first shard of a space knows how many there are. */
  async vectorShards(): Promise<ShardCounts> {
    const counts: Record<string, number> = { ...this.#knownShards };
    for (const space of await this.embeddingSpaces()) {
      const first = await required(this.#objects.vectorShard(this.tenant, space, 0).describe(this.tenant));
      if (!first.ok) throw new FailureError(first.failure);
      counts[space] = Math.max(counts[space] ?? 1, first.value.shards);
    }
    return counts;
  }

  async embeddingSpaces(): Promise<string[]> {
    const spaces = await this.#objects.spaceRegister().list(this.scope);
    if (!spaces.ok) throw new FailureError(spaces.failure);
    return [...new Set([HashEmbeddingModel, ...spaces.value])].sort();
  }

  /** Vectorize holds many tenants' vectors in one index: what is this tenant's is named by the ids of its memories. */
  async forgetVectors(): Promise<void> {
    if (this.#platform.VECTOR_BACKEND !== 'vectorize') return;
    for (const space of await this.embeddingSpaces()) {
      const index = this.#objects.vectorIndex(this.tenant, space);
      for (let after: number | null = 0; after !== null;) {
        const page = await this.rows.page(this.scope, 'memories', after);
        if (!page.ok) throw new FailureError(page.failure);
        const at = page.value.columns.indexOf('id');
        const ids = page.value.rows.map((row) => String(row[at]));
        for (let start = 0; start < ids.length; start += VectorLimits.maxIdsPerCall) {
          await index.deleteByIds(ids.slice(start, start + VectorLimits.maxIdsPerCall));
        }
        after = page.value.next;
      }
    }
  }

  async *#pages<Id extends string>(read: (tenancy: Tenancy, after: string) => Promise<Id[]>): AsyncGenerator<Id> {
    for (let after = ''; ;) {
      const ids = await required(read(this.#objects.tenant(this.tenant).tenancy, after));
      yield* ids;
      if (ids.length < PageSize) return;
      after = ids.at(-1)!;
    }
  }
}

/** What an object answers; one that does not is an outage. */
export async function required<T>(call: Promise<T>): Promise<T> {
  const answer = await reached(call);
  if (!answer.ok) throw new FailureError(answer.failure);
  return answer.value;
}
