/** What the browser remembers for one host and visitor. Where it may not, the page remembers for itself. */
export class BrowserMemory {
  readonly #own = new Map<string, string>();
  readonly #scope: string;

  constructor(scope: string) {
    this.#scope = scope;
  }

  /** As it was set; null where nothing was, or where it is no longer readable. */
  get<T>(name: string): T | null {
    try {
      return JSON.parse(localStorage.getItem(this.#key(name)) ?? this.#own.get(name) ?? 'null') as T | null;
    } catch {
      return JSON.parse(this.#own.get(name) ?? 'null') as T | null;
    }
  }

  /** `null` forgets. */
  set(name: string, value: unknown): void {
    const text = JSON.stringify(value);
    this.#own.set(name, text);
    try {
      if (value === null) localStorage.removeItem(this.#key(name));
      else localStorage.setItem(this.#key(name), text);
    } catch {
      // Full or forbidden: what matters is in #own.
    }
  }

  #key(name: string): string {
    return `freehold.${this.#scope}${name}`;
  }
}
