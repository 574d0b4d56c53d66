/**
 * The codes of one shard in the arena: sealed pages as they are stored, then rows as they come, in chunks that double up
 * to a page. A copy only; where the arena has no room for it, it is given up whole and searches read the store instead.
 */
import type { VectorMetric } from '../../shared/store/vector-index.ts';
import { blockSize, MinBlockBytes, type CodeArena, type Tenancy } from './code-arena.ts';
import { computeCapacity, computeLayout, computePageRows, MaxPageBytes, type CodeLayout } from './code-layout.ts';
import type { CodeChunk, CodedRow } from './vector-kernel.ts';

type Chunk = { start: number; layout: CodeLayout; rows: number; bytes: number };

export class ResidentCodes implements Tenancy {
  readonly #arena: CodeArena;
  readonly #key: string;
  readonly #dimensions: number;
  readonly #metric: VectorMetric;
  #chunks: Chunk[] = [];
  stamp = -1;

  constructor(arena: CodeArena, key: string, dimensions: number, metric: VectorMetric) {
    this.#arena = arena;
    this.#key = key;
    this.#dimensions = dimensions;
    this.#metric = metric;
  }

  chunks(): readonly CodeChunk[] {
    return this.#chunks;
  }

  /** Rows that were stored together; their rids follow all those before. False where there is no room. */
  addPage(rows: number, page: Uint8Array): boolean {
    const start = this.#arena.allocate(page.byteLength, this.#key);
    if (start === undefined) return false;
    this.#arena.kernel.bytes.set(page, start);
    this.#chunks.push({ start, layout: computeLayout(this.#dimensions, rows), rows, bytes: page.byteLength });
    return true;
  }

  /** A row with a rid above all others. False where there is no room. */
  append(row: CodedRow): boolean {
    const chunk = this.#findRoom();
    if (!chunk) return false;
    this.#arena.kernel.putRow(chunk.start, chunk.layout, chunk.rows, row, this.#metric);
    chunk.rows += 1;
    return true;
  }

  /** The row stays where it is, in no namespace. */
  kill(rid: number): void {
    const namespaces = this.#findNamespace(rid);
    if (namespaces) namespaces[0] = 0;
  }

  /** 0 for a dead row. */
  namespaceOf(rid: number): number {
    return this.#findNamespace(rid)?.[0] ?? 0;
  }

  release(): void {
    for (const { start, bytes } of this.#chunks) this.#arena.release(start, bytes);
    this.#chunks = [];
    this.stamp = -1;
  }

  #findNamespace(rid: number): Uint32Array | undefined {
    const { kernel } = this.#arena;
    for (const { start, layout, rows } of this.#chunks) {
      if (rows === 0) continue;
      const rids = kernel.words(start + layout.rids, rows);
      if (rid > rids[rows - 1]!) continue;
      const row = findSorted(rids, rid);
      return row === undefined ? undefined : kernel.words(start + layout.namespaces + 4 * row, 1);
    }
    return undefined;
  }

  #findRoom(): Chunk | undefined {
    const last = this.#chunks.at(-1);
    if (last && last.rows < last.layout.capacity) return last;
    const pageRows = computePageRows(this.#dimensions);
    if (!last || last.rows >= pageRows || blockSize(last.bytes) >= MaxPageBytes) return this.#addChunk(MinBlockBytes);
    const grown = this.#addChunk(2 * blockSize(last.bytes));
    if (!grown) return undefined;
    copyChunk(this.#arena.kernel.bytes, last, grown);
    this.#arena.release(last.start, last.bytes);
    this.#chunks.splice(-2, 1);
    return grown;
  }

  #addChunk(bytes: number): Chunk | undefined {
    const rows = Math.min(computePageRows(this.#dimensions), computeCapacity(this.#dimensions, bytes));
    const start = this.#arena.allocate(bytes, this.#key);
    if (start === undefined) return undefined;
    const chunk = { start, layout: computeLayout(this.#dimensions, rows), rows: 0, bytes };
    this.#chunks.push(chunk);
    return chunk;
  }
}

/** Codes keep their place; the columns behind them move. */
function copyChunk(bytes: Uint8Array, from: Chunk, to: Chunk): void {
  const columns = ['scales', 'biases', 'namespaces', 'kinds', 'rids', 'times'] as const;
  bytes.copyWithin(to.start, from.start, from.start + from.layout.scales);
  for (const column of columns) {
    const start = from.start + from.layout[column];
    bytes.copyWithin(to.start + to.layout[column], start, start + from.rows * (column === 'times' ? 8 : 4));
  }
  to.rows = from.rows;
}

/** Where a value stands in a sorted list. */
export function findSorted(sorted: Uint32Array, value: number): number | undefined {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (sorted[middle]! < value) low = middle + 1;
    else high = middle;
  }
  return sorted[low] === value ? low : undefined;
}
