/**
 * The vectors of a shard in RAM: one Float32Array of unit rows beside columns for id, namespace and metadata.
 * Holds at most its byte budget; what does not fit stays in SQLite, from `spilledFrom` on, and is scored from there.
 * A copy only: it is rebuilt from the store and changed after the store's transaction, never before.
 */
import type { VectorMetadata } from '../../shared/store/vector-index.ts';
import { computeDot, computeFourDots, type BestK, type MetadataPredicate } from './vector-shard.ts';

/** 21,845 vectors of 768 dimensions. */
export const ResidentBytes = 64 * 1024 * 1024;
const FirstRows = 256;

export type ResidentRow = {
  readonly rid: number;
  readonly id: string;
  readonly namespace: string;
  readonly metadata: VectorMetadata | undefined;
  readonly unit: Float32Array;
};

export class ResidentVectors {
  readonly #dimensions: number;
  readonly #maxRows: number;
  readonly #rowOf = new Map<string, number>();
  readonly #codeOf = new Map<string, number>();
  readonly #sums = new Float64Array(4);
  #matrix: Float32Array<ArrayBuffer>;
  #ids: string[] = [];
  #namespaces: number[] = [];
  #metadata: (VectorMetadata | undefined)[] = [];
  #spilledFrom: number | undefined;

  constructor(dimensions: number, maxBytes: number = ResidentBytes) {
    this.#dimensions = dimensions;
    this.#maxRows = Math.floor(maxBytes / (dimensions * Float32Array.BYTES_PER_ELEMENT));
    this.#matrix = new Float32Array(Math.min(FirstRows, this.#maxRows) * dimensions);
  }

  /** The first rid that may be in SQLite only; undefined when every vector is here. */
  get spilledFrom(): number | undefined {
    return this.#spilledFrom;
  }

  /** Takes rows in the order of their rid. Once one has been spilled, all later ones are. */
  add(row: ResidentRow): void {
    if (this.#spilledFrom !== undefined) return;
    const at = this.#ids.length;
    if (at >= this.#maxRows) {
      this.#spilledFrom = row.rid;
      return;
    }
    this.#reserve(at + 1);
    this.#matrix.set(row.unit, at * this.#dimensions);
    this.#ids[at] = row.id;
    this.#namespaces[at] = this.#encodeNamespace(row.namespace);
    this.#metadata[at] = row.metadata;
    this.#rowOf.set(row.id, at);
  }

  /** The last row takes the place of the removed one. */
  remove(id: string): void {
    const at = this.#rowOf.get(id);
    if (at === undefined) return;
    const last = this.#ids.length - 1;
    if (at !== last) {
      this.#matrix.copyWithin(at * this.#dimensions, last * this.#dimensions, (last + 1) * this.#dimensions);
      this.#ids[at] = this.#ids[last]!;
      this.#namespaces[at] = this.#namespaces[last]!;
      this.#metadata[at] = this.#metadata[last];
      this.#rowOf.set(this.#ids[at], at);
    }
    this.#ids.length = last;
    this.#namespaces.length = last;
    this.#metadata.length = last;
    this.#rowOf.delete(id);
  }

  scan(query: Float32Array, namespace: string, accepts: MetadataPredicate | undefined, best: BestK): void {
    const code = this.#codeOf.get(namespace);
    if (code === undefined) return;
    const count = this.#ids.length;
    const rows: [number, number, number, number] = [0, 0, 0, 0];
    let waiting = 0;
    for (let row = 0; row < count; row++) {
      if (this.#namespaces[row] !== code) continue;
      rows[waiting++] = row;
      if (waiting < rows.length) continue;
      this.#scoreFour(rows, query, accepts, best);
      waiting = 0;
    }
    for (const row of rows.slice(0, waiting)) {
      this.#offer(row, computeDot(this.#matrix, row * this.#dimensions, query), accepts, best);
    }
  }

  #scoreFour(
    rows: readonly [number, number, number, number],
    query: Float32Array,
    accepts: MetadataPredicate | undefined,
    best: BestK,
  ): void {
    const size = this.#dimensions;
    const offsets = [rows[0] * size, rows[1] * size, rows[2] * size, rows[3] * size] as const;
    computeFourDots(this.#matrix, offsets, query, this.#sums);
    for (let at = 0; at < rows.length; at++) this.#offer(rows[at]!, this.#sums[at]!, accepts, best);
  }

  #offer(row: number, score: number, accepts: MetadataPredicate | undefined, best: BestK): void {
    if (score < best.floor || (accepts && !accepts(this.#metadata[row]))) return;
    best.offer(this.#ids[row]!, score);
  }

  #encodeNamespace(namespace: string): number {
    const known = this.#codeOf.get(namespace);
    if (known !== undefined) return known;
    const code = this.#codeOf.size;
    this.#codeOf.set(namespace, code);
    return code;
  }

  #reserve(rows: number): void {
    if (rows * this.#dimensions <= this.#matrix.length) return;
    const grown = Math.min(this.#maxRows, Math.max(rows, (this.#matrix.length / this.#dimensions) * 2));
    const matrix = new Float32Array(grown * this.#dimensions);
    matrix.set(this.#matrix);
    this.#matrix = matrix;
  }
}
