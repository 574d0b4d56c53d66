/** The judge of histories: it lets pass what one order explains, and nothing else. */
import { describe, expect, test } from 'vitest';
import { isLinearizable, type Operation } from '../../support/linearizable.ts';

const write = (value: string, invokedAt: number, answeredAt?: number): Operation => ({
  kind: 'write',
  value,
  invokedAt,
  answeredAt,
});
const read = (value: string, invokedAt: number, answeredAt: number): Operation => ({
  kind: 'read',
  value,
  invokedAt,
  answeredAt,
});

describe('a history', () => {
  test.each([
    ['in order', [write('a', 0, 1), read('a', 2, 3), write('b', 4, 5), read('b', 6, 7)]],
    ['of concurrent writes, in either order', [write('a', 0, 9), write('b', 0, 9), read('a', 10, 11)]],
    ['whose read overlaps the write, before or after it', [write('a', 0, 9), read('', 1, 2), read('a', 3, 4)]],
    ['whose unknown write took effect', [write('a', 0, 1), write('b', 2), read('b', 5, 6)]],
    ['whose unknown write did not', [write('a', 0, 1), write('b', 2), read('a', 5, 6)]],
    ['whose unknown write took effect late', [write('b', 0), write('a', 1, 2), read('a', 3, 4), read('b', 5, 6)]],
  ])('%s passes', (_, history) => {
    expect(isLinearizable(history, '')).toBe(true);
  });

  test.each([
    ['with a stale read', [write('a', 0, 1), read('', 2, 3)]],
    ['that lost a write', [write('a', 0, 1), write('b', 2, 3), read('a', 4, 5)]],
    [
      'that reads back and forth',
      [write('a', 0, 9), write('b', 0, 9), read('a', 10, 11), read('b', 12, 13), read('a', 14, 15)],
    ],
    ['that reads what nobody wrote', [read('x', 0, 1)]],
    ['whose unknown write came and went', [write('a', 0, 1), write('b', 2), read('b', 5, 6), read('a', 7, 8)]],
  ])('%s does not', (_, history) => {
    expect(isLinearizable(history, '')).toBe(false);
  });
});
