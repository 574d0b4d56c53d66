/**
 * How many things begin at once in an isolate. Objects of an isolate share its thread, so what all of them begin in the
 * same moment keeps everybody who asks for something waiting. A promise must not cross from one object to another, so
 * who finds no room comes again by a timer of its own, ever later up to a bound.
 */
import { computeBackoffMs } from '../../shared/core/backoff.ts';

/** An object that died gives nothing back. */
const ForgottenAfterMs = 30_000;
const ComeAgain = { baseMs: 20, capMs: 500 };

/** One for all objects of an isolate. */
export class Pace {
  readonly #most: number;
  readonly #since = new Map<symbol, number>();

  constructor(most: number) {
    this.#most = most;
  }

  /** The way to leave again; undefined where there is no room. */
  enter(now: number): (() => void) | undefined {
    for (const [visit, since] of this.#since) if (now - since >= ForgottenAfterMs) this.#since.delete(visit);
    if (this.#since.size >= this.#most) return undefined;
    const visit = Symbol('visit');
    this.#since.set(visit, now);
    return () => void this.#since.delete(visit);
  }
}

/** One of an object that keeps to a pace. */
export class PacedObject {
  readonly #pace: Pace;
  readonly #now: () => number;
  readonly #again: () => void;
  #comesAgain = false;
  #refused = 0;

  /** `again`: there may be room now. */
  constructor(pace: Pace, now: () => number, again: () => void) {
    this.#pace = pace;
    this.#now = now;
    this.#again = again;
  }

  enter(): (() => void) | undefined {
    const leave = this.#pace.enter(this.#now());
    if (leave) this.#refused = 0;
    else if (!this.#comesAgain) {
      this.#comesAgain = true;
      setTimeout(() => this.#comeAgain(), this.#delayMs());
    }
    return leave;
  }

  #comeAgain(): void {
    this.#comesAgain = false;
    this.#again();
  }

  #delayMs(): number {
    return computeBackoffMs(this.#refused++, { ...ComeAgain, random: Math.random });
  }
}
