/** When an event is tried again, what an answer means, when a receiver is spared, told of and given up. */
import { describe, expect, test } from 'vitest';
import {
  attemptDelaysMs,
  concurrencyFor,
  goodHealth,
  isGivenUp,
  judgeAttempt,
  noteAttempt,
  parseRetryAfter,
  type AttemptResult,
  type Health,
} from '../../../durable-objects/webhook-endpoint/delivery-rules.ts';

const now = Date.UTC(2026, 5, 1);
const hour = 3_600_000;
const answered = (status: number, retryAfterMs?: number): AttemptResult => ({ kind: 'answered', status, retryAfterMs });
const lost: AttemptResult = { kind: 'fault', fault: 'lost' };

function failing(times: number, result: AttemptResult = answered(500)): Health {
  let health = goodHealth;
  for (let at = 0; at < times; at++) health = noteAttempt(health, result, now, now, () => 0).health;
  return health;
}

describe('an event', () => {
  test('has sixteen attempts over more than five days', () => {
    expect(attemptDelaysMs).toHaveLength(16);
    const total = attemptDelaysMs.reduce((sum, each) => sum + each, 0);
    expect(total).toBeGreaterThan(120 * hour);
    expect(attemptDelaysMs.slice(0, 7)).toEqual([0, 5_000, 300_000, 1_800_000, 2 * hour, 5 * hour, 10 * hour]);
  });

  test('is delivered by a 2xx alone; 410 ends its receiver; anything else is tried again, never early, at most a tenth late', () => {
    for (const status of [200, 201, 202, 204, 299])
      expect(judgeAttempt(answered(status), 1, now, Math.random)).toEqual({ kind: 'delivered' });
    expect(judgeAttempt(answered(410), 1, now, Math.random)).toEqual({ kind: 'endpoint_gone' });
    for (const result of [
      lost,
      ...[100, 301, 302, 307, 400, 401, 404, 429, 500, 502, 503, 504].map((status) => answered(status)),
    ]) {
      for (let attempts = 1; attempts < 16; attempts++) {
        for (const random of [0, 0.5, 0.999999]) {
          const verdict = judgeAttempt(result, attempts, now, () => random);
          const waitMs = verdict.kind === 'retried' ? verdict.at - now : Number.NaN;
          expect(waitMs).toBeGreaterThanOrEqual(attemptDelaysMs[attempts]!);
          expect(waitMs).toBeLessThanOrEqual(attemptDelaysMs[attempts]! * 1.1);
        }
      }
      expect(judgeAttempt(result, 16, now, Math.random)).toEqual({ kind: 'exhausted' });
    }
  });

  test('waits as long as it is asked to, where that is longer', () => {
    expect(judgeAttempt(answered(503, 60_000), 1, now, () => 0)).toEqual({ kind: 'retried', at: now + 60_000 });
    expect(judgeAttempt(answered(503, 1), 1, now, () => 0)).toEqual({ kind: 'retried', at: now + 5_000 });
  });
});

test('retry-after is seconds or a date, at most a day; anything else says nothing', () => {
  expect(parseRetryAfter('120', now)).toBe(120_000);
  expect(parseRetryAfter(new Date(now + 90_000).toUTCString(), now)).toBe(90_000);
  expect(parseRetryAfter(new Date(now - 90_000).toUTCString(), now)).toBe(0);
  expect(parseRetryAfter('9999999999', now)).toBe(24 * hour);
  for (const nonsense of [null, '', 'soon', '-5', '1e3']) {
    const parsed = parseRetryAfter(nonsense, now);
    expect(parsed === undefined || parsed === 0, String(nonsense)).toBe(true);
  }
});

describe('a receiver', () => {
  test('that fails five times in a row is told of once, spared ever longer up to a bound, and asked one by one', () => {
    let health = failing(4);
    expect([health.spareUntil, concurrencyFor(health, false, 6)]).toEqual([now, 6]);
    const fifth = noteAttempt(health, lost, now, now, () => 0);
    expect(fifth.notice).toBe('failing');
    health = fifth.health;
    const spared: number[] = [];
    for (let at = 0; at < 12; at++) {
      spared.push(health.spareUntil - now);
      const next = noteAttempt(health, lost, now, now, () => 0);
      expect(next.notice).toBeUndefined();
      health = next.health;
    }
    expect(spared.slice(0, 3)).toEqual([5_000, 10_000, 20_000]);
    expect(Math.max(...spared)).toBe(300_000);
    expect(concurrencyFor(health, false, 6)).toBe(1);
  });

  test('is not taken to fail many times because many attempts fail together', () => {
    let health = goodHealth;
    for (let at = 0; at < 20; at++) health = noteAttempt(health, answered(500), now, now + 1 + at, () => 0).health;
    expect(health).toMatchObject({ failures: 1, failingSince: now + 1, spareUntil: now + 20 });
    expect(noteAttempt(health, answered(500), now + 50, now + 51, () => 0).health.failures).toBe(2);
  });

  test('that throttles is spared at once, as long as it asks for, also where another attempt got through', () => {
    for (const status of [429, 502, 504])
      expect(failing(1, answered(status)).spareUntil, String(status)).toBe(now + 5_000);
    expect(failing(1, answered(500)).spareUntil).toBe(now);
    const asked = failing(1, answered(429, 60_000));
    expect(asked.spareUntil).toBe(now + 60_000);
    expect(noteAttempt(asked, answered(200), now, now, () => 0).health).toEqual({
      ...goodHealth,
      spareUntil: now + 60_000,
    });
  });

  test('that recovers is told of as well, where its trouble was', () => {
    expect(noteAttempt(failing(6), answered(200), now, now, () => 0).notice).toBe('recovered');
    expect(noteAttempt(failing(3), answered(200), now, now, () => 0).notice).toBeUndefined();
  });

  test('is given up when it has taken nothing for five days, and not before', () => {
    const health = failing(20);
    expect(isGivenUp(health, now + 120 * hour - 1)).toBe(false);
    expect(isGivenUp(health, now + 120 * hour)).toBe(true);
    expect(isGivenUp(noteAttempt(health, answered(204), now, now, () => 0).health, now + 200 * hour)).toBe(false);
  });
});
