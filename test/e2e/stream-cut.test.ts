/**
 * An answer that was cut off never looks whole: whatever the node or the bridge does in the middle of a stream, the
 * official SDK raises or reads `response.failed`, and the ledger holds what the node produced.
 */
import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import OpenAI from 'openai';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import type { ReadyBridge } from '../../scripts/bridge-process.ts';
import { repositoryRoot } from '../../scripts/platform.ts';
import { awaitBridge, createEnrolment } from '../../scripts/provision.ts';
import { FakeNode, type FakeScript } from '../support/fake-node.ts';
import {
  AgentModel,
  AgentSlug,
  EmbeddingModel,
  PlainModel,
  readLedger,
  startPlatformWithNode,
  transports,
  type PlatformWithNode,
} from '../support/platform-with-node.ts';
import { startTestPlatform } from '../support/running-platform.ts';
import { waitUntil } from '../support/wait-until.ts';

type Fault = NonNullable<FakeScript['fault']>['how'];

const faults: readonly Fault[] = ['fin', 'rst', 'garbage', 'stall', 'error-event'];
const words = ['one', 'two', 'three', 'four', 'five'];
/** Before each word, and after the last one, where only the finish reason is missing. */
const positions = words.map((_, at) => at).concat(words.length);
/** What the node had written is all counted, because it could all be read before the end. */
const countedExactly: readonly Fault[] = ['fin', 'stall', 'error-event'];

type Outcome = { readonly text: string; readonly finish: string | undefined; readonly error: unknown };

const surfaces = {
  'a plain chat stream': (client: OpenAI) => readChat(client, PlainModel),
  "an agent's chat stream": (client: OpenAI) => readChat(client, AgentModel),
  'a Responses stream': (client: OpenAI) => readResponse(client),
} as const;

/** What a program that uses the SDK gets to know. */
async function readChat(client: OpenAI, model: string): Promise<Outcome> {
  let text = '';
  let finish: string | undefined;
  try {
    const messages = [{ role: 'user' as const, content: 'Count.' }];
    for await (const chunk of await client.chat.completions.create({ model, messages, stream: true })) {
      text += chunk.choices[0]?.delta.content ?? '';
      finish = chunk.choices[0]?.finish_reason ?? finish;
    }
    return { text, finish, error: undefined };
  } catch (error) {
    return { text, finish, error };
  }
}

async function readResponse(client: OpenAI): Promise<Outcome> {
  let text = '';
  let finish: string | undefined;
  let error: unknown;
  for await (const event of await client.responses.create({ model: AgentModel, input: 'Count.', stream: true })) {
    if (event.type === 'response.output_text.delta') text += event.delta;
    if (event.type === 'response.completed' || event.type === 'response.incomplete') finish = event.type;
    if (event.type === 'response.failed') error = event.response.error ?? 'no reason';
  }
  return { text, finish, error };
}

function countWords(text: string): number {
  return text.split(/\s+/).filter(Boolean).length;
}

describe.each(transports)('over %s, a node that breaks off', (transport) => {
  let home: PlatformWithNode;
  let client: OpenAI;

  beforeAll(async () => {
    home = await startPlatformWithNode({ transport, timings: { idleTimeoutMs: 150, firstChunkTimeoutMs: 150 } });
    client = home.platform.openai(home.tenant);
  });
  afterAll(() => home.stop());

  function script(fault: FakeScript['fault']): void {
    home.node.script = { models: [PlainModel, EmbeddingModel], words, ...(fault ? { fault } : {}) };
  }

  /** A whole answer in between keeps the node's circuit closed, and shows that nothing of the cut one is left. */
  async function readWhole(read: (client: OpenAI) => Promise<Outcome>): Promise<void> {
    script(undefined);
    const whole = await read(client);
    expect(whole).toMatchObject({ text: words.join(' '), error: undefined });
    expect(whole.finish).toBeDefined();
  }

  describe.each(Object.entries(surfaces))('in %s', (_, read) => {
    it.each(faults)('by %s at any chunk is an error to the client, and costs what the node produced', async (how) => {
      for (const at of positions) {
        await readWhole(read);
        await home.settle();
        const before = { produced: home.node.produced, ...(await home.ledger()) };
        script({ at, how });
        const cut = await read(client);
        expect(cut.error, `${how} at ${at}`).toBeDefined();
        expect(cut.finish, `${how} at ${at}`).toBeUndefined();
        expect(words.join(' ').startsWith(cut.text)).toBe(true);
        await home.settle();
        const after = await home.ledger();
        const produced = home.node.produced - before.produced;
        const billed = after.outputTokens - before.outputTokens;
        expect(after.requests - before.requests).toBe(1);
        if (countedExactly.includes(how)) expect(billed, `${how} at ${at}`).toBe(produced);
        expect(billed, `${how} at ${at}`).toBeLessThanOrEqual(produced);
        expect(billed, `${how} at ${at}`).toBeGreaterThanOrEqual(countWords(cut.text));
      }
    });
  });

  it.each(faults)('by %s never leaves a [DONE] on the wire, but an error object', async (how) => {
    for (const model of [PlainModel, AgentModel]) {
      for (const at of [0, 3, words.length]) {
        script(undefined);
        await readChat(client, PlainModel);
        script({ at, how });
        const answer = await home.platform.call('POST', `${home.tenant.slug}.localhost`, '/v1/chat/completions', {
          token: home.tenant.key,
          body: { model, stream: true, messages: [{ role: 'user', content: 'Count.' }] },
        });
        expect(answer.text).not.toContain('[DONE]');
        const last = answer.text.trim().split('\n\n').at(-1)!;
        expect(JSON.parse(last.replace(/^data: /, ''))).toMatchObject({
          error: {
            message: expect.any(String) as string,
            type: 'server_error',
            param: null,
            code: expect.stringMatching(/^upstream_/) as string,
          },
        });
      }
    }
  });

  it.each(faults)('by %s is a 502 to a client that asked for a body', async (how) => {
    for (const at of [0, 3]) {
      script(undefined);
      await readChat(client, PlainModel);
      script({ at, how });
      const work = client.chat.completions.create({
        model: AgentModel,
        messages: [{ role: 'user', content: 'Count.' }],
      });
      await expect(work).rejects.toMatchObject({ status: 502 });
    }
  });
});

