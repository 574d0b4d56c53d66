/** The tables of a tenant: rows of every earlier schema survive the next one. */
import { createHash } from 'node:crypto';
import { DatabaseSync } from 'node:sqlite';
import { expect, test } from 'vitest';
import { operatorMigrations } from '../../../durable-objects/operator/operator-migrations.ts';
import type { ObjectMigration } from '../../../durable-objects/runtime/migrate.ts';
import { tenantMigrations } from '../../../durable-objects/tenant/tenant-migrations.ts';

test('a key made before keys could be rotated stands, with no rotation behind it', () => {
  const database = new DatabaseSync(':memory:');
  const vault = tenantMigrations.findIndex(({ id }) => id === '0003_vault');
  for (const { sql } of tenantMigrations.slice(0, vault)) database.exec(sql);
  database.exec(
    `INSERT INTO keys (id, name, prefix, secret_hash, permissions, created_at) VALUES ('key_1', 'k', 'fh_', 'hash', '[]', 1)`,
  );
  for (const { sql } of tenantMigrations.slice(vault)) database.exec(sql);
  expect(database.prepare('SELECT * FROM keys').get()).toMatchObject({
    id: 'key_1',
    secret_hash: 'hash',
    rotated_at: null,
    previous_secret_hash: null,
    previous_until: null,
  });
  expect(database.prepare('SELECT COUNT(*) AS count FROM audit').get()).toEqual({ count: 0 });
});

test('a receipt settled before billing stands as it was, with its whole cost in one entry of its month', () => {
  const database = new DatabaseSync(':memory:');
  const billing = tenantMigrations.findIndex(({ id }) => id === '0007_billing');
  for (const { sql } of tenantMigrations.slice(0, billing)) database.exec(sql);
  const finishedAt = Date.UTC(2026, 9, 31, 23, 59, 59);
  database.exec(
    `INSERT INTO ledger (id, run, bridge, node, node_kind, external, model, input_tokens, cached_input_tokens,
       output_tokens, counted_by, outcome, price_id, cost_micros, started_at, finished_at, settled_at, batch)
     VALUES ('rcp_1', 'run_1', 'brg', 'n', 'k', 0, 'm', 10, 4, 5, 'node', 'completed', 'price_1', 77, 1,
       ${finishedAt}, ${finishedAt + 5_000}, 1)`,
  );
  const before = database.prepare('SELECT * FROM ledger').get();
  for (const { sql } of tenantMigrations.slice(billing)) database.exec(sql);
  expect(database.prepare('SELECT * FROM ledger').get()).toMatchObject({ ...before, billed_month: '2026-10' });
  expect(database.prepare('SELECT id, sku, quantity, cost_micros, period FROM entries ORDER BY id').all()).toEqual([
    { id: 'rcp_1.cached', sku: 'cached_input_tokens', quantity: 4, cost_micros: 0, period: '2026-10' },
    { id: 'rcp_1.input', sku: 'input_tokens', quantity: 6, cost_micros: 77, period: '2026-10' },
    { id: 'rcp_1.output', sku: 'output_tokens', quantity: 5, cost_micros: 0, period: '2026-10' },
  ]);
});

test('what other migrations are put together from reads as it did when they were first applied', () => {
  const digest = (migrations: readonly ObjectMigration[], id: string) =>
    createHash('sha256')
      .update(migrations.find((each) => each.id === id)!.sql)
      .digest('hex')
      .slice(0, 16);
  expect([
    digest(tenantMigrations, '0003_vault'),
    digest(tenantMigrations, '0012_lifecycle'),
    digest(operatorMigrations, '0001_init'),
  ]).toEqual(['d40f20b9279dd1c1', '44a66666d3f8e9c9', '4d407f915e3df617']);
});

test('no two migrations have the same name', () => {
  const ids = tenantMigrations.map(({ id }) => id);
  expect(new Set(ids).size).toBe(ids.length);
});
