/** The kernel and the arena, in Node: what is found is what a loop over everything finds, and no byte is lost. */
import fc from 'fast-check';
import { beforeAll, describe, expect, test } from 'vitest';
import { blockSize, CodeArena } from '../../../durable-objects/vector-shard/code-arena.ts';
import { computeLayout, copyRow } from '../../../durable-objects/vector-shard/code-layout.ts';
import { decodeValues, encodeHalf } from '../../../durable-objects/vector-shard/half-vector.ts';
import { ResidentCodes } from '../../../durable-objects/vector-shard/resident-codes.ts';
import { VectorKernel, type CodeChunk } from '../../../durable-objects/vector-shard/vector-kernel.ts';
import { buildKernel } from '../../../scripts/build-kernel.ts';
import { findExactly, SyntheticVectors, type SetKind } from '../../support/synthetic-vectors.ts';

let module: WebAssembly.Module;
beforeAll(async () => {
  const Module = WebAssembly.Module as unknown as new (bytes: BufferSource) => WebAssembly.Module;
  module = new Module(await buildKernel());
});

const Key = 'shard';
const Seed = 20_261;

function fill(vectors: Float32Array, dimensions: number, namespaceOf: (row: number) => number) {
  const arena = new CodeArena(new VectorKernel(module), 256 * 1024 * 1024);
  const codes = new ResidentCodes(arena, Key, dimensions, 'cosine');
  for (let row = 0; row * dimensions < vectors.length; row++) {
    const values = vectors.subarray(row * dimensions, (row + 1) * dimensions);
    expect(codes.append({ rid: row + 1, namespace: namespaceOf(row), kind: 0, time: Number.NaN, values })).toBe(true);
  }
  return { kernel: arena.kernel, codes };
}

function search(kernel: VectorKernel, chunks: readonly CodeChunk[], query: Float32Array, k: number, accepted?: number) {
  const prepared = kernel.prepare(query);
  kernel.begin(k);
  for (const chunk of chunks) kernel.scan(chunk, prepared, 1, accepted);
  return new Set(kernel.candidates());
}

describe('the scan', () => {
  const dimensions = fc.constantFrom(4, 31, 32, 33, 96, 100, 128, 160, 384);
  const rows = fc.integer({ min: 1, max: 90 });

  test('keeps exactly the best k of what it may see, alone or four abreast', () => {
    fc.assert(
      fc.property(dimensions, rows, fc.integer({ min: 1, max: 20 }), fc.integer(), (size, count, k, seed) => {
        const maker = new SyntheticVectors('random', size, seed);
        const hidden = (row: number) => (row * 7 + seed) % 5 === 0;
        const { kernel, codes } = fill(maker.make(count), size, (row) => (hidden(row) ? 2 : 1));
        const query = maker.make(1);
        const visible = Array.from({ length: count }, (_, row) => row + 1).filter((rid) => !hidden(rid - 1));
        // One candidate at a time, each time without those that were found: the order of the scores themselves.
        const order: number[] = [];
        for (let left = visible.length; left > 0; left--) {
          const [rid] = search(kernel, codes.chunks(), query, 1);
          order.push(rid!);
          codes.kill(rid!);
        }
        expect(order.toSorted((a, b) => a - b)).toEqual(visible);
        const again = fill(new SyntheticVectors('random', size, seed).make(count), size, (row) =>
          hidden(row) ? 2 : 1,
        );
        const found = search(again.kernel, again.codes.chunks(), query, k);
        expect([...found].toSorted()).toEqual(order.slice(0, k).toSorted());
      }),
      { numRuns: 60 },
    );
  });

  test('passes rows whose mask has the wanted value, and no others', () => {
    const maker = new SyntheticVectors('random', 64, Seed);
    const { kernel, codes } = fill(maker.make(50), 64, () => 1);
    const [chunk] = codes.chunks();
    const mask = kernel.mask(chunk!.rows);
    for (let row = 0; row < chunk!.rows; row++) mask[row] = row < 8 ? 2 : row % 3;
    const found = search(kernel, codes.chunks(), maker.make(1), 100, 2);
    const wanted = Array.from({ length: 50 }, (_, row) => row).filter((row) => row < 8 || row % 3 === 2);
    expect([...found].toSorted((a, b) => a - b)).toEqual(wanted.map((row) => row + 1));
  });

  test('a vector of zeros scores exactly nothing, and a product is estimated without bias', () => {
    const maker = new SyntheticVectors('spectral', 768, Seed);
    const vectors = maker.make(40);
    vectors.fill(0, 0, 768);
    const { kernel, codes } = fill(vectors, 768, () => 1);
    const [chunk] = codes.chunks();
    const scales = new Float32Array(kernel.words(chunk!.start + chunk!.layout.scales, 40).slice().buffer);
    expect(scales[0]).toBe(0);
    for (const scale of scales.subarray(1)) expect(scale).toBeGreaterThan(0);
  });

  const sets: readonly SetKind[] = ['spectral', 'random', 'sparse'];
  test.each(sets.flatMap((kind) => [384, 768].map((size) => ({ kind, size }))))(
    `64 candidates hold at least 999 of 1,000 of the ten nearest: $kind, $size dimensions, seed ${Seed}`,
    ({ kind, size }) => {
      const maker = new SyntheticVectors(kind, size, Seed);
      const all = maker.make(8_000);
      const { kernel, codes } = fill(all, size, () => 1);
      let found = 0;
      const queries = 100;
      for (let at = 0; at < queries; at++) {
        const query = maker.make(1);
        const candidates = search(kernel, codes.chunks(), query, 64);
        found += findExactly(all, query, 10).filter((row) => candidates.has(row + 1)).length;
      }
      expect(found / (10 * queries)).toBeGreaterThanOrEqual(0.999);
    },
  );
});

