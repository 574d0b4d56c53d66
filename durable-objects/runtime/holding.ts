/**
 * All that an object holds, table by table, for whoever exports, restores or erases a whole tenant. It reads the tables
 * from the database's own schema, so a table that a later migration adds is covered by being there. `migrations` stays:
 * it belongs to the code, not to the tenant; so do the inner tables of a full-text index.
 */
import { RpcTarget } from 'cloudflare:workers';
import { invariant } from '../../shared/core/invariant.ts';
import { migrate, type ObjectMigration } from './migrate.ts';

export type Cell = string | number | null | ArrayBuffer;
export type Row = readonly Cell[];
/** Rows in the order of their key; `next`: where to go on, null at the end. */
export type TablePage = { readonly columns: readonly string[]; readonly rows: Row[]; readonly next: Row | null };
export type Census = Readonly<Record<string, number>>;

export type HoldingHooks = {
  /** Ends what runs in the object, so that nothing is written after the erasure. */
  readonly quiesce?: () => Promise<void>;
  /** Rows came or went past the object's own stores: what it keeps in memory is to be read anew. */
  readonly changed?: () => void | Promise<void>;
};

type Table = { readonly name: string; readonly columns: readonly string[]; readonly key: readonly string[] };

const MaxPageRows = 1_000;
const MaxPageBytes = 1_000_000;

export class Holding extends RpcTarget {
  readonly #storage: DurableObjectStorage;
  readonly #migrations: readonly ObjectMigration[];
  readonly #hooks: HoldingHooks;

  constructor(storage: DurableObjectStorage, migrations: readonly ObjectMigration[], hooks: HoldingHooks = {}) {
    super();
    this.#storage = storage;
    this.#migrations = migrations;
    this.#hooks = hooks;
  }

  tables(): string[] {
    return this.#tables().map(({ name }) => name);
  }

  /** Rows of every table. */
  census(): Census {
    return Object.fromEntries(
      this.tables().map((name) => [
        name,
        this.#storage.sql.exec<{ n: number }>(`SELECT COUNT(*) AS n FROM ${quote(name)}`).one().n,
      ]),
    );
  }

  page(name: string, after: Row | null): TablePage {
    const { columns, key } = this.#require(name);
    const keys = key.map(quote).join(', ');
    const where = after === null ? '' : `WHERE (${keys}) > (${key.map(() => '?').join(', ')})`;
    const found = this.#storage.sql.exec(
      `SELECT ${keys}, ${columns.map(quote).join(', ')} FROM ${quote(name)} ${where} ORDER BY ${keys} LIMIT ${MaxPageRows}`,
      ...(after ?? []),
    );
    const rows: Row[] = [];
    let next: Row | null = null;
    let bytes = 0;
    for (const raw of found.raw() as Iterable<Cell[]>) {
      next = raw.slice(0, key.length);
      const row = raw.slice(key.length);
      rows.push(row);
      bytes += row.reduce<number>((sum, cell) => sum + sizeOf(cell), 0);
      if (bytes >= MaxPageBytes) break;
    }
    const isEnd = rows.length < MaxPageRows && bytes < MaxPageBytes;
    return { columns, rows, next: isEnd ? null : next };
  }

  /** Puts rows back as they were; one that is there already stays as it is, so that a cut restoration can be repeated. */
  async restore(name: string, columns: readonly string[], rows: readonly Row[]): Promise<void> {
    const table = this.#require(name);
    const unknown = columns.find((column) => !table.columns.includes(column));
    invariant(unknown === undefined, `the table ${name} has no column ${unknown}`);
    const places = columns.map(() => '?').join(', ');
    const insert = `INSERT OR IGNORE INTO ${quote(name)} (${columns.map(quote).join(', ')}) VALUES (${places})`;
    this.#storage.transactionSync(() => {
      for (const row of rows) this.#storage.sql.exec(insert, ...row);
    });
    await this.#hooks.changed?.();
  }

  /** Nothing remains but empty tables. Says what was there. */
  async erase(): Promise<Census> {
    await this.#hooks.quiesce?.();
    const before = this.census();
    await this.#storage.deleteAlarm();
    await this.#storage.deleteAll();
    migrate(this.#storage, this.#migrations);
    await this.#hooks.changed?.();
    return before;
  }

  #require(name: string): Table {
    const table = this.#tables().find((each) => each.name === name);
    invariant(table, `there is no table ${name}`);
    return table;
  }

  #tables(): Table[] {
    const { sql } = this.#storage;
    return sql
      .exec<{ schema: string; name: string; type: string; wr: number }>('PRAGMA table_list')
      .toArray()
      .filter(({ schema, name, type }) => schema === 'main' && isOwn(name) && (type === 'table' || type === 'virtual'))
      .map(({ name, type, wr }) => {
        const info = sql.exec<ColumnInfo>('SELECT name, pk FROM pragma_table_info(?)', name).toArray();
        const names = info.map((column) => column.name);
        // A full-text index has its rowid as its only key, and does not count it among its columns.
        return { name, columns: type === 'virtual' ? ['rowid', ...names] : names, key: wr ? keyOf(info) : ['rowid'] };
      })
      .sort((a, b) => (a.name < b.name ? -1 : 1));
  }
}

type ColumnInfo = { name: string; pk: number };

function isOwn(name: string): boolean {
  return !/^(sqlite_|_cf_)/.test(name) && name !== 'migrations';
}

function keyOf(info: readonly ColumnInfo[]): string[] {
  return info
    .filter(({ pk }) => pk > 0)
    .sort((a, b) => a.pk - b.pk)
    .map(({ name }) => name);
}

function quote(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

function sizeOf(cell: Cell): number {
  if (typeof cell === 'string') return cell.length;
  return cell instanceof ArrayBuffer ? cell.byteLength : 8;
}
