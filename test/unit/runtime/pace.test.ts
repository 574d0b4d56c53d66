/** What begins at once in an isolate: bounded over all its objects, and nobody is forgotten or keeps others out for ever. */
import { describe, expect, test, vi } from 'vitest';
import { Pace, PacedObject } from '../../../durable-objects/runtime/pace.ts';

describe('the pace of an isolate', () => {
  test('lets in so many at once, whoever they are, and another for each that leaves', () => {
    const pace = new Pace(2);
    const [first, second, third] = [pace.enter(0), pace.enter(0), pace.enter(0)];
    expect([first, second].includes(undefined)).toBe(false);
    expect(third).toBeUndefined();
    first!();
    first!();
    expect(pace.enter(1)).toBeDefined();
    expect(pace.enter(1)).toBeUndefined();
  });

  test('forgets a visitor that died and never left', () => {
    const pace = new Pace(1);
    pace.enter(0);
    expect(pace.enter(29_999)).toBeUndefined();
    expect(pace.enter(30_000)).toBeDefined();
  });

  test('asks an object that found no room again, by one timer, until it finds some', async () => {
    vi.useFakeTimers();
    try {
      const pace = new Pace(1);
      const leave = pace.enter(0)!;
      const found: boolean[] = [];
      const object = new PacedObject(
        pace,
        () => 0,
        () => found.push(object.enter() !== undefined),
      );
      expect([object.enter(), object.enter(), vi.getTimerCount()]).toEqual([undefined, undefined, 1]);
      await vi.advanceTimersByTimeAsync(2_000);
      expect(found.length).toBeGreaterThan(2);
      expect(found).not.toContain(true);
      leave();
      await vi.advanceTimersByTimeAsync(500);
      expect([found.at(-1), vi.getTimerCount()]).toEqual([true, 0]);
    } finally {
      vi.useRealTimers();
    }
  });
});
