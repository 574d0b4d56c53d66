/** Models that are to be in memory before anybody asks for them. */
import { describe, expect, it } from 'vitest';
import { startWithFake } from '../../support/bridge-harness.ts';
import { waitUntil } from '../../support/wait-until.ts';

const timings = { canaryEveryMs: 1e9, discoverEveryMs: 20, listTimeoutMs: 5000, warmTimeoutMs: 30_000 };

describe('a node with models to keep warm', () => {
  it('gets no job before each of them has given something, and Ollama is told to keep them', async () => {
    const { harness, node } = await startWithFake(
      { models: ['tiny', 'big', 'nomic-embed-text'], loaded: [], canary: 'empty' },
      { node: { kind: 'ollama', keep_warm: ['big', 'nomic-embed-text', 'unknown'] }, timings },
    );
    await node.waitForCanaries(2);
    expect((await harness.chat()).status).toBe(503);
    node.script.canary = 'answer';
    await waitUntil('an answer', async () => (await harness.chat()).status === 200);
    const asked = node.canaryRequests.slice(0, 6).map(({ path, body }) => [path, body['model'], body['keep_alive']]);
    expect(asked).toContainEqual(['/api/generate', 'big', -1]);
    expect(asked).toContainEqual(['/v1/chat/completions', 'big', undefined]);
    const all = node.canaryRequests.map(({ path, body }) => [path, body['model'], body['keep_alive']]);
    expect(all).toContainEqual(['/api/embed', 'nomic-embed-text', -1]);
    expect(all).toContainEqual(['/v1/embeddings', 'nomic-embed-text', undefined]);
    expect(all.map(([, model]) => model)).not.toContain('tiny');
  });

  it('is asked again when one has left its memory, and goes on serving meanwhile', async () => {
    const { harness, node } = await startWithFake(
      { models: ['tiny', 'big'], loaded: ['tiny', 'big'] },
      { node: { kind: 'ollama', keep_warm: ['big'] }, timings },
    );
    await waitUntil('an answer', async () => (await harness.chat()).status === 200);
    const before = node.canaries;
    for (let round = 0; round < 3; round++) {
      await harness.bridge.refresh();
      expect((await harness.chat()).status).toBe(200);
    }
    expect(node.canaries).toBe(before);
    node.script.canary = 'hang';
    node.script.loaded = ['tiny'];
    await node.waitForCanaries(before + 1);
    expect(node.canaryRequests.at(-1)).toMatchObject({ path: '/api/generate', body: { model: 'big', keep_alive: -1 } });
    expect((await harness.chat()).status).toBe(200);
  });

  it('does not keep the bridge from starting while it loads them', async () => {
    const { harness, node } = await startWithFake(
      { models: ['tiny'], loaded: [], canary: 'hang' },
      { node: { kind: 'ollama', keep_warm: ['tiny'] }, timings },
    );
    await node.waitForCanaries(1);
    const { nodes } = (await (await fetch(`${harness.bridge.url}/healthz`)).json()) as { nodes: { state: string }[] };
    expect(nodes[0]?.state).toBe('starting');
  });
});
