/**
 * The compiled kernel and the one memory that it works on: scratch space below, one page for what is only passing through,
 * and above them the blocks of the arena. Knows how a vector becomes codes and how a query meets them; keeps no state of
 * any shard. Everything here is synchronous, so the scratch space is never shared by two calls.
 */
import type { VectorMetric } from '../../shared/store/vector-index.ts';
import { computePaddedDimensions, locateCodes, MaxPageBytes, type CodeLayout } from './code-layout.ts';

type Exports = {
  begin(scores: number, rids: number, k: number): void;
  count(): number;
  scan(
    codes: number,
    scales: number,
    biases: number,
    namespaces: number,
    rids: number,
    mask: number,
    rows: number,
    stride: number,
    query: number,
    querySum: number,
    unit: number,
    namespace: number,
    accepted: number,
    low: number,
  ): void;
  measureHalf(halves: number, query: number, length: number, out: number): void;
  rotate(values: number, length: number, power: number, signs: number): void;
  encode(values: number, length: number, codes: number): number;
};

/** A row's codes are made of these. Namespace and kind are symbols of the store, 0 is none of them. */
export type CodedRow = {
  readonly rid: number;
  readonly namespace: number;
  readonly kind: number;
  /** NaN where the vector has none. */
  readonly time: number;
  readonly values: Float32Array;
};

/** Rows that lie in the kernel's memory from `start` on. */
export type CodeChunk = { readonly start: number; readonly layout: CodeLayout; readonly rows: number };
export type PreparedQuery = { readonly sum: number; readonly unit: number };
export type Measured = { readonly dot: number; readonly squares: number };

/** The most candidates that a search keeps. */
export const MaxCandidates = 512;

const WasmPageBytes = 65_536;
const at = {
  out: 1_024,
  signs: 2_048,
  values: 16_384,
  query: 24_576,
  exact: 28_672,
  halves: 36_864,
  scores: 43_008,
  rids: 45_056,
  mask: 49_152,
  passing: WasmPageBytes,
} as const;
/** Where the arena's blocks begin. */
export const ScratchBytes = WasmPageBytes + MaxPageBytes;
const NibbleMask = 15;

export class VectorKernel {
  readonly #memory: WebAssembly.Memory;
  readonly #exports: Exports;
  #buffer: ArrayBuffer;
  #bytes: Uint8Array;
  #words: Uint32Array;
  #floats: Float32Array;
  #signedDimensions = 0;

