/**
 * Text on its way out, held back just as long as it could be the beginning of a stop sequence. What follows a stop
 * sequence, and the sequence itself, never comes out.
 */
export class TextTail {
  readonly #stops: readonly string[];
  #held = '';
  #stopped = false;

  constructor(stops: readonly string[]) {
    this.#stops = stops;
  }

  get isStopped(): boolean {
    return this.#stopped;
  }

  push(text: string): string {
    if (this.#stopped) return '';
    this.#held += text;
    const ends = this.#stops.map((stop) => this.#held.indexOf(stop)).filter((at) => at >= 0);
    if (ends.length > 0) {
      this.#stopped = true;
      const out = this.#held.slice(0, Math.min(...ends));
      this.#held = '';
      return out;
    }
    const out = this.#held.slice(0, this.#held.length - this.#overlap());
    this.#held = this.#held.slice(out.length);
    return out;
  }

  /** What was held back for a stop sequence that never came. */
  end(): string {
    const out = this.#held;
    this.#held = '';
    return out;
  }

  #overlap(): number {
    let longest = 0;
    for (const stop of this.#stops) {
      for (let length = Math.min(stop.length - 1, this.#held.length); length > longest; length--) {
        if (this.#held.endsWith(stop.slice(0, length))) longest = length;
      }
    }
    return longest;
  }
}
