/**
 * The codes of all shards of this isolate, in the kernel's memory, within one budget of bytes: blocks of 16 KiB to 1 MiB,
 * given out and taken back by halves. Where the budget is reached the shard that was used longest ago goes. Objects come
 * and go, the arena stays: a shard finds its codes again by its object's id and by the stamp of its last write.
 */
import { VectorKernel, ScratchBytes } from './vector-kernel.ts';
import { MaxPageBytes } from './code-layout.ts';

export const MinBlockBytes = 16 * 1024;
const Orders = Math.log2(MaxPageBytes / MinBlockBytes) + 1;

/** What the arena holds of a shard. */
export type Tenancy = {
  /** Of the write that the codes are complete up to. */
  stamp: number;
  release(): void;
};

export class CodeArena {
  readonly kernel: VectorKernel;
  readonly #budget: number;
  readonly #free: Set<number>[] = Array.from({ length: Orders }, () => new Set<number>());
  readonly #held = new Map<string, Tenancy>();
  #end = ScratchBytes;
  #used = 0;

  constructor(kernel: VectorKernel, budgetBytes: number) {
    this.kernel = kernel;
    this.#budget = budgetBytes;
  }

  get usedBytes(): number {
    return this.#used;
  }

  get budgetBytes(): number {
    return this.#budget;
  }

  /** Marks it as used last. */
  find(key: string): Tenancy | undefined {
    const held = this.#held.get(key);
    if (!held) return undefined;
    this.#held.delete(key);
    this.#held.set(key, held);
    return held;
  }

  hold(key: string, tenancy: Tenancy): void {
    this.drop(key);
    this.#held.set(key, tenancy);
  }

  drop(key: string): void {
    const held = this.#held.get(key);
    this.#held.delete(key);
    held?.release();
  }

  /** A block of at least so many bytes; other shards make room for it. Undefined where only `key` is left to go. */
  allocate(bytes: number, key: string): number | undefined {
    const order = orderOf(bytes);
    const size = sizeOf(order);
    while (this.#used + size > this.#budget) {
      const oldest = [...this.#held.keys()].find((other) => other !== key);
      if (oldest === undefined) return undefined;
      this.drop(oldest);
    }
    const block = this.#take(order);
    this.#used += size;
    return block;
  }

  release(block: number, bytes: number): void {
    const order = orderOf(bytes);
    this.#used -= sizeOf(order);
    this.#putBack(block, order);
  }

  #take(order: number): number {
    const [found] = this.#free[order]!;
    if (found !== undefined) {
      this.#free[order]!.delete(found);
      return found;
    }
    if (order === Orders - 1) {
      const block = this.#end;
      this.#end += MaxPageBytes;
      this.kernel.reserve(this.#end);
      return block;
    }
    const whole = this.#take(order + 1);
    this.#free[order]!.add(whole + sizeOf(order));
    return whole;
  }

  #putBack(block: number, order: number): void {
    const other = ScratchBytes + ((block - ScratchBytes) ^ sizeOf(order));
    if (order < Orders - 1 && this.#free[order]!.delete(other)) {
      this.#putBack(Math.min(block, other), order + 1);
      return;
    }
    this.#free[order]!.add(block);
  }
}

/** The bytes that a block for so many really takes. */
export function blockSize(bytes: number): number {
  return sizeOf(orderOf(bytes));
}

function orderOf(bytes: number): number {
  return Math.max(0, Math.ceil(Math.log2(bytes / MinBlockBytes)));
}

function sizeOf(order: number): number {
  return MinBlockBytes * 2 ** order;
}

let shared: CodeArena | undefined;

/** The one arena of this isolate; the first caller's budget holds. */
export function shareArena(module: WebAssembly.Module, budgetBytes: number): CodeArena {
  shared ??= new CodeArena(new VectorKernel(module), budgetBytes);
  return shared;
}
