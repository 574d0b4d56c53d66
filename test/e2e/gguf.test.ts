/**
 * The whole path on real engines: the official SDK, the edge, the bridge, and a model of random weights in a GGUF file,
 * run by the bridge itself, and by llama-server where LLAMA_SERVER names one.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import OpenAI from 'openai';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { NodeConfig } from '../../gpu-bridge/config.ts';
import type { CreatedTenant, TestPlatform } from '../support/running-platform.ts';
import { startTestPlatform } from '../support/running-platform.ts';
import { LlamaServer, llamaServerMissing, llamaServers } from '../support/llama-server.ts';
import { readLedger, settle } from '../support/platform-with-node.ts';
import { waitUntil } from '../support/wait-until.ts';
import { writeTinyGguf } from '../support/write-tiny-gguf.ts';

const Model = 'tiny-random';
const Agent = 'agent/dreamer';
const messages = [{ role: 'user' as const, content: 'Say something.' }];

/** Longer than any engine takes until its reader has left. */
const Endless = 8_000;
const IdleMs = 250;

type Engine = {
  readonly node: NodeConfig;
  /** Whether it works on nothing now; undefined where it does not tell. */
  readonly isIdle?: () => Promise<boolean>;
  stop(): Promise<void>;
};

async function startBuiltIn(modelPath: string): Promise<Engine> {
  const limits = { external: false, limit_field: 'max_tokens', always_stream: false, threads: 1 } as const;
  const node = { kind: 'gguf', name: 'engine', model_path: modelPath, ...limits, max_context: 8192 } as const;
  return { node, stop: async () => {} };
}

const engines: Readonly<Record<string, (modelPath: string) => Promise<Engine>>> = {
  'the built-in engine': startBuiltIn,
  ...Object.fromEntries(
    llamaServers.map((kind) => [
      kind.name,
      async (modelPath: string): Promise<Engine> => {
        const server = await LlamaServer.start(kind, modelPath, Model);
        return { node: server.node('engine'), isIdle: () => server.isIdle(), stop: () => server.kill() };
      },
    ]),
  ),
};

let engine: Engine;
let platform: TestPlatform;
let tenant: CreatedTenant;
let client: OpenAI;

function startWith(start: (modelPath: string) => Promise<Engine>): void {
  let folder: string;

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'freehold-gguf-'));
    const modelPath = join(folder, `${Model}.gguf`);
    // Answers run to their limit, so that their length is known.
    writeTinyGguf(modelPath, { endBias: -20 });
    engine = await start(modelPath);
    platform = await startTestPlatform({ bridge: { nodes: [engine.node] } });
    tenant = await platform.createTenant('acme');
    await platform.client(tenant).require('POST', '/v1/agents', {
      slug: 'dreamer',
      name: 'Dreamer',
      definition: { model: Model, instructions: 'Dream.' },
    });
    client = platform.openai(tenant);
    await waitUntil('the engine has loaded its model and is offered', async () => {
      for await (const { id } of client.models.list()) if (id === Model) return true;
      return false;
    });
  });

  afterAll(async () => {
    await platform.stop();
    await engine.stop();
    rmSync(folder, { recursive: true, force: true });
  });
}

/** What the ledger gained by a piece of work. */
async function bill<T>(
  work: () => Promise<T>,
): Promise<{ result: T; requests: number; input: number; output: number }> {
  await settle(platform);
  const before = await readLedger(platform, tenant);
  const result = await work();
  await settle(platform);
  const after = await readLedger(platform, tenant);
  return {
    result,
    requests: after.requests - before.requests,
    input: after.inputTokens - before.inputTokens,
    output: after.outputTokens - before.outputTokens,
  };
}

