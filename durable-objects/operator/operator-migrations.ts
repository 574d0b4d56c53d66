/** The tables of the OperatorObject. Append only. */
import { auditFloodsTable, auditTables } from '../runtime/audit-tables.ts';
import type { ObjectMigration } from '../runtime/migrate.ts';

export const operatorMigrations: readonly ObjectMigration[] = [
  {
    id: '0001_init',
    sql: `
${auditTables}${auditFloodsTable}
      CREATE TABLE deletions (
        tenant TEXT PRIMARY KEY,
        slug TEXT NOT NULL,
        phase TEXT NOT NULL,
        started_at INTEGER NOT NULL,
        due_at INTEGER NOT NULL,
        cursor TEXT,
        erased TEXT NOT NULL,
        audit_head TEXT,
        shards TEXT NOT NULL
      ) WITHOUT ROWID;
    `,
  },
];
