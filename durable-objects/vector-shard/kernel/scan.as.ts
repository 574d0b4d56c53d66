/**
 * The inner loops of a vector shard, in AssemblyScript; `scripts/build-kernel.ts` compiles them. Works on memory that the
 * caller lays out (code-layout.ts): four rows side by side, block by block, so that a scan is one stream. Scores never leave:
 * the best k stay in a heap. The relaxed dot product is exact here: codes are 1..15, and eight of its pair sums stay below
 * 2^15 (8 * 2 * 15 * 127).
 */

/** A block is 32 dimensions of a row; the 16-bit sums of four blocks cannot overflow. */
const BlockBytes: usize = 16;
const GroupBytes: usize = 64;
/** Among 15 even steps the one that loses least of a normal distribution, in standard deviations. */
const StepOfDeviation: f32 = 0.353;

// @ts-ignore: a decorator of AssemblyScript
@inline
function dotBlock(pair: v128, nibble: v128, first: v128, second: v128): v128 {
  const low = v128.and(pair, nibble);
  const high = v128.and(i16x8.shr_u(pair, 4), nibble);
  return i16x8.add(i16x8.relaxed_dot_i8x16_i7x16_s(first, low), i16x8.relaxed_dot_i8x16_i7x16_s(second, high));
}

// @ts-ignore: a decorator of AssemblyScript
@inline
function widen(total: v128, sums: v128): v128 {
  return i32x4.add(total, i32x4.extadd_pairwise_i16x8_s(sums));
}

// @ts-ignore: a decorator of AssemblyScript
@inline
function sumLanes(total: v128): i32 {
  return (
    i32x4.extract_lane(total, 0) +
    i32x4.extract_lane(total, 1) +
    i32x4.extract_lane(total, 2) +
    i32x4.extract_lane(total, 3)
  );
}

function dotOne(codes: usize, query: usize, stride: usize, nibble: v128): i32 {
  let total = i32x4.splat(0);
  for (let at: usize = 0; at < stride; at += BlockBytes) {
    total = widen(total, dotBlock(v128.load(codes + 4 * at), nibble, v128.load(query + 2 * at), v128.load(query + 2 * at, 16)));
  }
  return sumLanes(total);
}

/** Restores the heap upwards from its new last entry. */
function siftUp(scores: usize, rids: usize, start: u32): void {
  let at = start;
  const score = load<f32>(scores + (at << 2));
  const rid = load<u32>(rids + (at << 2));
  while (at > 0) {
    const parent = (at - 1) >> 1;
    const above = load<f32>(scores + (parent << 2));
    if (above <= score) break;
    store<f32>(scores + (at << 2), above);
    store<u32>(rids + (at << 2), load<u32>(rids + (parent << 2)));
    at = parent;
  }
  store<f32>(scores + (at << 2), score);
  store<u32>(rids + (at << 2), rid);
}

/** Puts an entry in the place of the heap's least. */
function replaceLeast(scores: usize, rids: usize, size: u32, score: f32, rid: u32): void {
  let at: u32 = 0;
  for (;;) {
    let child: u32 = 2 * at + 1;
    if (child >= size) break;
    if (child + 1 < size && load<f32>(scores + ((child + 1) << 2)) < load<f32>(scores + (child << 2))) child++;
    const below = load<f32>(scores + (child << 2));
    if (score <= below) break;
    store<f32>(scores + (at << 2), below);
    store<u32>(rids + (at << 2), load<u32>(rids + (child << 2)));
    at = child;
  }
  store<f32>(scores + (at << 2), score);
  store<u32>(rids + (at << 2), rid);
}

let size: u32 = 0;
let capacity: u32 = 0;
let heapScores: usize = 0;
let heapRids: usize = 0;

// @ts-ignore: a decorator of AssemblyScript
@inline
function offer(score: f32, rid: u32): void {
  if (size < capacity) {
    store<f32>(heapScores + (size << 2), score);
    store<u32>(heapRids + (size << 2), rid);
    siftUp(heapScores, heapRids, size);
    size++;
  } else if (score > load<f32>(heapScores)) {
    replaceLeast(heapScores, heapRids, size, score, rid);
  }
}