describe('float16 rows', () => {
  test('keep 11 bits of every value within 2^13 of the largest, whatever its size', () => {
    const magnitude = fc.double({ min: -100, max: 100, noNaN: true });
    fc.assert(
      fc.property(
        fc.array(magnitude, { minLength: 1, maxLength: 20 }),
        fc.integer({ min: -60, max: 60 }),
        (list, power) => {
          const values = Float32Array.from(list, (value) => value * 2 ** power);
          const back = decodeValues(encodeHalf(values));
          const largest = Math.max(...values.map(Math.abs));
          for (const [at, value] of values.entries()) {
            expect(Math.abs(back[at]! - value)).toBeLessThanOrEqual(
              Math.max(Math.abs(value) / 2048, largest * 2 ** -29),
            );
          }
        },
      ),
    );
  });

  test('are measured as a loop in float64 measures them', () => {
    const kernel = new VectorKernel(module);
    for (const size of [1, 3, 4, 7, 768, 1_535]) {
      const maker = new SyntheticVectors('random', size, size);
      const [query, values] = [maker.make(1), maker.make(1)];
      const { v, exponent } = encodeHalf(values);
      kernel.prepare(query);
      const { dot, squares } = kernel.measure(new Uint8Array(v));
      const exact = decodeValues({ v, exponent });
      const sum = (of: (at: number) => number) => exact.reduce((total, _, at) => total + of(at), 0);
      expect(dot * 2 ** exponent).toBeCloseTo(
        sum((at) => exact[at]! * query[at]!),
        5,
      );
      expect(squares * 4 ** exponent).toBeCloseTo(
        sum((at) => exact[at]! ** 2),
        4,
      );
    }
  });
});

describe('a row that is copied to another page', () => {
  test('keeps its codes and its columns', () => {
    const maker = new SyntheticVectors('random', 100, Seed);
    const { kernel, codes } = fill(maker.make(9), 100, () => 1);
    const [chunk] = codes.chunks();
    const layout = computeLayout(100, 3);
    const page = new Uint8Array(layout.bytes);
    const source = kernel.bytes.slice(chunk!.start, chunk!.start + chunk!.layout.bytes);
    for (const [to, from] of [6, 1, 8].entries()) copyRow(source, chunk!.layout, from, page, layout, to);
    kernel.bytes.set(page, kernel.passing);
    const query = maker.make(1);
    const moved = search(kernel, [{ start: kernel.passing, layout, rows: 3 }], query, 1);
    for (const rid of [1, 3, 4, 5, 6, 8]) codes.kill(rid);
    expect(moved).toEqual(search(kernel, codes.chunks(), query, 1));
  });
});

describe('the arena', () => {
  const Budget = 4 * 1024 * 1024;

  test('counts what it gives and takes back, and gives no byte twice', () => {
    const step = fc.record({ release: fc.boolean(), bytes: fc.integer({ min: 1, max: 1024 * 1024 }), at: fc.nat() });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const arena = new CodeArena(new VectorKernel(module), Budget);
        const held: { start: number; bytes: number }[] = [];
        for (const { release, bytes, at } of steps) {
          if (release && held.length > 0) {
            const [block] = held.splice(at % held.length, 1);
            arena.release(block!.start, block!.bytes);
          } else {
            const start = arena.allocate(bytes, Key);
            if (start !== undefined) held.push({ start, bytes });
          }
          expect(arena.usedBytes).toBe(held.reduce((sum, block) => sum + blockSize(block.bytes), 0));
          expect(arena.usedBytes).toBeLessThanOrEqual(Budget);
          const inOrder = held.toSorted((a, b) => a.start - b.start);
          for (const [place, block] of inOrder.entries()) {
            const next = inOrder[place + 1];
            if (next) expect(block.start + blockSize(block.bytes)).toBeLessThanOrEqual(next.start);
          }
        }
      }),
    );
  });

  test('lets the shard go that was used longest ago, with all its bytes', () => {
    const arena = new CodeArena(new VectorKernel(module), Budget + 1024 * 1024);
    const make = (key: string, rows: number) => {
      const codes = new ResidentCodes(arena, key, 768, 'cosine');
      const values = new SyntheticVectors('random', 768, 1).make(1);
      let whole = true;
      for (let rid = 1; rid <= rows && whole; rid++) {
        whole = codes.append({ rid, namespace: 1, kind: 0, time: Number.NaN, values });
      }
      if (whole) arena.hold(key, codes);
      else codes.release();
      return whole;
    };
    expect([make('a', 4_000), make('b', 4_000)]).toEqual([true, true]);
    expect(arena.find('a')).toBeDefined();
    expect(make('c', 4_000)).toBe(true);
    expect([arena.find('a') !== undefined, arena.find('b') !== undefined]).toEqual([true, false]);
    const before = arena.usedBytes;
    expect(make('too large', 20_000)).toBe(false);
    expect(arena.usedBytes).toBe(0);
    expect(before).toBeGreaterThan(2 * 4_000 * 384);
    for (let round = 0; round < 200; round++) expect(make(`${round}`, 1_500)).toBe(true);
    expect(arena.kernel.bytes.byteLength).toBeLessThan(Budget + 4 * 1024 * 1024);
  });
});