describe.each(Object.entries(engines))('by %s', (_, start) => {
  startWith(start);

  describe.each([Model, Agent])('%s', (model) => {
    it('answers with as many tokens as it was allowed, and the ledger has the same counts', async () => {
      const { result, ...billed } = await bill(() =>
        client.chat.completions.create({ model, messages, max_completion_tokens: 12 }),
      );
      expect(result.choices[0]).toMatchObject({ finish_reason: 'length' });
      expect(result.choices[0]!.message.content!.length).toBeGreaterThan(0);
      expect(result.usage!.completion_tokens).toBe(12);
      expect(billed).toEqual({ requests: 1, input: result.usage!.prompt_tokens, output: 12 });
    });

    it('streams token by token, and the usage chunk, the ledger and the engine agree', async () => {
      const { result, ...billed } = await bill(async () => {
        const stream = await client.chat.completions.create({
          model,
          messages,
          max_completion_tokens: 20,
          stream: true,
          stream_options: { include_usage: true },
        });
        const chunks: OpenAI.ChatCompletionChunk[] = [];
        for await (const chunk of stream) chunks.push(chunk);
        return chunks;
      });
      const pieces = result.filter((chunk) => chunk.choices[0]?.delta.content);
      expect(pieces.length).toBeGreaterThan(5);
      expect(pieces.length).toBeLessThanOrEqual(20);
      const usage = result.at(-1)!.usage!;
      expect(usage.completion_tokens).toBe(20);
      expect(billed).toEqual({ requests: 1, input: usage.prompt_tokens, output: usage.completion_tokens });
    });

    it('answers on the Responses API, incomplete at its limit', async () => {
      const { result, ...billed } = await bill(() =>
        client.responses.create({ model, input: 'Say something.', max_output_tokens: 9 }),
      );
      expect(result).toMatchObject({ status: 'incomplete', incomplete_details: { reason: 'max_output_tokens' } });
      expect(result.usage!.output_tokens).toBe(9);
      expect(billed).toEqual({ requests: 1, input: result.usage!.input_tokens, output: 9 });
    });

    it('stops when its reader leaves, and bills what it had produced', async () => {
      const { result: read, ...billed } = await bill(async () => {
        const stream = await client.chat.completions.create({
          model,
          messages,
          max_completion_tokens: Endless,
          stream: true,
        });
        let seen = 0;
        for await (const chunk of stream) if (chunk.choices[0]?.delta.content && ++seen === 5) break;
        const { isIdle } = engine;
        if (isIdle) await waitUntil('the engine is idle', isIdle, { withinMs: IdleMs });
        return seen;
      });
      expect(billed.requests).toBe(1);
      expect(billed.output).toBeGreaterThanOrEqual(read);
      expect(billed.output).toBeLessThan(Endless);
    });

    it('refuses an input that does not fit, and bills nothing for it', async () => {
      const long = [{ role: 'user' as const, content: 'word '.repeat(9000) }];
      const { result, output } = await bill(() =>
        client.chat.completions.create({ model, messages: long }).then(
          () => undefined,
          (error: unknown) => error,
        ),
      );
      expect(result).toBeInstanceOf(OpenAI.BadRequestError);
      expect(result).toMatchObject({ code: 'context_length_exceeded' });
      expect(output).toBe(0);
    });
  });
});

describe('the built-in engine alone', () => {
  startWith(startBuiltIn);

  it.each([Model, Agent])('%s gives the same text for the same seed, streamed or not', async (model) => {
    const body = { model, messages, max_completion_tokens: 16, temperature: 1, seed: 7 };
    const whole = await client.chat.completions.create(body);
    let streamed = '';
    for await (const chunk of await client.chat.completions.create({ ...body, stream: true })) {
      streamed += chunk.choices[0]?.delta.content ?? '';
    }
    expect(streamed).toBe(whole.choices[0]!.message.content);
  });

  it('is what the alias `default` names, before the engine without a model', async () => {
    const completion = await client.chat.completions.create({ model: 'default', messages, max_completion_tokens: 2 });
    expect(completion.model).toBe(Model);
  });

  it('refuses what the built-in engine cannot do, by the name of the parameter', async () => {
    const tools = [{ type: 'function' as const, function: { name: 'f', parameters: { type: 'object' } } }];
    await expect(client.chat.completions.create({ model: Model, messages, tools })).rejects.toMatchObject({
      status: 400,
      code: 'unsupported_parameter',
      param: 'tools',
    });
  });
});

if (llamaServerMissing) it.skip(llamaServerMissing, () => {});
