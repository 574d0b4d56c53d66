/**
 * Hard sets of unit vectors, the same for the same seed. `spectral`: the variance of dimension i falls as a power of i, no
 * clusters, about 40 dimensions that count, and those few are the first ones. `random`: all directions alike, the worst
 * case for any code. `sparse`: few dimensions are not zero, as in hashed text.
 */
export type SetKind = 'spectral' | 'random' | 'sparse';

const SpectralPower = -0.47;
const SparseShare = 0.08;

export class SyntheticVectors {
  readonly #kind: SetKind;
  readonly #dimensions: number;
  #state: number;
  #spare: number | undefined;

  constructor(kind: SetKind, dimensions: number, seed: number) {
    this.#kind = kind;
    this.#dimensions = dimensions;
    this.#state = seed | 0;
  }

  /** Uniform in [0, 1). */
  random(): number {
    this.#state = (this.#state + 0x9e3779b9) | 0;
    let mixed = this.#state;
    mixed = Math.imul(mixed ^ (mixed >>> 16), 0x21f0aaad);
    mixed = Math.imul(mixed ^ (mixed >>> 15), 0x735a2d97);
    return ((mixed ^ (mixed >>> 15)) >>> 0) / 2 ** 32;
  }

  /** Writes `count` vectors one after another. */
  make(count: number): Float32Array<ArrayBuffer> {
    const all = new Float32Array(count * this.#dimensions);
    for (let row = 0; row < count; row++) this.#fill(all, row * this.#dimensions);
    return all;
  }

  #fill(target: Float32Array, start: number): void {
    let squares = 0;
    for (let at = 0; at < this.#dimensions; at++) {
      const value = this.#draw(at);
      target[start + at] = value;
      squares += value * value;
    }
    if (squares === 0) return this.#fill(target, start);
    const factor = 1 / Math.sqrt(squares);
    for (let at = 0; at < this.#dimensions; at++) target[start + at]! *= factor;
  }

  #draw(dimension: number): number {
    if (this.#kind === 'sparse') {
      if (this.random() >= SparseShare) return 0;
      return this.random() < 0.5 ? -1 : 1;
    }
    return this.#normal() * (this.#kind === 'spectral' ? (dimension + 1) ** SpectralPower : 1);
  }

  #normal(): number {
    const spare = this.#spare;
    if (spare !== undefined) {
      this.#spare = undefined;
      return spare;
    }
    const radius = Math.sqrt(-2 * Math.log(1 - this.random()));
    const angle = 2 * Math.PI * this.random();
    this.#spare = radius * Math.sin(angle);
    return radius * Math.cos(angle);
  }
}

/** The rows of `all` that are nearest to a query, best first, by a loop over everything. */
export function findExactly(all: Float32Array, query: Float32Array, k: number): readonly number[] {
  const best: { readonly row: number; readonly score: number }[] = [];
  for (let row = 0, start = 0; start < all.length; row++, start += query.length) {
    let score = 0;
    for (let at = 0; at < query.length; at++) score += all[start + at]! * query[at]!;
    if (best.length === k && score <= best[k - 1]!.score) continue;
    best.push({ row, score });
    best.sort((a, b) => b.score - a.score);
    if (best.length > k) best.pop();
  }
  return best.map(({ row }) => row);
}
