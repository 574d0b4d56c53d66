import { TrieRouter } from 'hono/router/trie-router';
import { describe, expect, it } from 'vitest';
import { KeptRouter } from '../../../workers/http/kept-router.ts';

const table = [
  ['ALL', '/*'],
  ['GET', '/v1/models'],
  ['GET', '/v1/models/:model{.+}'],
  ['POST', '/v1/agents/:agent/memories/batch'],
  ['GET', '/v1/agents/:agent/memories/:memory'],
  ['POST', '/v1/chat/completions'],
  ['ALL', '/v1/chat/completions'],
] as const;

function fill<T extends { add(method: string, path: string, handler: string): void }>(router: T): T {
  for (const [method, path] of table) router.add(method, path, `${method} ${path}`);
  return router;
}

describe('the router', () => {
  it('finds what the trie finds, the first time and every other time', () => {
    const kept = fill(new KeptRouter<string>());
    const trie = fill(new TrieRouter<string>());
    const asked = ['/v1/models', '/v1/models/a/b', '/v1/chat/completions', '/v1/agents/a/memories/m', '/none', '/'];
    for (let time = 0; time < 3; time++) {
      for (const method of ['GET', 'POST', 'DELETE']) {
        for (const path of asked) expect(kept.match(method, path), path).toEqual(trie.match(method, path));
      }
    }
  });
});
