/**
 * Which lane is served next. Each lane has a share (smooth weighted round robin): while all have work, of twelve turns
 * interactive gets eight, standard three, batch one, so none starves; a lane without work leaves its share to the others.
 * While nodes are short, batch waits first, then standard; interactive never does.
 */
import { lanes, type Lane } from '../../shared/contracts/tasks.ts';

const weights: Readonly<Record<Lane, number>> = { interactive: 8, standard: 3, batch: 1 };

export type LaneCredits = Readonly<Record<Lane, number>>;
export const noCredits: LaneCredits = { interactive: 0, standard: 0, batch: 0 };

/** Undefined where no lane has work. */
export function nextLane(
  credits: LaneCredits,
  hasWork: (lane: Lane) => boolean,
): { readonly lane: Lane; readonly credits: LaneCredits } | undefined {
  const working = lanes.filter(hasWork);
  const total = working.reduce((sum, lane) => sum + weights[lane], 0);
  // A lane without work saves nothing up.
  const raised = Object.fromEntries(
    lanes.map((lane) => [lane, working.includes(lane) ? credits[lane] + weights[lane] : 0]),
  ) as Record<Lane, number>;
  const lane = working.reduce<Lane | undefined>(
    (best, each) => (best === undefined || raised[each] > raised[best] ? each : best),
    undefined,
  );
  return lane && { lane, credits: { ...raised, [lane]: raised[lane] - total } };
}

/** How short nodes are: `level` failures for want of a node in a row, the last of them holding until `until`. */
export type Shortage = { readonly level: number; readonly until: number };
export const noShortage: Shortage = { level: 0, until: 0 };

const FirstHoldMs = 2_000;
const LongestHoldMs = 60_000;
/** From so many in a row on, standard waits as well. */
const StandardHeldFrom = 3;

export function noteShortage({ level }: Shortage, now: number, retryAfterMs = 0): Shortage {
  const holdMs = Math.min(LongestHoldMs, FirstHoldMs * 2 ** Math.min(level, 10));
  return { level: level + 1, until: now + Math.max(holdMs, Math.min(retryAfterMs, LongestHoldMs)) };
}

export function isHeld(lane: Lane, { level, until }: Shortage, now: number): boolean {
  if (now >= until) return false;
  return lane === 'batch' || (lane === 'standard' && level >= StandardHeldFrom);
}
