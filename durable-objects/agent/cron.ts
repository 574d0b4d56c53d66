/** When a schedule runs next: five fields of cron in a time zone, by the croner library. Pure. */
import { Cron } from 'croner';
import { err, ok, type Result } from '../../shared/core/result.ts';

const bad = (param: 'cron' | 'timezone', message: string) => err('invalid_request', message, { param });

/** Checks both at once: an expression that parses may still never come to pass. */
export function computeNextRun(expression: string, timezone: string, after: number): Result<number> {
  if (!isTimezone(timezone)) return bad('timezone', `"timezone": "${timezone}" is no IANA time zone.`);
  if (expression.trim().split(/\s+/).length !== 5) {
    return bad('cron', '"cron": five fields are needed: minute, hour, day of month, month, day of week.');
  }
  let next: Date | null;
  try {
    next = new Cron(expression, { timezone, paused: true }).nextRun(new Date(after));
  } catch {
    return bad('cron', `"cron": "${expression}" is no cron expression.`);
  }
  return next ? ok(next.getTime()) : bad('cron', `"cron": "${expression}" never comes to pass.`);
}

function isTimezone(name: string): boolean {
  try {
    Intl.DateTimeFormat('en', { timeZone: name });
    return true;
  } catch {
    return false;
  }
}
