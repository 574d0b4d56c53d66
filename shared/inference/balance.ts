/**
 * Which of several bridges with a model serves a run: weighted rendezvous. What belongs together (one key) stays with one
 * bridge while loads are as they were, and different keys spread in inverse proportion to the load, so that nobody runs
 * after a figure that is two seconds old. Pure.
 */
import { hashText } from '../core/hash-text.ts';

/** A node as its bridge last described it: which models it serves now, and how many jobs it has. */
export type NodeLoad = { readonly name: string; readonly models: readonly string[]; readonly jobs: number };

/** Nodes for each job that is there already; where the bridge does not tell, as of one idle node. */
export function weightOf(nodes: readonly NodeLoad[] | undefined, model: string): number {
  const serving = nodes?.filter(({ models }) => models.includes(model)) ?? [];
  const jobs = serving.reduce((sum, node) => sum + node.jobs, 0);
  return Math.max(1, serving.length) / (1 + jobs);
}

/** The first is to serve; the others follow in the order in which they would have. */
export function orderByWeight<T extends { readonly id: string; readonly weight: number }>(
  bridges: readonly T[],
  key: string,
): T[] {
  if (bridges.length < 2) return [...bridges];
  const scored = bridges.map((bridge) => {
    const drawn = (hashText(`${key} ${bridge.id}`) + 0.5) / 2 ** 32;
    return { bridge, score: -bridge.weight / Math.log(drawn) };
  });
  return scored.sort((one, other) => other.score - one.score).map(({ bridge }) => bridge);
}
