/**
 * How many refusals of a kind the audit trail takes: so many a minute one by one, then a count. Pure. A flood can neither
 * fill the disk nor go unseen: that it happened is on record, and how often, at least to the power of two below.
 */

/** Entries a minute; what comes beyond them is counted. */
export const MaxAuthFailures = 60;
const WindowMs = 60_000;

/** Credentials that were refused, and what good credentials were refused: neither hides the other. */
export type FloodKind = 'auth' | 'admission';

/** One minute of refusals: since when, how many have an entry, how many were only counted. */
export type Flood = { readonly since: number; readonly recorded: number; readonly counted: number };

export type FloodStep = {
  readonly flood: Flood;
  /** The refusals of a window that is over, to be entered as one. */
  readonly ended?: Flood;
  readonly record: boolean;
  /** Whether the count is to be made durable: at each power of two, so that a flood costs next to no writes. */
  readonly keep: boolean;
};

export function countAuthFailure(flood: Flood | undefined, now: number, times = 1): FloodStep {
  const ended = flood && isOver(flood, now) && flood.counted > 0 ? { ended: flood } : {};
  if (!flood || isOver(flood, now)) {
    return { ...ended, flood: { since: now, recorded: 1, counted: 0 }, record: true, keep: true };
  }
  if (flood.recorded < MaxAuthFailures) {
    return { flood: { ...flood, recorded: flood.recorded + 1 }, record: true, keep: true };
  }
  const counted = flood.counted + times;
  return { flood: { ...flood, counted }, record: false, keep: Math.clz32(counted) < Math.clz32(flood.counted) };
}

/** Ends a window whose time is over, where it has a count to enter. */
export function endFlood(flood: Flood | undefined, now: number): Flood | undefined {
  return flood && flood.counted > 0 && isOver(flood, now) ? flood : undefined;
}

/** A clock that jumped back begins another window: a window never lasts longer than it should. */
function isOver({ since }: Flood, now: number): boolean {
  return now < since || now - since >= WindowMs;
}
