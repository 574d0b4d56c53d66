/**
 * A node's busy time, divided evenly among the jobs that it has at each moment: what its jobs are given adds up to the
 * time in which it had any. Costs the same however many there are.
 */
export class BusyTime {
  #jobs = 0;
  #at = 0;
  /** What a job that has been here from the beginning would have had, in milliseconds. */
  #shareMs = 0;

  /** The answer tells the job's share so far; `leave` ends it. */
  enter(now: number): { readonly shareMs: (now: number) => number; readonly leave: (now: number) => void } {
    this.#advance(now);
    this.#jobs++;
    const since = this.#shareMs;
    let ended: number | undefined;
    const shareMs = (at: number): number => {
      if (ended !== undefined) return ended;
      this.#advance(at);
      return this.#shareMs - since;
    };
    return {
      shareMs,
      leave: (at) => {
        if (ended !== undefined) return;
        ended = shareMs(at);
        this.#jobs--;
      },
    };
  }

  /** A clock that jumps back gives nobody anything. */
  #advance(now: number): void {
    if (this.#jobs > 0 && now > this.#at) this.#shareMs += (now - this.#at) / this.#jobs;
    this.#at = now;
  }
}
