/** When a schedule runs next: in its time zone, across the changes of the clock. */
import { describe, expect, test } from 'vitest';
import { computeNextRun } from '../../../durable-objects/agent/cron.ts';

const next = (cron: string, timezone: string, after: string) => {
  const run = computeNextRun(cron, timezone, Date.parse(after));
  return run.ok ? new Date(run.value).toISOString() : run.failure.param;
};

describe('a schedule', () => {
  test.for([
    ['0 9 * * 1-5', 'UTC', '2026-06-05T10:00:00Z', '2026-06-08T09:00:00.000Z'],
    ['0 9 * * *', 'Europe/Berlin', '2026-01-10T12:00:00Z', '2026-01-11T08:00:00.000Z'],
    ['0 9 * * *', 'Europe/Berlin', '2026-07-10T12:00:00Z', '2026-07-11T07:00:00.000Z'],
    // 02:30 does not exist on that night: the first moment after the gap.
    ['30 2 * * *', 'Europe/Berlin', '2026-03-28T12:00:00Z', '2026-03-29T01:00:00.000Z'],
    ['0 0 29 2 *', 'UTC', '2026-03-01T00:00:00Z', '2028-02-29T00:00:00.000Z'],
    ['*/5 * * * *', 'UTC', '2026-06-05T10:00:00Z', '2026-06-05T10:05:00.000Z'],
  ])('%s in %s after %s is %s', ([cron, timezone, after, expected]) => {
    expect(next(cron!, timezone!, after!)).toBe(expected);
  });

  test.for([
    ['0 0 30 2 *', 'UTC', 'cron'],
    ['* * * * * *', 'UTC', 'cron'],
    ['61 * * * *', 'UTC', 'cron'],
    ['every five minutes please now', 'UTC', 'cron'],
    ['0 9 * * *', 'Europe/Atlantis', 'timezone'],
  ])('%s in %s is refused, and the field at fault is named', ([cron, timezone, param]) => {
    expect(next(cron!, timezone!, '2026-06-05T10:00:00Z')).toBe(param);
  });
});