/** Empties the heap: k scores (f32) at `scores`, their rids (u32) at `rids`. */
export function begin(scores: usize, rids: usize, k: u32): void {
  size = 0;
  capacity = k;
  heapScores = scores;
  heapRids = rids;
}

/** How many entries the heap holds. */
export function count(): u32 {
  return size;
}

/**
 * Offers every row whose namespace is `namespace` and, where there is a mask, whose mask is `accepted`.
 * A score is (codes . query - querySum) * unit * scale + bias, over codes that carry 8 for zero; `querySum` is 8 times the
 * query's sum. `low` is 15: as a constant in here it would be made anew for every block.
 */
export function scan(
  codes: usize,
  scales: usize,
  biases: usize,
  namespaces: usize,
  rids: usize,
  mask: usize,
  rows: u32,
  stride: usize,
  query: usize,
  querySum: i32,
  unit: f32,
  namespace: u32,
  accepted: u32,
  low: i32,
): void {
  const nibble = i8x16.splat(<i8>low);
  const wanted = i32x4.splat(namespace);
  const accepted4 = accepted * 0x01010101;
  const grouped = stride - (stride % (GroupBytes));
  for (let row: u32 = 0; row < rows; row += 4) {
    const whole =
      row + 4 <= rows &&
      i32x4.all_true(i32x4.eq(v128.load(namespaces + (row << 2)), wanted)) &&
      (mask == 0 || load<u32>(mask + row) == accepted4);
    if (!whole) {
      const end: u32 = min(row + 4, rows);
      for (let at = row; at < end; at++) {
        if (load<u32>(namespaces + (at << 2)) != namespace) continue;
        if (mask != 0 && load<u8>(mask + at) != accepted) continue;
        const sum = dotOne(codes + <usize>row * stride + <usize>(at - row) * BlockBytes, query, stride, nibble) - querySum;
        offer(
          <f32>sum * unit * load<f32>(scales + (at << 2)) + load<f32>(biases + (at << 2)),
          load<u32>(rids + (at << 2)),
        );
      }
      continue;
    }
    let c = codes + <usize>row * stride;
    let q = query;
    let t0 = i32x4.splat(0);
    let t1 = i32x4.splat(0);
    let t2 = i32x4.splat(0);
    let t3 = i32x4.splat(0);
    const groupsEnd = c + 4 * grouped;
    while (c < groupsEnd) {
      let first = v128.load(q);
      let second = v128.load(q, 16);
      let s0 = dotBlock(v128.load(c, 0), nibble, first, second);
      let s1 = dotBlock(v128.load(c, 16), nibble, first, second);
      let s2 = dotBlock(v128.load(c, 32), nibble, first, second);
      let s3 = dotBlock(v128.load(c, 48), nibble, first, second);
      first = v128.load(q, 32);
      second = v128.load(q, 48);
      s0 = i16x8.add(s0, dotBlock(v128.load(c, 64), nibble, first, second));
      s1 = i16x8.add(s1, dotBlock(v128.load(c, 80), nibble, first, second));
      s2 = i16x8.add(s2, dotBlock(v128.load(c, 96), nibble, first, second));
      s3 = i16x8.add(s3, dotBlock(v128.load(c, 112), nibble, first, second));
      first = v128.load(q, 64);
      second = v128.load(q, 80);
      s0 = i16x8.add(s0, dotBlock(v128.load(c, 128), nibble, first, second));
      s1 = i16x8.add(s1, dotBlock(v128.load(c, 144), nibble, first, second));
      s2 = i16x8.add(s2, dotBlock(v128.load(c, 160), nibble, first, second));
      s3 = i16x8.add(s3, dotBlock(v128.load(c, 176), nibble, first, second));
      first = v128.load(q, 96);
      second = v128.load(q, 112);
      t0 = widen(t0, i16x8.add(s0, dotBlock(v128.load(c, 192), nibble, first, second)));
      t1 = widen(t1, i16x8.add(s1, dotBlock(v128.load(c, 208), nibble, first, second)));
      t2 = widen(t2, i16x8.add(s2, dotBlock(v128.load(c, 224), nibble, first, second)));
      t3 = widen(t3, i16x8.add(s3, dotBlock(v128.load(c, 240), nibble, first, second)));
      c += 256;
      q += 128;
    }
    const rowsEnd = groupsEnd + 4 * (stride - grouped);
    while (c < rowsEnd) {
      const first = v128.load(q);
      const second = v128.load(q, 16);
      t0 = widen(t0, dotBlock(v128.load(c, 0), nibble, first, second));
      t1 = widen(t1, dotBlock(v128.load(c, 16), nibble, first, second));
      t2 = widen(t2, dotBlock(v128.load(c, 32), nibble, first, second));
      t3 = widen(t3, dotBlock(v128.load(c, 48), nibble, first, second));
      c += 64;
      q += 32;
    }
    // The four sums in one vector: pairwise sums by shuffles, then one multiplication for all.
    const low = i32x4.add(
      v128.shuffle<i32>(t0, t1, 0, 4, 1, 5),
      v128.shuffle<i32>(t0, t1, 2, 6, 3, 7),
    );
    const high = i32x4.add(
      v128.shuffle<i32>(t2, t3, 0, 4, 1, 5),
      v128.shuffle<i32>(t2, t3, 2, 6, 3, 7),
    );
    const sums = i32x4.add(
      v128.shuffle<i32>(low, high, 0, 1, 4, 5),
      v128.shuffle<i32>(low, high, 2, 3, 6, 7),
    );
    const values = f32x4.add(
      f32x4.mul(
        f32x4.mul(f32x4.convert_i32x4_s(i32x4.sub(sums, i32x4.splat(querySum))), f32x4.splat(unit)),
        v128.load(scales + (row << 2)),
      ),
      v128.load(biases + (row << 2)),
    );
    if (size == capacity && !v128.any_true(f32x4.gt(values, v128.load32_splat(heapScores)))) continue;
    const first = rids + (row << 2);
    offer(f32x4.extract_lane(values, 0), load<u32>(first));
    offer(f32x4.extract_lane(values, 1), load<u32>(first, 4));
    offer(f32x4.extract_lane(values, 2), load<u32>(first, 8));
    offer(f32x4.extract_lane(values, 3), load<u32>(first, 12));
  }
}

