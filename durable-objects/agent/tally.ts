/** How many there are of each, by name. What is not there is none. Pure. */
export class Tally<K> {
  readonly #counts = new Map<K, number>();

  of(key: K): number {
    return this.#counts.get(key) ?? 0;
  }

  get total(): number {
    let all = 0;
    for (const count of this.#counts.values()) all += count;
    return all;
  }

  add(key: K, change: number): void {
    const count = this.of(key) + change;
    if (count === 0) this.#counts.delete(key);
    else this.#counts.set(key, count);
  }
}
