/** Durable Object SQL over Node's own SQLite: enough of SqlStorage for the stores, so that rules run in milliseconds. */
import { DatabaseSync, type SQLInputValue } from 'node:sqlite';

export function sqliteStorage(schema: readonly string[]): SqlStorage {
  const database = new DatabaseSync(':memory:');
  for (const sql of schema) database.exec(sql);
  const statements = new Map<string, ReturnType<DatabaseSync['prepare']>>();
  const prepare = (query: string) => {
    const known = statements.get(query) ?? database.prepare(query);
    statements.set(query, known);
    return known;
  };
  return {
    exec(query: string, ...bindings: unknown[]) {
      const statement = prepare(query);
      const reads = /^\s*(?:SELECT|WITH)|\bRETURNING\b/i.test(query);
      const rows = reads ? statement.all(...(bindings as SQLInputValue[])) : [];
      const changes = reads ? 0 : Number(statement.run(...(bindings as SQLInputValue[])).changes);
      return { toArray: () => rows, one: () => rows[0], rowsWritten: changes };
    },
  } as unknown as SqlStorage;
}