/**
 * Over `length` float16 values (a multiple of 4) and as many float32 of the query: writes to `out` the dot product and the
 * values' sum of squares. A float16 is widened by moving its bits and multiplying by 2^112, subnormal ones too.
 */
export function measureHalf(halves: usize, query: usize, length: usize, out: usize): void {
  const magic = f32x4.splat(reinterpret<f32>(0x77800000));
  let dots = f32x4.splat(0);
  let squares = f32x4.splat(0);
  for (let at: usize = 0; at < length; at += 4) {
    const bits = v128.load_ext<u16>(halves + (at << 1));
    const sign = i32x4.shl(v128.and(bits, i32x4.splat(0x8000)), 16);
    const magnitude = f32x4.mul(i32x4.shl(v128.and(bits, i32x4.splat(0x7fff)), 13), magic);
    const values = v128.or(magnitude, sign);
    dots = f32x4.add(dots, f32x4.mul(values, v128.load(query + (at << 2))));
    squares = f32x4.add(squares, f32x4.mul(values, values));
  }
  store<f32>(out, sumFloats(dots));
  store<f32>(out + 4, sumFloats(squares));
}

// @ts-ignore: a decorator of AssemblyScript
@inline
function sumFloats(v: v128): f32 {
  return (
    f32x4.extract_lane(v, 0) + f32x4.extract_lane(v, 1) + (f32x4.extract_lane(v, 2) + f32x4.extract_lane(v, 3))
  );
}

