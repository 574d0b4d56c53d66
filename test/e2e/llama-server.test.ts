/**
 * Inference servers as processes that die and hang in the middle of their work: llama-server where LLAMA_SERVER
 * names one, and always its double. Two of them, one model.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type OpenAI from 'openai';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { LlamaServer, llamaServerMissing, llamaServers } from '../support/llama-server.ts';
import { readLedger, settle } from '../support/platform-with-node.ts';
import { startTestPlatform, type CreatedTenant, type TestPlatform } from '../support/running-platform.ts';
import { waitUntil } from '../support/wait-until.ts';
import { writeTinyGguf } from '../support/write-tiny-gguf.ts';

const Model = 'tiny-random';
/** More than it can have written before it is hit. */
const Endless = 8_000;
const IdleTimeoutMs = 1_000;

let folder: string;
let servers: readonly LlamaServer[];
let platform: TestPlatform;
let tenant: CreatedTenant;
let client: OpenAI;

type Ended = { readonly seen: number; readonly finish: string | undefined; readonly error: unknown };

async function chat(limit: number, onWord: (seen: number) => void = () => {}): Promise<Ended> {
  const messages = [{ role: 'user' as const, content: 'Say something.' }];
  let seen = 0;
  let finish: string | undefined;
  try {
    const asked = { model: Model, messages, max_completion_tokens: limit, stream: true as const };
    for await (const chunk of await client.chat.completions.create(asked)) {
      if (chunk.choices[0]?.delta.content) onWord(++seen);
      finish = chunk.choices[0]?.finish_reason ?? finish;
    }
    return { seen, finish, error: undefined };
  } catch (error) {
    return { seen, finish, error };
  }
}

async function findBusy(): Promise<LlamaServer> {
  for (const server of servers) if (!(await server.isIdle())) return server;
  throw new Error('no server works on anything');
}

type Listed = { readonly kind: string; readonly state: string };

const areReady = (count: number) =>
  waitUntil(`${count} of the servers are ready`, async () => {
    const { data } = await platform.operator.require<{ data: Listed[] }>('GET', '/operator/v1/nodes');
    return data.filter(({ kind, state }) => kind === 'openai-compatible' && state === 'ready').length === count;
  });

describe.each(llamaServers)('$name', (kind) => {
  // What a test has killed is ejected for longer than the next one waits: each has a world of its own.
  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'freehold-llama-'));
    const modelPath = join(folder, `${Model}.gguf`);
    writeTinyGguf(modelPath, { endBias: -20 });
    servers = await Promise.all([1, 2].map(() => LlamaServer.start(kind, modelPath, Model)));
    platform = await startTestPlatform({
      bridge: { nodes: servers.map((server, at) => server.node(`llama-${at}`)) },
      bridgeDeps: { timings: { idleTimeoutMs: IdleTimeoutMs, discoverEveryMs: 200, listTimeoutMs: 3_000 } },
    });
    tenant = await platform.createTenant('acme');
    client = platform.openai(tenant);
    await areReady(2);
  });
  afterEach(async () => {
    await platform.stop();
    await Promise.all(servers.map((server) => server.kill()));
    rmSync(folder, { recursive: true, force: true });
  });

  it.each([
    ['SIGKILL', 1],
    ['SIGKILL', 40],
    ['SIGSTOP', 10],
  ] as const)(
    'that gets %s after word %i is an error to its reader, costs what was written, and the other one serves on',
    async (signal, at) => {
      let hit: Promise<void> | undefined;
      const cut = await chat(Endless, (seen) => {
        if (seen === at) hit = findBusy().then((server) => server.kill(signal));
      });
      await hit;
      expect(cut.error).toBeDefined();
      expect(cut.finish).toBeUndefined();
      await settle(platform);
      const billed = await readLedger(platform, tenant);
      expect(billed.requests).toBe(1);
      expect(billed.outputTokens).toBeGreaterThanOrEqual(cut.seen);
      expect(billed.outputTokens).toBeLessThan(Endless);
      // One that hangs is out as soon as it does not say what it serves; one that is gone, when it is asked.
      if (signal === 'SIGSTOP') await areReady(1);
      const next = await Promise.all([1, 2, 3].map(() => chat(5)));
      expect(next.map(({ error, finish }) => [error, finish])).toEqual(next.map(() => [undefined, 'length']));
    },
  );

  it('that is killed under load fails those that it had begun to answer, and nobody else', async () => {
    const victim = servers[0]!;
    let words = 0;
    let killed: Promise<void> | undefined;
    const all = await Promise.all(
      Array.from({ length: 12 }, () =>
        chat(100, () => {
          if (++words === 150) killed = victim.kill();
        }),
      ),
    );
    await killed;
    const failed = all.filter(({ error }) => error !== undefined);
    expect(failed.length).toBeLessThanOrEqual(1);
    for (const { seen, finish } of failed) expect([seen > 0, finish]).toEqual([true, undefined]);
    for (const { error, finish } of all) if (error === undefined) expect(finish).toBe('length');
  });
});

if (llamaServerMissing) it.skip(llamaServerMissing, () => {});
