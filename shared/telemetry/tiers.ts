/** In which steps telemetry is kept, for how long, and which steps each window reads. */
import type { TelemetryWindow } from '../contracts/telemetry.ts';

const MinuteMs = 60_000;
const HourMs = 60 * MinuteMs;
const DayMs = 24 * HourMs;

export type Tier = { readonly name: string; readonly stepMs: number; readonly keepMs: number };
/** The last steps of a tier, and the one that is under way. */
export type Span = { readonly tier: Tier; readonly steps: number };

export const minutes: Tier = { name: 'minute', stepMs: MinuteMs, keepMs: 3 * HourMs };
export const hours: Tier = { name: 'hour', stepMs: HourMs, keepMs: 8 * DayMs };
export const days: Tier = { name: 'day', stepMs: DayMs, keepMs: 400 * DayMs };
/** One step that never ends: what counters of a scraper go by. */
export const ever: Tier = { name: 'ever', stepMs: Number.MAX_SAFE_INTEGER, keepMs: Number.MAX_SAFE_INTEGER };
export const tiers = [minutes, hours, days, ever];

export const windows: Readonly<Record<TelemetryWindow, Span>> = {
  '1h': { tier: minutes, steps: 60 },
  '24h': { tier: hours, steps: 24 },
  '7d': { tier: hours, steps: 7 * 24 },
  '30d': { tier: days, steps: 30 },
};

/** The operator's copies have no minutes. */
export const operatorWindows: Readonly<Record<TelemetryWindow, Span>> = {
  ...windows,
  '1h': { tier: hours, steps: 1 },
};

export function stepOf({ stepMs }: Tier, at: number): number {
  return at - (at % stepMs);
}

export function startOf({ tier, steps }: Span, now: number): number {
  return stepOf(tier, now) - steps * tier.stepMs;
}
