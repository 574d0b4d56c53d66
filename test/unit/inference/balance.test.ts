/** Which of several bridges serves: what belongs together stays, the rest spreads by load. */
import { describe, expect, it } from 'vitest';
import { orderByWeight, weightOf } from '../../../shared/inference/balance.ts';

const keys = Array.from({ length: 4_000 }, (_, at) => `run_${at}`);

function shares(weights: readonly number[]): number[] {
  const bridges = weights.map((weight, at) => ({ id: `brg_${at}`, weight }));
  const first = keys.map((key) => orderByWeight(bridges, key)[0]!.id);
  return bridges.map(({ id }) => first.filter((each) => each === id).length / keys.length);
}

describe('the choice between bridges', () => {
  it('spreads in proportion to the weights', () => {
    const [a, b, c] = shares([1, 1, 1]) as [number, number, number];
    for (const share of [a, b, c]) expect(Math.abs(share - 1 / 3)).toBeLessThan(0.03);
    const [busy, idle] = shares([0.25, 0.75]) as [number, number];
    expect(Math.abs(busy - 0.25)).toBeLessThan(0.03);
    expect(idle).toBeGreaterThan(0.7);
  });

  it('keeps a key where it was when another bridge comes or goes, unless it is that one’s', () => {
    const all = ['a', 'b', 'c'].map((id) => ({ id, weight: 1 }));
    const fewer = all.slice(0, 2);
    const moved = keys.filter((key) => {
      const before = orderByWeight(all, key)[0]!.id;
      return before !== 'c' && before !== orderByWeight(fewer, key)[0]!.id;
    });
    expect(moved).toEqual([]);
  });

  it('names every bridge once, for a job that the first ones did not begin', () => {
    const bridges = ['a', 'b', 'c'].map((id, at) => ({ id, weight: 1 / (at + 1) }));
    expect(new Set(orderByWeight(bridges, 'x').map(({ id }) => id)).size).toBe(3);
    expect(orderByWeight([], 'x')).toEqual([]);
  });

  it('weighs the nodes that serve the model by what they have to do', () => {
    const node = (jobs: number, models = ['m']) => ({ name: 'n', models, jobs });
    expect(weightOf([node(0), node(0)], 'm')).toBe(2);
    expect(weightOf([node(3), node(9, ['other'])], 'm')).toBe(0.25);
    expect(weightOf(undefined, 'm')).toBe(1);
  });
});
