/** How many there are of each, by name. What is not there is none. Pure. */
export class Tally<K> {
  readonly #counts = new Map<K, number>();
  #total = 0;

  of(key: K): number {
    return this.#counts.get(key) ?? 0;
  }

  get total(): number {
    return this.#total;
  }

  add(key: K, change: number): void {
    const count = this.of(key) + change;
    this.#total += change;
    if (count === 0) this.#counts.delete(key);
    else this.#counts.set(key, count);
  }
}
