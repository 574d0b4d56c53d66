/**
 * A filter as the scan takes it: a byte a row that counts the conditions which the row has met so far, so that a row with
 * all of them met passes. Kind and time are columns beside the codes; what else is asked for comes as lists of rids.
 */
import type { VectorFilter } from '../../shared/store/vector-index.ts';
import { compileCondition } from './vector-shard.ts';
import type { CodeChunk, VectorKernel } from './vector-kernel.ts';
import type { VectorShardStore } from './vector-shard-store.ts';

type Clause = (kernel: VectorKernel, chunk: CodeChunk, accept: (row: number) => void) => void;

export class ScanFilter {
  readonly #clauses: readonly Clause[];

  constructor(filter: VectorFilter, store: VectorShardStore) {
    this.#clauses = Object.entries(filter).map(([name, condition]) => {
      const holds = compileCondition(condition);
      if (name === 'kind') return byKind(store, holds);
      return name === 'time' ? byTime(holds) : byRids(store.findFieldRids(name, condition));
    });
  }

  /** Fills the mask of the chunk; rows whose mask has the returned value pass. */
  fill(kernel: VectorKernel, chunk: CodeChunk): number {
    const mask = kernel.mask(chunk.rows).fill(0);
    for (const [met, clause] of this.#clauses.entries()) {
      clause(kernel, chunk, (row) => {
        if (mask[row] === met) mask[row] = met + 1;
      });
    }
    return this.#clauses.length;
  }
}

type Test = ReturnType<typeof compileCondition>;

function byKind(store: VectorShardStore, holds: Test): Clause {
  const accepted = new Set(
    store.fields
      .readKinds()
      .filter(({ value }) => holds(value))
      .map(({ code }) => code),
  );
  const [only] = accepted;
  return (kernel, { start, layout, rows }, accept) => {
    const kinds = kernel.words(start + layout.kinds, rows);
    if (accepted.size === 1) {
      for (let row = 0; row < rows; row++) if (kinds[row] === only) accept(row);
    } else {
      for (let row = 0; row < rows; row++) if (accepted.has(kinds[row]!)) accept(row);
    }
  };
}

function byTime(holds: Test): Clause {
  return (kernel, chunk, accept) => {
    const times = kernel.times(chunk);
    for (let row = 0; row < chunk.rows; row++) {
      const time = times[row]!;
      if (!Number.isNaN(time) && holds(time)) accept(row);
    }
  };
}

/** Both lists are in order, and so are the chunks: each is walked once. */
function byRids(wanted: Uint32Array): Clause {
  let next = 0;
  return (kernel, { start, layout, rows }, accept) => {
    const rids = kernel.words(start + layout.rids, rows);
    for (let row = 0; row < rows && next < wanted.length;) {
      const gap = rids[row]! - wanted[next]!;
      if (gap === 0) accept(row);
      if (gap <= 0) row += 1;
      if (gap >= 0) next += 1;
    }
  };
}
