/** Time as a dependency. Rules take `now`; shells hold a Clock. Milliseconds since the Unix epoch. */
export type Clock = { now(): number };

export const systemClock: Clock = { now: () => Date.now() };

/** ISO 8601 in UTC with milliseconds, the form every time has on the wire. */
export function toIso(ms: number): string {
  return new Date(ms).toISOString();
}

/** Whole seconds since the epoch, the form of OpenAI's `created` fields and of JWT claims. */
export function toUnixSeconds(ms: number): number {
  return Math.floor(ms / 1000);
}
