/** Which lane is served next, and who waits while nodes are short. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  isHeld,
  nextLane,
  noCredits,
  noShortage,
  noteShortage,
  type LaneCredits,
} from '../../../durable-objects/agent/task-lanes.ts';
import { lanes, type Lane } from '../../../shared/contracts/tasks.ts';

function serve(turns: number, hasWork: (lane: Lane, turn: number) => boolean) {
  const served: Lane[] = [];
  let credits: LaneCredits = noCredits;
  for (let turn = 0; turn < turns; turn++) {
    const next = nextLane(credits, (lane) => hasWork(lane, turn));
    if (!next) continue;
    credits = next.credits;
    served.push(next.lane);
  }
  return served;
}

const countOf = (served: readonly Lane[], lane: Lane) => served.filter((each) => each === lane).length;

describe('lanes', () => {
  test('share twelve turns eight to three to one while all have work', () => {
    const served = serve(120, () => true);
    expect(lanes.map((lane) => countOf(served, lane))).toEqual([80, 30, 10]);
  });

  test('leave their share to the others while they have no work', () => {
    const served = serve(40, (lane) => lane !== 'interactive');
    expect(lanes.map((lane) => countOf(served, lane))).toEqual([0, 30, 10]);
    expect(serve(3, () => false)).toEqual([]);
  });

  test('save nothing up while they have no work', () => {
    const served = serve(1_012, (lane, turn) => lane === 'batch' || turn >= 1_000).slice(1_000);
    expect(lanes.map((lane) => countOf(served, lane))).toEqual([8, 3, 1]);
  });

  test('never starve: one with work waits at most twice twelve turns, whatever the others do', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.boolean(), fc.boolean()), { minLength: 30, maxLength: 200 }), (others) => {
        const served: Lane[] = [];
        let credits: LaneCredits = noCredits;
        for (const [interactive, standard] of others) {
          const next = nextLane(credits, (lane) =>
            lane === 'batch' ? true : lane === 'standard' ? standard : interactive,
          )!;
          credits = next.credits;
          served.push(next.lane);
        }
        const gaps = served
          .join(' ')
          .split('batch')
          .map((gap) => gap.trim().split(' ').filter(Boolean).length);
        expect(Math.max(...gaps)).toBeLessThanOrEqual(24);
      }),
      { numRuns: 2_000 },
    );
  });
});

describe('while nodes are short', () => {
  test('batch waits first, standard from the third failure on, interactive never', () => {
    let shortage = noShortage;
    const held = () => lanes.map((lane) => isHeld(lane, shortage, 0));
    expect(held()).toEqual([false, false, false]);
    shortage = noteShortage(shortage, 0);
    expect(held()).toEqual([false, false, true]);
    shortage = noteShortage(noteShortage(shortage, 0), 0);
    expect(held()).toEqual([false, true, true]);
  });

  test('nobody waits longer than a minute without another failure', () => {
    let shortage = noShortage;
    for (let failure = 0; failure < 40; failure++) shortage = noteShortage(shortage, 0, 3_600_000);
    expect(shortage.until).toBeLessThanOrEqual(60_000);
    expect(lanes.map((lane) => isHeld(lane, shortage, 60_000))).toEqual([false, false, false]);
  });
});
