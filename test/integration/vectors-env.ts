/// <reference types="@cloudflare/vitest-pool-workers/types" />
/** What the test Worker of the vector tests binds, and short ways to it. Only inside workerd. */
import { applyD1Migrations, type D1Migration } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import type { VectorShardObject } from '../../durable-objects/vector-shard/vector-shard-object.ts';
import type { TenantId } from '../../shared/core/ids.ts';
import { EmbeddedVectorIndex, type EmbeddedIndexOptions } from '../../shared/store/embedded-vector-index.ts';
import { vectorShardObjectName } from '../../shared/tenancy/object-name.ts';

type VectorsEnv = {
  readonly DB: D1Database;
  readonly VECTOR_SHARD: DurableObjectNamespace<VectorShardObject>;
  readonly MIGRATIONS: D1Migration[];
};
const bindings = env as unknown as VectorsEnv;

export const database = bindings.DB;

export async function migrateDatabase(): Promise<void> {
  await applyD1Migrations(bindings.DB, bindings.MIGRATIONS);
}

export function openShard(tenant: TenantId, shard = 0): DurableObjectStub<VectorShardObject> {
  return bindings.VECTOR_SHARD.getByName(vectorShardObjectName(tenant, 'test/space', shard));
}

export function openEmbeddedIndex(tenant: TenantId, options: EmbeddedIndexOptions = {}): EmbeddedVectorIndex {
  return new EmbeddedVectorIndex(tenant, (shard) => openShard(tenant, shard), options);
}
