/**
 * D1's tables (drizzle). The SQL of `migrations/` makes them; a test holds the two together.
 * Every table that belongs to tenants starts with `tenant_id` in its key or its index.
 */
import { index, integer, primaryKey, real, sqliteTable, text, uniqueIndex } from 'drizzle-orm/sqlite-core';
import type { ModelDefinition } from '../contracts/model-registry.ts';
import type { Features, PlanLimits, PlanOverrides } from '../contracts/plans.ts';
import type { Tally, TelemetryKind } from '../telemetry/tally.ts';

export const tenants = sqliteTable('tenants', {
  id: text().primaryKey(),
  slug: text().notNull().unique(),
  name: text().notNull(),
  plan: text().notNull(),
  region: text(),
  status: text({ enum: ['active', 'suspended', 'deleting'] }).notNull(),
  createdAt: integer('created_at').notNull(),
  overrides: text({ mode: 'json' }).$type<PlanOverrides>().notNull(),
});

/** What remains of a tenant that was deleted: its slug stays taken until `slug_free_at`; the proof of its deletion. */
export const deletedTenants = sqliteTable(
  'deleted_tenants',
  {
    id: text().primaryKey(),
    slug: text().notNull(),
    deletedAt: integer('deleted_at').notNull(),
    slugFreeAt: integer('slug_free_at').notNull(),
    certificate: text().notNull(),
  },
  (table) => [index('deleted_tenants_by_slug').on(table.slug)],
);

export const plans = sqliteTable('plans', {
  id: text().primaryKey(),
  name: text().notNull(),
  features: text({ mode: 'json' }).$type<Features>().notNull(),
  limits: text({ mode: 'json' }).$type<PlanLimits>().notNull(),
  createdAt: integer('created_at').notNull(),
  updatedAt: integer('updated_at').notNull(),
});

/** Custom hostnames that lead to a tenant: active ones alone. Claims are with the tenants that make them. */
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

/**
 * The price book: append-only versions. `model` is an id, or `*` for every model without a price of its own; `scope` is
 * for whom: `*`, `plan:<plan>` or a tenant's id.
 */
export const prices = sqliteTable(
  'prices',
  {
    id: text().primaryKey(),
    model: text().notNull(),
    inputMicrosPerMtok: integer('input_micros_per_mtok').notNull(),
    cachedInputMicrosPerMtok: integer('cached_input_micros_per_mtok').notNull(),
    outputMicrosPerMtok: integer('output_micros_per_mtok').notNull(),
    effectiveFrom: integer('effective_from').notNull(),
    scope: text().notNull(),
    /** JSON, by SKU; null where there are none. */
    tiers: text(),
  },
  (table) => [uniqueIndex('prices_by_model').on(table.scope, table.model, table.effectiveFrom)],
);

/** Prices of what is metered, in the same kind of versions. */
export const rates = sqliteTable(
  'rates',
  {
    id: text().primaryKey(),
    scope: text().notNull(),
    sku: text().notNull(),
    unitMicros: integer('unit_micros').notNull(),
    tiers: text().notNull(),
    effectiveFrom: integer('effective_from').notNull(),
  },
  (table) => [uniqueIndex('rates_by_sku').on(table.scope, table.sku, table.effectiveFrom)],
);

export const modelRevisions = sqliteTable(
  'model_revisions',
  {
    model: text().notNull(),
    revision: integer().notNull(),
    /** Null where the model was taken out of the registry. */
    definition: text({ mode: 'json' }).$type<ModelDefinition>(),
    appliedAt: integer('applied_at').notNull(),
  },
  (table) => [primaryKey({ columns: [table.model, table.revision] })],
);

export const planTerms = sqliteTable(
  'plan_terms',
  {
    id: text().primaryKey(),
    plan: text().notNull(),
    platformFeeMicros: integer('platform_fee_micros').notNull(),
    included: text().notNull(),
    effectiveFrom: integer('effective_from').notNull(),
  },
  (table) => [uniqueIndex('plan_terms_by_plan').on(table.plan, table.effectiveFrom)],
);

