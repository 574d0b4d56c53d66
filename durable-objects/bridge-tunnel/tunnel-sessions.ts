/**
 * The open sessions of one bridge: new calls take the newest; an older one lives until its calls are over, so that a
 * bridge can change over without losing any; one that has been silent too long is dead. Pure.
 */
import { DeadAfterMs } from '../../shared/contracts/tunnel.ts';

/** A session as far as the choice goes. */
export type SessionState = { heardAt: number; running: number };

export class TunnelSessions<S extends SessionState> {
  #sessions: S[] = [];

  get newest(): S | undefined {
    return this.#sessions.at(-1);
  }

  get all(): readonly S[] {
    return this.#sessions;
  }

  add(session: S): void {
    this.#sessions.push(session);
  }

  /** True where it was still there. */
  remove(session: S): boolean {
    const before = this.#sessions.length;
    this.#sessions = this.#sessions.filter((each) => each !== session);
    return this.#sessions.length < before;
  }

  /** Those that a newer one has replaced and that nobody waits for. */
  idleOld(): readonly S[] {
    return this.#sessions.slice(0, -1).filter(({ running }) => running === 0);
  }

  silent(now: number): readonly S[] {
    return this.#sessions.filter(({ heardAt }) => now - heardAt >= DeadAfterMs);
  }
}
