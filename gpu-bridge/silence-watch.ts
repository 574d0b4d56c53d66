/** Tells when a node is silent for too long: before its first chunk, or between two. */
export class SilenceWatch {
  readonly #idleTimeoutMs: number;
  readonly #isHeld: () => boolean;
  readonly #onSilence: (reason: string) => void;
  #timer: NodeJS.Timeout;
  #heard = false;

  constructor(
    limits: { readonly firstChunkTimeoutMs: number; readonly idleTimeoutMs: number },
    isHeld: () => boolean,
    onSilence: (reason: string) => void,
  ) {
    this.#idleTimeoutMs = limits.idleTimeoutMs;
    this.#isHeld = isHeld;
    this.#onSilence = onSilence;
    this.#timer = this.#arm(limits.firstChunkTimeoutMs);
  }

  #arm(timeoutMs: number): NodeJS.Timeout {
    return setTimeout(() => {
      if (this.#isHeld()) this.#timer.refresh();
      else this.#onSilence(`silent for ${timeoutMs} ms`);
    }, timeoutMs);
  }

  heard(): void {
    if (this.#heard) {
      this.#timer.refresh();
      return;
    }
    this.#heard = true;
    clearTimeout(this.#timer);
    this.#timer = this.#arm(this.#idleTimeoutMs);
  }

  end(): void {
    clearTimeout(this.#timer);
  }
}
