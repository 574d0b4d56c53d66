/** A bell for those who wait until something has changed: rung once, it wakes all of them. */
export class Wake {
  #ring: () => void = () => {};
  #rung: Promise<void>;

  constructor() {
    this.#rung = this.#next();
  }

  /** To be taken before looking at what may have changed, so that no change falls between. */
  get rung(): Promise<void> {
    return this.#rung;
  }

  ring(): void {
    const ring = this.#ring;
    this.#rung = this.#next();
    ring();
  }

  #next(): Promise<void> {
    return new Promise((resolve) => {
      this.#ring = resolve;
    });
  }
}

/** Whether a promise resolved within the time. */
export async function resolvesWithin(promise: Promise<unknown>, ms: number): Promise<boolean> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<false>((resolve) => {
    timer = setTimeout(() => resolve(false), ms);
  });
  try {
    return await Promise.race([promise.then(() => true), late]);
  } finally {
    clearTimeout(timer);
  }
}
