/**
 * Hono's router for a table of many paths: the trie, which is walked once for each path that has no parameters. What is
 * found for such a path never changes, so it is kept; the table bounds how much.
 */
import type { Result, Router } from 'hono/router';
import { TrieRouter } from 'hono/router/trie-router';

const HasParameter = /[:*{?]/;

export class KeptRouter<T> implements Router<T> {
  readonly name = 'KeptRouter';
  readonly #trie = new TrieRouter<T>();
  readonly #literals = new Set<string>();
  readonly #kept = new Map<string, Result<T>>();

  add(method: string, path: string, handler: T): void {
    this.#trie.add(method, path, handler);
    if (!HasParameter.test(path)) this.#literals.add(path);
  }

  match(method: string, path: string): Result<T> {
    const name = `${method} ${path}`;
    const kept = this.#kept.get(name);
    if (kept) return kept;
    const found = this.#trie.match(method, path);
    if (this.#literals.has(path)) this.#kept.set(name, found);
    return found;
  }
}