describe('a bridge that is killed', () => {
  async function startWithBridgeProcess() {
    const node = await FakeNode.start({ models: [PlainModel], words, pauseAt: 3 });
    const platform = await startTestPlatform();
    const dataDir = mkdtempSync(join(tmpdir(), 'freehold-killed-'));
    const { d: _, ...publicKey } = platform.secrets.platform_key;
    const startBridge = async (): Promise<{ child: ChildProcess; ready: ReadyBridge }> => {
      const child = fork(join(repositoryRoot, 'gpu-bridge/main.ts'), [], {
        env: {
          ...process.env,
          FREEHOLD_BRIDGE_PORT: '0',
          FREEHOLD_BRIDGE_DATA: dataDir,
          FREEHOLD_PLATFORM_URL: `http://localhost:${platform.port}`,
          FREEHOLD_BRIDGE_ENROLMENT: await createEnrolment(platform.operator, dataDir),
          FREEHOLD_PLATFORM_KEYS: JSON.stringify({ keys: [publicKey] }),
          FREEHOLD_NODES: JSON.stringify([{ kind: 'openai-compatible', name: 'fake', url: node.url }]),
        },
        stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
      });
      const [ready] = (await once(child, 'message')) as [ReadyBridge];
      await awaitBridge(platform.operator, ready);
      return { child, ready };
    };
    const first = await startBridge();
    const tenant = await platform.createTenant('acme');
    await platform
      .client(tenant)
      .require('POST', '/v1/agents', { slug: AgentSlug, name: 'Helper', definition: { model: PlainModel } });
    const client = platform.openai(tenant);
    await waitUntil('the model of the bridge is offered', async () => {
      for await (const model of client.models.list()) if (model.id === PlainModel) return true;
      return false;
    });
    onTestFinished(async () => {
      first.child.kill('SIGKILL');
      await node.close();
      await platform.stop();
      rmSync(dataDir, { recursive: true, force: true });
    });
    return { node, platform, tenant, client, child: first.child, startBridge };
  }

  it.each(Object.keys(surfaces) as (keyof typeof surfaces)[])(
    'in the middle of %s is an error to the client, and settles the run once when it is back',
    async (surface) => {
      const { node, platform, tenant, client, child, startBridge } = await startWithBridgeProcess();
      const outcome = surfaces[surface](client);
      await waitUntil('the node has produced the half of its answer', () => node.produced === 3);
      child.kill('SIGKILL');
      const { error, finish, text } = await outcome;
      expect(error).toBeDefined();
      expect(finish).toBeUndefined();
      expect(words.join(' ').startsWith(text)).toBe(true);
      node.script = { models: [PlainModel], words };
      const again = await startBridge();
      onTestFinished(() => void again.child.kill('SIGKILL'));
      const ledger = await waitUntil('the interrupted run is settled', async () => {
        const now = await readLedger(platform, tenant);
        return now.requests > 0 ? now : undefined;
      });
      expect(ledger.requests).toBe(1);
      expect(ledger.outputTokens).toBeLessThanOrEqual(3);
      await waitUntil('the platform knows where the bridge is now', async () => {
        const whole = await surfaces[surface](client);
        return whole.error === undefined && whole.text === words.join(' ');
      });
    },
  );

  it.each(["an agent's chat stream", 'a Responses stream'] as const)(
    'and comes back within seconds delays %s that begins meanwhile, and does not fail it',
    async (surface) => {
      const { node, client, child, startBridge } = await startWithBridgeProcess();
      node.script = { models: [PlainModel], words };
      const ended = once(child, 'exit');
      child.kill('SIGKILL');
      await ended;
      const outcome = surfaces[surface](client);
      const again = await startBridge();
      onTestFinished(() => void again.child.kill('SIGKILL'));
      expect(await outcome).toMatchObject({ text: words.join(' '), error: undefined });
    },
  );
});

describe('a node that is gone', () => {
  it.each([PlainModel, AgentModel])('is a 503 to who asks for %s, also once the platform knows', async (model) => {
    const home = await startPlatformWithNode();
    onTestFinished(() => home.platform.stop());
    const client = home.platform.openai(home.tenant);
    const ask = () =>
      client.chat.completions.create({ model, messages: [{ role: 'user', content: 'Hi' }] }).then(
        () => undefined,
        (thrown: unknown) => thrown,
      );
    await home.node.close();
    const first = await ask();
    await home.platform.bridge.refresh();
    await waitUntil('the model is no longer offered', async () => {
      for await (const { id } of client.models.list()) if (id === PlainModel) return false;
      return true;
    });
    for (const error of [first, await ask()]) {
      expect(error).toBeInstanceOf(OpenAI.InternalServerError);
      expect(error).toMatchObject({ status: 503, code: 'node_unavailable' });
    }
  });
});
