/** What is being worked out now, by its key, for those that want the same to wait for. */
export class SingleFlight<T> {
  readonly #flights = new Map<string, Promise<T>>();

  find(key: string): Promise<T> | undefined {
    return this.#flights.get(key);
  }

  /** Others can wait from here on, until the returned function tells them how it ended. */
  begin(key: string): (end: T) => void {
    const { promise, resolve } = Promise.withResolvers<T>();
    this.#flights.set(key, promise);
    return (end) => {
      if (this.#flights.get(key) === promise) this.#flights.delete(key);
      resolve(end);
    };
  }
}