// @ts-ignore: a decorator of AssemblyScript
@inline
function multiply(values: usize, factors: usize, length: usize): void {
  for (let at: usize = 0; at < length << 2; at += 16) {
    v128.store(values + at, f32x4.mul(v128.load(values + at), v128.load(factors + at)));
  }
}

/** A Walsh-Hadamard transform without its factor; `length` is a power of two, 32 or more. */
function transform(values: usize, length: usize): void {
  for (let at: usize = 0; at < length << 2; at += 16) {
    const v = v128.load(values + at);
    const pairs = f32x4.add(
      v128.shuffle<f32>(v, v, 0, 0, 2, 2),
      v128.shuffle<f32>(v, f32x4.neg(v), 1, 5, 3, 7),
    );
    v128.store(
      values + at,
      f32x4.add(
        v128.shuffle<f32>(pairs, pairs, 0, 1, 0, 1),
        v128.shuffle<f32>(pairs, f32x4.neg(pairs), 2, 3, 6, 7),
      ),
    );
  }
  for (let half: usize = 16; half < length << 2; half <<= 1) {
    for (let start: usize = 0; start < length << 2; start += half << 1) {
      for (let at = values + start; at < values + start + half; at += 16) {
        const a = v128.load(at);
        const b = v128.load(at + half);
        v128.store(at, f32x4.add(a, b));
        v128.store(at + half, f32x4.sub(a, b));
      }
    }
  }
}

/**
 * Rotates in place, so that no few dimensions carry all of a vector: signs, a transform of the first `power` values, signs,
 * a transform of the last `power`. `signs` holds `length` and then `power` factors, those of a transform included.
 */
export function rotate(values: usize, length: usize, power: usize, signs: usize): void {
  multiply(values, signs, length);
  transform(values, power);
  if (power == length) return;
  const last = values + ((length - power) << 2);
  multiply(last, signs + (length << 2), power);
  transform(last, power);
}

/**
 * Codes `length` values (a multiple of 32) as -7..7 plus 8, 16 bytes a block, blocks 64 bytes apart. Returns what a code's
 * unit is worth, such that the estimate of a vector's product with itself is true; 0 for a vector of zeros.
 */
export function encode(values: usize, length: usize, codes: usize): f32 {
  let total = f32x4.splat(0);
  for (let at: usize = 0; at < length << 2; at += 16) {
    const v = v128.load(values + at);
    total = f32x4.add(total, f32x4.mul(v, v));
  }
  const squares = sumFloats(total);
  const inverse: f32 = squares == 0 ? 0 : <f32>1 / (StepOfDeviation * sqrt<f32>(squares / <f32>length));
  const factor = f32x4.splat(inverse);
  let products = f32x4.splat(0);
  for (let block: usize = 0; block < length; block += 32) {
    const from = values + (block << 2);
    const to = codes + (block << 1);
    for (let at: usize = 0; at < 16; at += 4) {
      const a = v128.load(from + (at << 2));
      const b = v128.load(from + (at << 2) + 64);
      const low = toLevels(a, factor);
      const high = toLevels(b, factor);
      products = f32x4.add(products, f32x4.mul(a, f32x4.convert_i32x4_s(low)));
      products = f32x4.add(products, f32x4.mul(b, f32x4.convert_i32x4_s(high)));
      const eight = i32x4.splat(8);
      const packed = v128.or(i32x4.add(low, eight), i32x4.shl(i32x4.add(high, eight), 4));
      const words = i16x8.narrow_i32x4_u(packed, packed);
      v128.store32_lane(to + at, i8x16.narrow_i16x8_u(words, words), 0);
    }
  }
  const product = sumFloats(products);
  return product > 0 ? squares / product : 0;
}

// @ts-ignore: a decorator of AssemblyScript
@inline
function toLevels(values: v128, factor: v128): v128 {
  const levels = i32x4.trunc_sat_f32x4_s(f32x4.nearest(f32x4.mul(values, factor)));
  return i32x4.max_s(i32x4.min_s(levels, i32x4.splat(7)), i32x4.splat(-7));
}
