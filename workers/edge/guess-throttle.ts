/**
 * How many refused credentials one source may try on one tenant. Beyond it a refusal says "wait" instead of "no", until
 * the minute is over; a credential that holds is let in all the same, so nobody can lock another out. Per isolate,
 * bounded in number, plain data. A source is known where the network in front names it; elsewhere nobody is counted.
 */
import type { TenantId } from '../../shared/core/ids.ts';

export const GuessesAMinute = 100;
const WindowMs = 60_000;
const MaxSources = 10_000;

export class GuessThrottle {
  readonly #counts = new Map<string, { readonly since: number; refused: number }>();

  /** Counts a refusal. How long its source has to wait, where it has tried too often. */
  note(tenant: TenantId, source: string, now: number): number | undefined {
    const name = `${tenant} ${source}`;
    const known = this.#counts.get(name);
    // A clock that jumped back begins another window.
    const count = known && now >= known.since && now - known.since < WindowMs ? known : { since: now, refused: 0 };
    count.refused++;
    this.#counts.delete(name);
    this.#counts.set(name, count);
    if (this.#counts.size > MaxSources) this.#counts.delete(this.#counts.keys().next().value!);
    return count.refused > GuessesAMinute ? count.since + WindowMs - now : undefined;
  }
}
