/** Migrations of an object: each once, in order, and no boot where the past was changed. */
import { DatabaseSync } from 'node:sqlite';
import { describe, expect, test } from 'vitest';
import { migrate, type ObjectMigration } from '../../../durable-objects/runtime/migrate.ts';

/** As much of an object's storage as migrations use, over a real SQLite. */
function newStorage() {
  const database = new DatabaseSync(':memory:');
  const exec = (sql: string, ...bound: (string | number)[]) => {
    if (bound.length === 0 && !/^\s*select/i.test(sql)) {
      database.exec(sql);
      return { toArray: () => [] };
    }
    const rows = database.prepare(sql).all(...bound);
    return { toArray: () => rows };
  };
  const transactionSync = (work: () => void) => {
    database.exec('BEGIN');
    try {
      work();
      database.exec('COMMIT');
    } catch (error) {
      database.exec('ROLLBACK');
      throw error;
    }
  };
  return { database, storage: { sql: { exec }, transactionSync } as unknown as DurableObjectStorage };
}

const first: ObjectMigration = { id: '0001', sql: 'CREATE TABLE a (x INTEGER)' };
const second: ObjectMigration = { id: '0002', sql: "ALTER TABLE a ADD COLUMN y TEXT DEFAULT 'old'" };

describe('migrate', () => {
  test('runs each once, and rows survive the next', () => {
    const { database, storage } = newStorage();
    migrate(storage, [first]);
    database.exec('INSERT INTO a VALUES (1)');
    migrate(storage, [first, second]);
    migrate(storage, [first, second]);
    expect({ ...database.prepare('SELECT * FROM a').get() }).toEqual({ x: 1, y: 'old' });
    expect(
      database
        .prepare('SELECT id FROM migrations ORDER BY position')
        .all()
        .map((row) => row['id']),
    ).toEqual(['0001', '0002']);
  });

  test.each<[string, readonly ObjectMigration[]]>([
    ['other SQL under the same id', [{ ...first, sql: 'CREATE TABLE a (x TEXT)' }, second]],
    ['another id for the same SQL', [{ ...first, id: '0001_renamed' }, second]],
    ['another order', [second, first]],
    ['one in between', [first, { id: '0001b', sql: 'SELECT 1' }, second]],
    ['one missing', [first]],
    ['none at all', []],
  ])('refuses a past with %s, and changes nothing', (_, changed) => {
    const { database, storage } = newStorage();
    migrate(storage, [first, second]);
    expect(() => migrate(storage, changed)).toThrow(/Invariant broken/);
    expect(database.prepare('SELECT COUNT(*) AS n FROM migrations').get()?.['n']).toBe(2);
  });

  test('that fails leaves neither its change nor its record, and runs again when it is mended', () => {
    const { database, storage } = newStorage();
    const broken = { id: '0002', sql: 'CREATE TABLE b (x); CREATE TABLE a (x)' };
    expect(() => migrate(storage, [first, broken])).toThrow();
    expect(database.prepare("SELECT name FROM sqlite_master WHERE name = 'b'").all()).toEqual([]);
    migrate(storage, [first, second]);
    expect(database.prepare('SELECT COUNT(*) AS n FROM migrations').get()?.['n']).toBe(2);
  });
});