export const tenantTerms = sqliteTable(
  'tenant_terms',
  {
    id: text().primaryKey(),
    tenantId: text('tenant_id').notNull(),
    markupBps: integer('markup_bps').notNull(),
    taxBps: integer('tax_bps').notNull(),
    taxLabel: text('tax_label'),
    effectiveFrom: integer('effective_from').notNull(),
  },
  (table) => [uniqueIndex('tenant_terms_by_tenant').on(table.tenantId, table.effectiveFrom)],
);

/** The operator's copies of closed invoices; triggers refuse every change. */
export const invoices = sqliteTable(
  'invoices',
  {
    tenantId: text('tenant_id').notNull(),
    id: text().notNull(),
    month: text().notNull(),
    totalMicros: integer('total_micros').notNull(),
    closedAt: integer('closed_at').notNull(),
    document: text().notNull(),
  },
  (table) => [
    primaryKey({ columns: [table.tenantId, table.id] }),
    index('invoices_by_month').on(table.month, table.tenantId),
  ],
);

/** Sums of every tenant's ledger, for the operator. `model` is empty where there is none. */
export const usageDaily = sqliteTable(
  'usage_daily',
  {
    tenantId: text('tenant_id').notNull(),
    day: text().notNull(),
    sku: text().notNull(),
    model: text().notNull(),
    quantity: integer().notNull(),
    costMicros: integer('cost_micros').notNull(),
    entries: integer().notNull(),
  },
  (table) => [
    primaryKey({ columns: [table.tenantId, table.day, table.sku, table.model] }),
    index('usage_daily_by_day').on(table.day),
  ],
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
    /** A checkpoint is an entry of the chain, not a memory: no list, count or recall shows it. */
    kind: text({ enum: ['fact', 'event', 'instruction', 'summary', 'checkpoint'] }).notNull(),
    text: text().notNull(),
    sourceType: text('source_type', {
      enum: ['person', 'conversation', 'document', 'tool', 'seed', 'consolidation'],
    }).notNull(),
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
    tags: text({ mode: 'json' }).$type<readonly string[]>().notNull().default([]),
    subject: text(),
    visitor: text(),
    /** Which agents may recall a shared memory; `*`: all of the tenant. */
    readers: text({ mode: 'json' }).$type<readonly string[]>().notNull().default([]),
    /** The memories that this one was made from: it goes when one of them is forgotten. */
    sources: text({ mode: 'json' }).$type<readonly string[]>().notNull().default([]),
    /** Goes with the text. */
    salt: text(),
    commitment: text(),
    /** Since when, and by which memory, it is superseded. */
    closedAt: integer('closed_at'),
    closedBy: text('closed_by'),
    /** Where an imported memory was written, as `tenant/agent`: that is what its hashes name. */
    origin: text(),
  },
  (table) => [
    primaryKey({ columns: [table.tenantId, table.id] }),
    index('memories_by_subject').on(table.tenantId, table.agentId, table.subject),
    index('memories_by_visitor').on(table.tenantId, table.agentId, table.visitor),
    index('memories_by_closer').on(table.tenantId, table.closedBy),
    index('memories_made').on(table.tenantId, table.agentId),
    uniqueIndex('memories_by_sequence').on(table.tenantId, table.agentId, table.sequence),
  ],
);

/** The operator's copies of what tenants' objects have counted. */
export const telemetryTallies = sqliteTable(
  'telemetry_tallies',
  {
    tenantId: text('tenant_id').notNull(),
    tier: text().notNull(),
    at: integer().notNull(),
    kind: text().$type<TelemetryKind>().notNull(),
    tally: text({ mode: 'json' }).$type<Tally>().notNull(),
  },
  (table) => [
    primaryKey({ columns: [table.tenantId, table.tier, table.at, table.kind] }),
    index('telemetry_tallies_by_time').on(table.tier, table.at),
  ],
);