  constructor(module: WebAssembly.Module) {
    this.#memory = new WebAssembly.Memory({ initial: ScratchBytes / WasmPageBytes, maximum: 65_536 });
    const instance = new WebAssembly.Instance(module, { env: { memory: this.#memory } });
    this.#exports = instance.exports as unknown as Exports;
    this.#buffer = this.#memory.buffer;
    this.#bytes = new Uint8Array(this.#buffer);
    this.#words = new Uint32Array(this.#buffer);
    this.#floats = new Float32Array(this.#buffer);
  }

  /** The page for what is only passing through. */
  get passing(): number {
    return at.passing;
  }

  get bytes(): Uint8Array {
    this.#refresh();
    return this.#bytes;
  }

  /** Makes the memory at least so large; it never shrinks. */
  reserve(bytes: number): void {
    const missing = bytes - this.#memory.buffer.byteLength;
    if (missing > 0) this.#memory.grow(Math.ceil(missing / WasmPageBytes));
    this.#refresh();
  }

  words(start: number, length: number): Uint32Array {
    this.#refresh();
    return this.#words.subarray(start / 4, start / 4 + length);
  }

  times(chunk: CodeChunk): Float64Array {
    this.#refresh();
    return new Float64Array(this.#buffer, chunk.start + chunk.layout.times, chunk.rows);
  }

  /** One byte a row of the chunk that is scanned next. */
  mask(rows: number): Uint8Array {
    return this.bytes.subarray(at.mask, at.mask + rows);
  }

  putRow(start: number, layout: CodeLayout, index: number, row: CodedRow, metric: VectorMetric): void {
    const { length, norm } = this.#rotateUnit(row.values);
    const codes = start + locateCodes(layout, index);
    const unit = this.#exports.encode(at.values, length, codes);
    this.#floats[(start + layout.scales) / 4 + index] = metric === 'cosine' ? unit : unit * norm;
    this.#floats[(start + layout.biases) / 4 + index] = metric === 'euclidean' ? -(norm * norm) / 2 : 0;
    this.#words[(start + layout.namespaces) / 4 + index] = row.namespace;
    this.#words[(start + layout.kinds) / 4 + index] = row.kind;
    this.#words[(start + layout.rids) / 4 + index] = row.rid;
    new Float64Array(this.#buffer, start + layout.times, layout.capacity)[index] = row.time;
  }

  /** Of a query that is divided by its length, except where distance counts. */
  prepare(query: Float32Array): PreparedQuery {
    const { length, norm } = this.#rotateUnit(query);
    const values = this.#floats.subarray(at.values / 4, at.values / 4 + length);
    let largest = 0;
    for (let place = 0; place < length; place++) largest = Math.max(largest, Math.abs(values[place]!));
    const factor = largest === 0 ? 0 : 127 / largest;
    let sum = 0;
    for (let place = 0; place < length; place++) {
      const code = Math.round(values[place]! * factor);
      this.#bytes[at.query + place] = code;
      sum += code;
    }
    this.#floats.fill(0, at.exact / 4, at.exact / 4 + length);
    this.#floats.set(query, at.exact / 4);
    return { sum: 8 * sum, unit: (largest / 127) * norm };
  }

  begin(candidates: number): void {
    this.#exports.begin(at.scores, at.rids, Math.min(candidates, MaxCandidates));
  }

  /** Offers the chunk's rows of the namespace, and with `accepted` only those whose mask has that value. */
  scan(chunk: CodeChunk, query: PreparedQuery, namespace: number, accepted?: number): void {
    const { start, layout, rows } = chunk;
    this.#exports.scan(
      start,
      start + layout.scales,
      start + layout.biases,
      start + layout.namespaces,
      start + layout.rids,
      accepted === undefined ? 0 : at.mask,
      rows,
      layout.stride,
      at.query,
      query.sum,
      query.unit,
      namespace,
      accepted ?? 0,
      NibbleMask,
    );
  }

  /** The rids of the best candidates since `begin`, in no order. */
  candidates(): readonly number[] {
    return [...this.words(at.rids, this.#exports.count())];
  }

  /** The product of a float16 row with the prepared query, and the row's sum of squares. */
  measure(halves: Uint8Array): Measured {
    this.#refresh();
    this.#bytes.set(halves, at.halves);
    const length = Math.ceil(halves.byteLength / 8) * 4;
    this.#bytes.fill(0, at.halves + halves.byteLength, at.halves + 2 * length);
    this.#exports.measureHalf(at.halves, at.exact, length, at.out);
    return { dot: this.#floats[at.out / 4]!, squares: this.#floats[at.out / 4 + 1]! };
  }

  /** Leaves the vector, with length 1 and rotated, at `values`. */
  #rotateUnit(vector: Float32Array): { readonly length: number; readonly norm: number } {
    this.#refresh();
    const length = computePaddedDimensions(vector.length);
    let squares = 0;
    for (let place = 0; place < vector.length; place++) squares += vector[place]! * vector[place]!;
    const norm = Math.sqrt(squares);
    const inverse = norm === 0 ? 0 : 1 / norm;
    const start = at.values / 4;
    for (let place = 0; place < vector.length; place++) this.#floats[start + place] = vector[place]! * inverse;
    this.#floats.fill(0, start + vector.length, start + length);
    const power = 2 ** Math.floor(Math.log2(length));
    if (this.#signedDimensions !== length) this.#putSigns(length, power);
    this.#exports.rotate(at.values, length, power, at.signs);
    return { length, norm };
  }

  /** The same signs for all time: codes that are stored were made with them. */
  #putSigns(length: number, power: number): void {
    const factor = 1 / Math.sqrt(power);
    let state = 1;
    for (let place = 0; place < length + power; place++) {
      state = (Math.imul(state, 1_664_525) + 1_013_904_223) | 0;
      const sign = state < 0 ? -1 : 1;
      this.#floats[at.signs / 4 + place] = place < power || place >= length ? sign * factor : sign;
    }
    this.#signedDimensions = length;
  }

  /** A grown memory has a new buffer; views of the old one are empty. */
  #refresh(): void {
    if (this.#buffer === this.#memory.buffer) return;
    this.#buffer = this.#memory.buffer;
    this.#bytes = new Uint8Array(this.#buffer);
    this.#words = new Uint32Array(this.#buffer);
    this.#floats = new Float32Array(this.#buffer);
  }
}
