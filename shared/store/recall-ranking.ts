/**
 * The order of what was found: the fused ranks, weighed by confidence and recency, then spread where diversity is asked
 * for (maximal marginal relevance). Pure; the same input always gives the same order.
 */
import { ConsolidationSource } from '../contracts/memories.ts';
import { embedByHash } from '../core/hash-embedding.ts';
import type { MemoryRecord } from './memory-chain.ts';

export type Weighed = {
  readonly row: MemoryRecord;
  /** What the index proposed: the memory, or one that was put together in it. */
  readonly foundBy: string;
  readonly score: number;
  readonly fused: number;
  readonly confidence: number;
  readonly recency: number;
  /** How alike the most alike hit before it is; null where it does not count. */
  readonly likeness: number | null;
};

export type Weights = { readonly nowMs: number; readonly recencyDays: number; readonly diversity: number };

export const DefaultRecencyDays = 30;
/** As much as about three ranks: the new wins among equals, never over what answers better. */
const RecencyBonus = 0.05;
const DayMs = 86_400_000;

/**
 * What stands at that time for a memory that was found: the memory itself, or what consolidation has put it together in.
 * So a summary, long and about much, is found by the best of what it quotes.
 */
export function findStanding(
  row: MemoryRecord,
  rows: ReadonlyMap<string, MemoryRecord>,
  atMs: number,
): MemoryRecord | undefined {
  let standing = row;
  for (let left = rows.size; left > 0; left--) {
    const { id, closedAt, closedBy } = standing;
    if (closedAt === null || closedAt > atMs) return standing;
    const closer = rows.get(closedBy ?? '');
    if (closer?.sourceType !== ConsolidationSource || !closer.sources.includes(id)) return undefined;
    standing = closer;
  }
  return undefined;
}

export function weigh(
  row: MemoryRecord,
  fused: number,
  { nowMs, recencyDays }: Weights,
  foundBy: string = row.id,
): Weighed {
  const confidence = (1 + row.confidence) / 2;
  const ageDays = Math.max(0, nowMs - (row.validFrom ?? row.createdAt)) / DayMs;
  const recency = 1 + RecencyBonus * 2 ** (-ageDays / recencyDays);
  return { row, foundBy, fused, confidence, recency, score: fused * confidence * recency, likeness: null };
}

export function compareWeighed(a: Weighed, b: Weighed): number {
  return b.score - a.score || (a.row.id < b.row.id ? -1 : 1);
}

/** The best first, each of the next as good and as little alike to those before as `diversity` says. */
export function spread(weighed: readonly Weighed[], limit: number, diversity: number): Weighed[] {
  const best = weighed[0]?.score ?? 0;
  if (diversity === 0 || best === 0) return weighed.slice(0, limit);
  const rest = weighed.map((each) => ({ each, vector: embedByHash(each.row.text), likeness: 0 }));
  const chosen: Weighed[] = [];
  while (chosen.length < limit && rest.length > 0) {
    let pick = 0;
    let pickValue = Number.NEGATIVE_INFINITY;
    for (const [at, { each, likeness }] of rest.entries()) {
      const value = (1 - diversity) * (each.score / best) - diversity * likeness;
      if (value > pickValue) [pick, pickValue] = [at, value];
    }
    const [taken] = rest.splice(pick, 1);
    chosen.push({ ...taken!.each, likeness: taken!.likeness });
    for (const other of rest) other.likeness = Math.max(other.likeness, dot(taken!.vector, other.vector));
  }
  return chosen;
}

export function dot(a: Float32Array | readonly number[], b: Float32Array | readonly number[]): number {
  let sum = 0;
  for (let at = 0; at < a.length; at++) sum += a[at]! * b[at]!;
  return sum;
}
