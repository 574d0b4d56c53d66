/**
 * Where a search finds a shard's codes: in the arena where they fit, otherwise page by page from SQLite, the same rows in
 * the same order. Follows every write after its transaction, and trusts what the arena holds only if its stamp is the
 * store's; so a copy that missed a write, or saw one that was undone, is loaded anew.
 */
import type { CodeArena } from './code-arena.ts';
import { computeLayout, computePageRows, computeRowBytes } from './code-layout.ts';
import type { CodePage, CodePageStore } from './code-page-store.ts';
import { findSorted, ResidentCodes } from './resident-codes.ts';
import type { CodeChunk, CodedRow } from './vector-kernel.ts';
import type { VectorShardStore, Written } from './vector-shard-store.ts';

export class ShardCodes {
  readonly #arena: CodeArena;
  readonly #key: string;
  readonly #store: VectorShardStore;
  readonly #pages: CodePageStore;

  constructor(arena: CodeArena, key: string, store: VectorShardStore, pages: CodePageStore) {
    this.#arena = arena;
    this.#key = key;
    this.#store = store;
    this.#pages = pages;
  }

  get kernel(): CodeArena['kernel'] {
    return this.#arena.kernel;
  }

  /** Every live row once. What a chunk holds is gone when the next one is asked for. */
  *chunks(): Generator<CodeChunk> {
    const resident = this.findResident();
    if (resident) yield* resident.chunks();
    else yield* this.#readChunks();
  }

  /** The codes in the arena, loaded if there is room. */
  findResident(): ResidentCodes | undefined {
    const held = this.#arena.find(this.#key) as ResidentCodes | undefined;
    if (held?.stamp === this.#store.stamp) return held;
    this.drop();
    return this.#load();
  }

  /** `before` is the stamp that the store had before the write. */
  noteWritten({ rows, removed }: Written, before: number): void {
    const held = this.#arena.find(this.#key) as ResidentCodes | undefined;
    if (!held) return;
    for (const rid of removed) held.kill(rid);
    if (held.stamp === before && rows.every((row) => held.append(row))) held.stamp = this.#store.stamp;
    else this.drop();
  }

  drop(): void {
    this.#arena.drop(this.#key);
  }

  #load(): ResidentCodes | undefined {
    const { dimensions, metric } = this.#store;
    const wanted = this.#store.count() * computeRowBytes(dimensions);
    if (dimensions === 0 || wanted > this.#arena.budgetBytes) return undefined;
    const resident = new ResidentCodes(this.#arena, this.#key, dimensions, metric);
    if (!this.#fill(resident)) {
      resident.release();
      return undefined;
    }
    resident.stamp = this.#store.stamp;
    this.#arena.hold(this.#key, resident);
    return resident;
  }

  #fill(resident: ResidentCodes): boolean {
    for (const page of this.#pages.read()) {
      if (!resident.addPage(page.rows, new Uint8Array(page.codes))) return false;
    }
    for (const rid of this.#pages.readDead()) resident.kill(rid);
    for (const row of this.#store.readCoded(this.#store.sealedUpTo)) {
      if (!resident.append(row)) return false;
    }
    return true;
  }

  *#readChunks(): Generator<CodeChunk> {
    const { dimensions, metric } = this.#store;
    if (dimensions === 0) return;
    const dead = this.#pages.readDead();
    for (const page of this.#pages.read()) yield this.#passPage(page, dead);
    const layout = computeLayout(dimensions, computePageRows(dimensions));
    const start = this.kernel.passing;
    let rows = 0;
    for (const row of this.#store.readCoded(this.#store.sealedUpTo)) {
      this.kernel.putRow(start, layout, rows++, row, metric);
      if (rows < layout.capacity) continue;
      yield { start, layout, rows };
      rows = 0;
    }
    if (rows > 0) yield { start, layout, rows };
  }

  #passPage(page: CodePage, dead: Uint32Array): CodeChunk {
    const start = this.kernel.passing;
    const layout = computeLayout(this.#store.dimensions, page.rows);
    this.kernel.bytes.set(new Uint8Array(page.codes), start);
    const rids = this.kernel.words(start + layout.rids, page.rows);
    for (const rid of dead) {
      const row = rid < page.first_rid || rid > page.last_rid ? undefined : findSorted(rids, rid);
      if (row !== undefined) this.kernel.words(start + layout.namespaces + 4 * row, 1)[0] = 0;
    }
    return { start, layout, rows: page.rows };
  }
}

/** Makes a page of these rows; the passing page is where it is made. */
export function sealRows(rows: readonly CodedRow[], codes: ShardCodes, store: VectorShardStore): CodePage {
  const layout = computeLayout(store.dimensions, rows.length);
  const { kernel } = codes;
  for (const [at, row] of rows.entries()) kernel.putRow(kernel.passing, layout, at, row, store.metric);
  return {
    first_rid: rows[0]!.rid,
    last_rid: rows.at(-1)!.rid,
    rows: rows.length,
    codes: kernel.bytes.slice(kernel.passing, kernel.passing + layout.bytes).buffer as ArrayBuffer,
  };
}
