/** The tables of a tenant: rows of every earlier schema survive the next one. */
import { DatabaseSync } from 'node:sqlite';
import { expect, test } from 'vitest';
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

test('no two migrations have the same name', () => {
  const ids = tenantMigrations.map(({ id }) => id);
  expect(new Set(ids).size).toBe(ids.length);
});
