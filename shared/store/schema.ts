/**
 * D1's tables (drizzle). The SQL of `migrations/` makes them; a test holds the two together.
 * Every table that belongs to tenants starts with `tenant_id` in its key or its index.
 */
import { index, integer, primaryKey, real, sqliteTable, text, uniqueIndex } from 'drizzle-orm/sqlite-core';

export const tenants = sqliteTable('tenants', {
  id: text().primaryKey(),
  slug: text().notNull().unique(),
  name: text().notNull(),
  plan: text().notNull(),
  region: text(),
  status: text({ enum: ['active', 'suspended'] }).notNull(),
  createdAt: integer('created_at').notNull(),
});

/** Custom hostnames; only verified ones lead to a tenant. */
export const hostnames = sqliteTable(
  'hostnames',
  {
    hostname: text().primaryKey(),
    tenantId: text('tenant_id').notNull(),
    status: text({ enum: ['pending', 'verified'] }).notNull(),
    createdAt: integer('created_at').notNull(),
  },
  (table) => [index('hostnames_by_tenant').on(table.tenantId)],
);

/** The price book: append-only versions. `model` is an id, or `*` for every model without a price of its own. */
export const prices = sqliteTable(
  'prices',
  {
    id: text().primaryKey(),
    model: text().notNull(),
    inputMicrosPerMtok: integer('input_micros_per_mtok').notNull(),
    cachedInputMicrosPerMtok: integer('cached_input_micros_per_mtok').notNull(),
    outputMicrosPerMtok: integer('output_micros_per_mtok').notNull(),
    effectiveFrom: integer('effective_from').notNull(),
  },
  (table) => [uniqueIndex('prices_by_model').on(table.model, table.effectiveFrom)],
);

/** Memory's source of truth. Vectors and full text are derived from it; the chain's head is in AgentObject. */
export const memories = sqliteTable(
  'memories',
  {
    tenantId: text('tenant_id').notNull(),
    id: text().notNull(),
    agentId: text('agent_id').notNull(),
    sequence: integer().notNull(),
    scope: text({ enum: ['private', 'shared'] }).notNull(),
    kind: text({ enum: ['fact', 'event', 'instruction', 'summary'] }).notNull(),
    text: text().notNull(),
    sourceType: text('source_type', { enum: ['person', 'conversation', 'document', 'tool', 'seed'] }).notNull(),
    sourceRef: text('source_ref'),
    author: text().notNull(),
    confidence: real().notNull(),
    validFrom: integer('valid_from'),
    validUntil: integer('valid_until'),
    supersedes: text(),
    embeddingSpace: text('embedding_space').notNull(),
    contentHash: text('content_hash').notNull(),
    previousHash: text('previous_hash').notNull(),
    hash: text().notNull(),
    createdAt: integer('created_at').notNull(),
    /** Set by deletion, which also empties `text`; the chain keeps its links. */
    deletedAt: integer('deleted_at'),
  },
  (table) => [
    primaryKey({ columns: [table.tenantId, table.id] }),
    uniqueIndex('memories_by_sequence').on(table.tenantId, table.agentId, table.sequence),
  ],
);
