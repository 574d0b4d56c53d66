/**
 * The ids of job tokens that were accepted, each kept until its token can no longer be valid. Bounded: when it is full
 * of live tokens it accepts no more, because forgetting one would let it be used twice.
 */
import { MaxClockSkewSeconds } from '../shared/contracts/inference.ts';

const GraceSeconds = MaxClockSkewSeconds + 10;

export class AcceptedTokens {
  readonly #limit: number;
  /** Token id to the time, in ms, after which it may be forgotten. */
  readonly #until = new Map<string, number>();
  #sweepAt: number;

  constructor(limit = 200_000) {
    this.#limit = limit;
    this.#sweepAt = Math.min(1024, limit);
  }

  accept(jti: string, expSeconds: number, now: number): 'accepted' | 'replayed' | 'full' {
    const known = this.#until.get(jti);
    if (known !== undefined && known > now) return 'replayed';
    if (this.#until.size >= this.#sweepAt) this.#sweep(now);
    if (this.#until.size >= this.#limit) return 'full';
    this.remember(jti, expSeconds);
    return 'accepted';
  }

  remember(jti: string, expSeconds: number): void {
    this.#until.set(jti, (expSeconds + GraceSeconds) * 1000);
  }

  #sweep(now: number): void {
    for (const [jti, until] of this.#until) if (until <= now) this.#until.delete(jti);
    this.#sweepAt = Math.min(this.#limit, Math.max(1024, this.#until.size * 2));
  }
}
