/**
 * The work of a shard that no caller waits for, in small steps, each whole: rows of the first schema become float16, rows
 * behind the last page are sealed into pages, pages with dead rows are written anew without them. No step changes what a
 * search finds.
 */
import { computeLayout, computePageRows, copyRow } from './code-layout.ts';
import { ridsOf, type CodePage, type CodePageStore } from './code-page-store.ts';
import { findSorted } from './resident-codes.ts';
import { sealRows, type ShardCodes } from './shard-codes.ts';
import type { VectorShardStore } from './vector-shard-store.ts';

const ConvertedRows = 500;
/** Dead rows cost every scan; beyond this share they go at once. */
const MaxDeadShare = 0.25;
/** A deleted vector's code has left the file after this time. */
const ErasureDelayMs = 60 * 60 * 1000;

export class VectorShardUpkeep {
  readonly #store: VectorShardStore;
  readonly #pages: CodePageStore;
  readonly #codes: ShardCodes;
  readonly #transact: (work: () => void) => void;
  readonly #pageRows: number | undefined;

  constructor(
    store: VectorShardStore,
    pages: CodePageStore,
    codes: ShardCodes,
    transact: (work: () => void) => void,
    pageRows?: number,
  ) {
    this.#store = store;
    this.#pages = pages;
    this.#codes = codes;
    this.#transact = transact;
    this.#pageRows = pageRows;
  }

  /** In how many milliseconds the next step is due; undefined where none is. */
  computeDelay(): number | undefined {
    if (this.#store.hasUnconverted() || this.#isTailLong()) return 0;
    const dead = this.#pages.countDead();
    if (dead === 0) return undefined;
    return dead > MaxDeadShare * this.#pages.countRows() ? 0 : ErasureDelayMs;
  }

  /** Does one step; false where there was nothing to do. */
  step(): boolean {
    const unconverted = this.#store.findUnconverted(ConvertedRows);
    if (unconverted.length > 0) {
      this.#store.convert(unconverted);
      return true;
    }
    return this.sealTail() || this.#compactPage();
  }

  /** Seals a page where enough rows wait. What was deleted meanwhile leaves a page that the next rows fill up. */
  sealTail(): boolean {
    if (!this.#isTailLong()) return false;
    const pageRows = this.#countPageRows();
    const rows = [...this.#store.readCoded(this.#store.sealedUpTo, pageRows)];
    this.#transact(() => {
      const page = rows.length === 0 ? undefined : sealRows(rows, this.#codes, this.#store);
      const last = this.#pages.findLast();
      if (page && last && last.rows + page.rows <= pageRows) {
        this.#pages.delete(last);
        this.#pages.insert(this.#join([last, page], new Uint32Array())!);
      } else if (page) this.#pages.insert(page);
      this.#store.writeSetting('sealed', rows.at(-1)?.rid ?? this.#store.lastRid());
    });
    return true;
  }

  #countPageRows(): number {
    return this.#pageRows ?? computePageRows(this.#store.dimensions);
  }

  #isTailLong(): boolean {
    const { dimensions, sealedUpTo } = this.#store;
    return dimensions > 0 && this.#store.lastRid() - sealedUpTo >= this.#countPageRows();
  }

  #compactPage(): boolean {
    const damaged = this.#pages.findDamaged();
    if (!damaged) {
      // Marks without a page: their rows were gone before they were sealed.
      if (this.#pages.countDead() > 0) this.#pages.forgetAllDead();
      return false;
    }
    const dead = this.#pages.readDead();
    const next = this.#pages.findNext(damaged);
    const isRoomy = next !== undefined && damaged.rows + next.rows <= this.#countPageRows();
    const old = isRoomy ? [damaged, next] : [damaged];
    this.#transact(() => {
      const page = this.#join(old, dead);
      for (const one of old) {
        this.#pages.delete(one);
        this.#pages.forgetDead(one);
      }
      if (page) this.#pages.insert(page);
    });
    // In RAM the dead rows are still there.
    this.#codes.drop();
    return true;
  }

  /** One page of the live rows of these. */
  #join(pages: readonly CodePage[], dead: Uint32Array): CodePage | undefined {
    const { dimensions } = this.#store;
    const live = pages.flatMap((page) => {
      const layout = computeLayout(dimensions, page.rows);
      const bytes = new Uint8Array(page.codes);
      return [...ridsOf(page, layout)].flatMap((rid, row) =>
        findSorted(dead, rid) === undefined ? [{ rid, row, layout, bytes }] : [],
      );
    });
    const first = live[0];
    if (!first) return undefined;
    const layout = computeLayout(dimensions, live.length);
    const codes = new Uint8Array(layout.bytes);
    for (const [at, { row, layout: from, bytes }] of live.entries()) copyRow(bytes, from, row, codes, layout, at);
    return { first_rid: first.rid, last_rid: live.at(-1)!.rid, rows: live.length, codes: codes.buffer };
  }
}
