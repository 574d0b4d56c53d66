import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { GgufNode } from '../../../gpu-bridge/nodes/gguf.ts';
import { TextTail } from '../../../gpu-bridge/nodes/text-tail.ts';
import { Turnstile } from '../../../gpu-bridge/nodes/turnstile.ts';
import type { NodeCall } from '../../../gpu-bridge/nodes/node.ts';
import { joinText, readEvents, startHarness } from '../../support/bridge-harness.ts';
import { writeTinyGguf } from '../../support/write-tiny-gguf.ts';

const dir = mkdtempSync(join(tmpdir(), 'freehold-gguf-'));
const modelPath = join(dir, 'tiny.gguf');
let node: GgufNode;
beforeAll(() => {
  writeTinyGguf(modelPath, { endBias: -8 });
  node = new GgufNode({ name: 'builtin', modelPath, threads: 1, maxContext: 2048 });
});
afterAll(async () => {
  await node.close();
  rmSync(dir, { recursive: true });
});

const call = (signal = new AbortController().signal): NodeCall => ({ signal, run: 'run_1', created: 1 });
const messages = [
  { role: 'system', content: 'You are kind.' },
  { role: 'user', content: 'Tell me about the water' },
];

async function generate(body: Record<string, unknown>): Promise<{ text: string; usage: unknown; finish: unknown }> {
  const answer = await node.chat({ messages, max_tokens: 12, temperature: 0.8, seed: 7, ...body }, call());
  if (answer.kind !== 'stream') throw new Error('not a stream');
  const all: string[] = [];
  for await (const batch of answer.batches) all.push(...batch);
  const { chunks } = readEvents(all.map((data) => `data: ${data}\n\n`).join(''));
  const choices = chunks.flatMap((chunk) => chunk['choices'] as { finish_reason: string | null }[]);
  return { text: joinText(chunks), usage: chunks.at(-1)!['usage'], finish: choices.at(-1)?.finish_reason };
}

describe('the built-in engine with a real model file', () => {
  it('generates: as many tokens as it was allowed, counted exactly, the same for the same seed', async () => {
    const first = await generate({});
    expect(first).toMatchObject({ finish: 'length', usage: { completion_tokens: 12 } });
    expect(first.text.length).toBeGreaterThan(12);
    expect(await generate({})).toEqual(first);
    expect((await generate({ seed: 8 })).text).not.toBe(first.text);
    expect(await generate({ temperature: 0 })).toEqual(await generate({ temperature: 0, seed: 99 }));
  });

  it('ends before a stop sequence and never shows a part of it', async () => {
    const { text } = await generate({ max_tokens: 20 });
    const stop = text.slice(text.length >> 1, (text.length >> 1) + 3);
    const stopped = await generate({ max_tokens: 20, stop });
    expect(stopped).toMatchObject({ finish: 'stop', text: text.slice(0, text.indexOf(stop)) });
  });

  it('serves jobs one after the other, and through the bridge with exact receipts', async () => {
    const harness = await startHarness({ deps: { nodes: [node] }, timings: { listTimeoutMs: 15_000 } });
    const body = { model: 'tiny', messages, seed: 7, temperature: 0.8 };
    const [one, two] = await Promise.all([
      harness.chatAndReceipt({ ...body, stream: true }, { max_output_tokens: 9 }),
      harness.chatAndReceipt(body, { max_output_tokens: 9 }),
    ]);
    expect(one.receipt).toMatchObject({
      node_kind: 'gguf',
      output_tokens: 9,
      counted_by: 'node',
      outcome: 'completed',
    });
    expect(JSON.parse(two.text)).toMatchObject({
      choices: [{ message: { content: joinText(readEvents(one.text).chunks) }, finish_reason: 'length' }],
      usage: { completion_tokens: 9, prompt_tokens: one.receipt.input_tokens },
    });
    const refused = await harness.chat({ ...body, messages: [{ role: 'user', content: 'water '.repeat(3000) }] });
    expect([refused.status, JSON.parse(refused.text).error.code]).toEqual([400, 'context_length_exceeded']);
  });

  it('stops within a token when its caller leaves, and serves the next one', async () => {
    const gone = new AbortController();
    const answer = await node.chat({ messages, max_tokens: 1500, temperature: 0 }, call(gone.signal));
    if (answer.kind !== 'stream') throw new Error('not a stream');
    let batches = 0;
    for await (const batch of answer.batches) {
      batches += batch.length > 0 ? 1 : 0;
      if (batches === 5) gone.abort();
    }
    expect(batches).toBe(5);
    expect((await generate({ max_tokens: 3 })).usage).toMatchObject({ completion_tokens: 3 });
  });

  it('refuses what it cannot honour', () => {
    const tools = [{ type: 'function', function: { name: 'x' } }];
    const find = (body: Record<string, unknown>) => node.findUnsupported('chat', body)?.param;
    expect(find({ tools })).toBe('tools');
    expect(find({ tools, tool_choice: 'none' })).toBeUndefined();
    expect(find({ response_format: { type: 'json_object' } })).toBe('response_format');
    expect(find({ logprobs: true })).toBe('logprobs');
  });

  it('says which file it could not load', async () => {
    const missing = new GgufNode({ name: 'x', modelPath: join(dir, 'none.gguf'), threads: 1, maxContext: 512 });
    await expect(missing.listModels()).rejects.toThrow(/none\.gguf/);
  });
});

describe('the turnstile', () => {
  it('lets one through at a time, in order, and forgets who gave up', async () => {
    const turnstile = new Turnstile();
    const order: string[] = [];
    const signal = new AbortController().signal;
    const leave = await turnstile.enter(signal);
    const gone = new AbortController();
    const impatient = turnstile.enter(gone.signal);
    const second = turnstile.enter(signal).then((out) => {
      order.push('second');
      out();
    });
    const third = turnstile.enter(signal).then(() => order.push('third'));
    gone.abort();
    await expect(impatient).rejects.toThrow();
    expect(order).toEqual([]);
    leave();
    await Promise.all([second, third]);
    expect(order).toEqual(['second', 'third']);
  });
});

describe('text on its way out', () => {
  it('is held back only while it could begin a stop sequence', () => {
    const tail = new TextTail(['</end>', 'STOP']);
    expect([tail.push('a <'), tail.push('/e'), tail.push('xit '), tail.push('S'), tail.push('TOP it')]).toEqual([
      'a ',
      '',
      '</exit ',
      '',
      '',
    ]);
    expect(tail.isStopped).toBe(true);
    expect(new TextTail([]).push('all')).toBe('all');
  });
});
