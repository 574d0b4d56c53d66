/**
 * The sealed pages of a shard: the codes of rows that are there to stay, laid out as in RAM, a megabyte each, so that a
 * cold shard is read in a few large pieces. A deleted row is only marked until its page is written anew without it.
 */
import type { CodeLayout } from './code-layout.ts';

export type CodePage = {
  readonly first_rid: number;
  readonly last_rid: number;
  readonly rows: number;
  readonly codes: ArrayBuffer;
};

export class CodePageStore {
  readonly #sql: SqlStorage;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
  }

  *read(): Generator<CodePage> {
    yield* this.#sql.exec<CodePage>('SELECT * FROM pages ORDER BY first_rid');
  }

  insert(page: CodePage): void {
    this.#sql.exec(
      'INSERT INTO pages (first_rid, last_rid, rows, codes) VALUES (?, ?, ?, ?)',
      page.first_rid,
      page.last_rid,
      page.rows,
      page.codes,
    );
  }

  delete(page: CodePage): void {
    this.#sql.exec('DELETE FROM pages WHERE first_rid = ?', page.first_rid);
  }

  /** How many rows the pages hold, dead ones too. */
  countRows(): number {
    return this.#sql.exec<{ n: number | null }>('SELECT sum(rows) AS n FROM pages').one().n ?? 0;
  }

  countDead(): number {
    return this.#sql.exec<{ n: number }>('SELECT count(*) AS n FROM dead').one().n;
  }

  readDead(): Uint32Array {
    return Uint32Array.from(this.#sql.exec<{ rid: number }>('SELECT rid FROM dead ORDER BY rid'), ({ rid }) => rid);
  }

  /** A page with dead rows. */
  findDamaged(): CodePage | undefined {
    return this.#sql
      .exec<CodePage>(
        `SELECT pages.* FROM pages WHERE EXISTS (SELECT 1 FROM dead WHERE rid BETWEEN first_rid AND last_rid) LIMIT 1`,
      )
      .toArray()[0];
  }

  findNext(page: CodePage): CodePage | undefined {
    return this.#sql
      .exec<CodePage>('SELECT * FROM pages WHERE first_rid > ? ORDER BY first_rid LIMIT 1', page.last_rid)
      .toArray()[0];
  }

  findLast(): CodePage | undefined {
    return this.#sql.exec<CodePage>('SELECT * FROM pages ORDER BY first_rid DESC LIMIT 1').toArray()[0];
  }

  forgetAllDead(): void {
    this.#sql.exec('DELETE FROM dead');
  }

  forgetDead(page: CodePage): void {
    this.#sql.exec('DELETE FROM dead WHERE rid BETWEEN ? AND ?', page.first_rid, page.last_rid);
  }
}

/** The rids of a page's rows. */
export function ridsOf(page: CodePage, layout: CodeLayout): Uint32Array {
  return new Uint32Array(page.codes, layout.rids, page.rows);
}
