/** Reciprocal rank fusion: what several ranked lists say together. Pure. */
import { compareRanked, type RankedId } from './vector-index.ts';

/** The constant of reciprocal rank fusion. */
const FusionK = 60;

/** Each lane best first. */
export function fuseRanks(lanes: readonly (readonly string[])[], topK: number): readonly RankedId[] {
  const scores = new Map<string, number>();
  for (const lane of lanes) {
    for (const [rank, id] of lane.entries()) scores.set(id, (scores.get(id) ?? 0) + 1 / (FusionK + rank + 1));
  }
  return [...scores]
    .map(([id, score]) => ({ id, score }))
    .sort(compareRanked)
    .slice(0, topK);
}
