/** Which migrations stand behind the tables of each holder: what an archive was written with has to be known here. */
import { agentMigrations } from './agent/agent-migrations.ts';
import { conversationMigrations } from './conversation/conversation-migrations.ts';
import type { Holder } from './estate.ts';
import type { ObjectMigration } from './runtime/migrate.ts';
import { tenantMigrations } from './tenant/tenant-migrations.ts';
import { vectorShardMigrations } from './vector-shard/vector-shard-migrations.ts';
import { webhookEndpointMigrations } from './webhook-endpoint/webhook-endpoint-migrations.ts';

const migrations = {
  TENANT: tenantMigrations,
  AGENT: agentMigrations,
  CONVERSATION: conversationMigrations,
  VECTOR_SHARD: vectorShardMigrations,
  WEBHOOK_ENDPOINT: webhookEndpointMigrations,
} as const satisfies Record<Holder, readonly ObjectMigration[]>;

export const estateSchema: Record<string, string[]> = Object.fromEntries(
  Object.entries(migrations).map(([holder, list]) => [holder, list.map(({ id }) => id)]),
);
