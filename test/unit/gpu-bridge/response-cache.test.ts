/** Answers that are given again: to whom, for what, for how long, and what their receipts say. */
import { describe, expect, it } from 'vitest';
import { makeCacheKey } from '../../../gpu-bridge/cache-key.ts';
import { ResponseCache } from '../../../gpu-bridge/response-cache.ts';
import {
  CacheHeader,
  NodeHeader,
  operationPaths,
  type JobClaims,
  type JobOperation,
} from '../../../shared/contracts/inference.ts';
import { mintId } from '../../../shared/core/ids.ts';
import { readEvents, startWithFake, type BridgeHarness } from '../../support/bridge-harness.ts';
import type { FakeScript } from '../../support/fake-node.ts';
import { waitUntil } from '../../support/wait-until.ts';

const wanted = { cache: true } as const;
const exact = { temperature: 0 };
/** No canary in between, so that nodes may hang. */
const options = { timings: { canaryEveryMs: 1e9 } };

async function healthOf(harness: BridgeHarness): Promise<{ running: number }> {
  return (await fetch(`${harness.bridge.url}/healthz`)).json() as Promise<{ running: number }>;
}

/** Asks, and leaves when told to. */
async function askAndLeave(harness: BridgeHarness) {
  const leaving = new AbortController();
  const run = mintId('run', Date.now());
  const asked = fetch(harness.bridge.url + operationPaths.chat, {
    method: 'POST',
    headers: { authorization: `Bearer ${await harness.token({ ...wanted, jti: run })}` },
    body: JSON.stringify({ model: 'tiny', messages: [{ role: 'user', content: 'hello there' }], ...exact }),
    signal: leaving.signal,
  }).then(
    () => 'answered',
    () => 'left',
  );
  return { run, asked, leave: () => leaving.abort() };
}

describe('the very same question of one tenant', () => {
  it('is answered again to the byte without a node, and its receipt says that nothing was read or written', async () => {
    const { harness, node } = await startWithFake();
    for (const body of [exact, { ...exact, stream: true, stream_options: { include_usage: true } }]) {
      const asked = node.requests.length;
      const claims = { ...wanted, count_answer: true };
      const first = await harness.chatAndReceipt(body, claims);
      const again = await harness.chatAndReceipt(body, claims);
      expect(first.headers[CacheHeader]).toBe('miss');
      expect(again.headers[CacheHeader]).toBe('hit');
      expect(again.headers[NodeHeader]).toBe('cache');
      expect(again.headers['content-type']).toBe(first.headers['content-type']);
      expect(again.text).toBe(first.text);
      expect(node.requests).toHaveLength(asked + 1);
      expect(first.receipt).toMatchObject({ node: 'fake', input_tokens: 7, output_tokens: 5 });
      expect(again.receipt).toMatchObject({
        outcome: 'completed',
        node: 'cache',
        node_kind: 'cache',
        external: false,
        input_tokens: 0,
        cached_input_tokens: 0,
        output_tokens: 0,
        answer_bytes: Buffer.byteLength(first.text),
      });
    }
  });

  it('is counted as a hit or a miss by its receipt and in the metrics, and as neither by who wants no answer of before', async () => {
    const { harness } = await startWithFake();
    const results: (string | undefined)[] = [];
    for (const claims of [wanted, wanted, wanted, {}]) {
      results.push((await harness.chatAndReceipt(exact, claims)).receipt.cache);
    }
    expect(results).toEqual(['miss', 'hit', 'hit', undefined]);
    const metrics = await (await fetch(`${harness.bridge.url}/metrics`)).text();
    expect(metrics).toContain('freehold_bridge_cache_answers_total{model="tiny",result="hit"} 2');
    expect(metrics).toContain('freehold_bridge_cache_answers_total{model="tiny",result="miss"} 1');
  });

  it('with calls of tools is answered again too', async () => {
    const { harness, node } = await startWithFake({ reply: () => ({ calls: [{ name: 'look', arguments: {} }] }) });
    const body = { ...exact, stream: true };
    const first = await harness.chat(body, wanted);
    expect((await harness.chat(body, wanted)).text).toBe(first.text);
    expect(first.text).toContain('tool_calls');
    expect(node.requests).toHaveLength(1);
  });

  it.each([
    ['embeddings', { input: ['a'] }],
    ['rerank', { query: 'a', documents: ['a', 'b'] }],
    ['completions', { prompt: 'Say', seed: 7 }],
  ] as const)('of %s is answered again', async (operation: JobOperation, body) => {
    const model = { embeddings: 'bge-m3', rerank: 'bge-reranker', completions: 'tiny' }[operation as 'rerank'];
    const { harness, node } = await startWithFake({ models: [model] });
    const claims = { ...wanted, operation, model, max_output_tokens: operation === 'completions' ? 9 : 0 };
    const ask = async () => harness.post(operationPaths[operation], { model, ...body }, await harness.token(claims));
    const first = await ask();
    const again = await ask();
    expect([first.status, again.headers[CacheHeader], again.text]).toEqual([200, 'hit', first.text]);
    expect(node.requests).toHaveLength(1);
  });
});

describe('a node is asked anew', () => {
  const cases: readonly (readonly [string, Record<string, unknown>, Partial<JobClaims>])[] = [
    ['for another tenant', exact, { ...wanted, tenant: 'tnt_other' }],
    ['where nobody asked for the cache', exact, {}],
    ['for a longer answer', exact, { ...wanted, max_output_tokens: 3 }],
    ['for another seed', { ...exact, seed: 1 }, wanted],
    ['for another user of the tenant', { ...exact, user: 'somebody' }, wanted],
    ['for a stream of it', { ...exact, stream: true }, wanted],
  ];
  it.each(cases)('%s', async (_, body, claims) => {
    const { harness, node } = await startWithFake();
    await harness.chat(exact, wanted);
    expect((await harness.chat(body, claims)).headers[CacheHeader]).not.toBe('hit');
    expect(node.requests).toHaveLength(2);
  });

  it.each([{ temperature: 1 }, {}, { temperature: 0.001 }])('where it may answer otherwise: %j', async (body) => {
    const { harness, node } = await startWithFake();
    const answers = [await harness.chat(body, wanted), await harness.chat(body, wanted)];
    expect(answers.map(({ headers }) => headers[CacheHeader])).toEqual([undefined, undefined]);
    expect(node.requests).toHaveLength(2);
  });

  const faults: readonly (readonly [string, FakeScript])[] = [
    ['was cut', { fault: { at: 3, how: 'fin' } }],
    ['was broken off by its node', { fault: { at: 3, how: 'error-event' } }],
    ['was refused', { refuse: { status: 400, body: { error: { message: 'no' } } } }],
  ];
  it.each(faults)('after an answer that %s', async (_, script) => {
    const { harness, node } = await startWithFake(script);
    const body = { ...exact, stream: true };
    await harness.chatAndReceipt(body, wanted);
    node.script = {};
    const again = await harness.chat(body, wanted);
    expect([again.headers[CacheHeader], readEvents(again.text).done]).toEqual(['miss', true]);
  });

  it('after a caller who left before the end', async () => {
    const { harness, node } = await startWithFake({ hang: true }, options);
    const leaver = await askAndLeave(harness);
    await node.waitForRequests(1);
    leaver.leave();
    expect((await harness.platform.waitForReceipt(leaver.run)).outcome).toBe('cancelled');
    node.script = {};
    node.release();
    expect((await harness.chat(exact, wanted)).headers[CacheHeader]).toBe('miss');
  });
});

describe('the very same question at the same time', () => {
  it('is asked of the node once, and everybody has an answer and a receipt of their own', async () => {
    const { harness, node } = await startWithFake({ hang: true }, options);
    const asked = [1, 2, 3].map(() => harness.chatAndReceipt(exact, wanted));
    await waitUntil('all to run', async () => (await healthOf(harness)).running === 3);
    await node.waitForRequests(1);
    node.release();
    const answers = await Promise.all(asked);
    expect(new Set(answers.map(({ text }) => text)).size).toBe(1);
    expect(node.requests).toHaveLength(1);
    expect(answers.map(({ receipt }) => receipt.output_tokens).toSorted()).toEqual([0, 0, 5]);
    expect(answers.map(({ headers }) => headers[CacheHeader]).toSorted()).toEqual(['hit', 'hit', 'miss']);
  });

  it('of another tenant is another job', async () => {
    const { harness, node } = await startWithFake({ hang: true }, options);
    const asked = ['tnt_a', 'tnt_b'].map((tenant) => harness.chatAndReceipt(exact, { ...wanted, tenant }));
    await node.waitForRequests(2);
    node.release();
    expect((await Promise.all(asked)).map(({ receipt }) => receipt.output_tokens)).toEqual([5, 5]);
  });

  it('goes on for the others when the first to ask leaves, and when one who waits does', async () => {
    const { harness, node } = await startWithFake({ hang: true }, options);
    const first = await askAndLeave(harness);
    await node.waitForRequests(1);
    const others = [1, 2].map(() => harness.chatAndReceipt(exact, wanted));
    const waiter = await askAndLeave(harness);
    await waitUntil('all to run', async () => (await healthOf(harness)).running === 4);
    waiter.leave();
    expect((await harness.platform.waitForReceipt(waiter.run)).outcome).toBe('cancelled');
    expect(node.aborted).toBe(0);
    first.leave();
    await node.waitForRequests(2);
    node.script = {};
    node.release();
    const answers = await Promise.all(others);
    expect(answers.map(({ status }) => status)).toEqual([200, 200]);
    expect(answers.map(({ receipt }) => receipt.output_tokens).toSorted()).toEqual([0, 5]);
    expect(node.requests).toHaveLength(2);
    expect(await Promise.all([first.asked, waiter.asked])).toEqual(['left', 'left']);
  });

  it('that the node refuses is asked by each for themselves', async () => {
    const { harness, node } = await startWithFake(
      { hang: true, refuse: { status: 400, body: { error: { message: 'no' } } } },
      options,
    );
    const asked = [1, 2].map(() => harness.chat(exact, wanted));
    await waitUntil('both to run', async () => (await healthOf(harness)).running === 2);
    await node.waitForRequests(1);
    node.script = { refuse: node.script.refuse! };
    node.release();
    expect((await Promise.all(asked)).map(({ status }) => status)).toEqual([400, 400]);
    expect(node.requests).toHaveLength(2);
  });
});

describe('the memory of answers', () => {
  const clock = { time: 0, now: () => clock.time };
  const answer = 'x'.repeat(872);

  it('forgets when its time is over, and use does not prolong it', () => {
    const cache = new ResponseCache({ maxBytes: 1e6, ttlMs: 1000 }, clock);
    clock.time = 0;
    cache.keep('a', answer);
    clock.time = 999;
    expect(cache.find('a')).toBe(answer);
    clock.time = 1000;
    expect(cache.find('a')).toBeUndefined();
    expect(cache.bytes).toBe(0);
  });

  it('never holds more than its bytes, and lets the longest unused go first', () => {
    const cache = new ResponseCache({ maxBytes: 32_000, ttlMs: 1000 }, clock);
    for (let at = 0; at < 16; at++) cache.keep(`${at}`, answer);
    expect(cache.bytes).toBe(32_000);
    cache.find('0');
    cache.keep('16', answer);
    cache.keep('16', answer);
    expect(cache.bytes).toBe(32_000);
    expect(['0', '1', '2', '16'].map((key) => cache.find(key) !== undefined)).toEqual([true, false, true, true]);
  });

  it('keeps no answer that would take it all, and nothing where it has no room', () => {
    const cache = new ResponseCache({ maxBytes: 31_999, ttlMs: 1000 }, clock);
    cache.keep('a', answer);
    expect(cache.find('a')).toBeUndefined();
    const none = new ResponseCache({ maxBytes: 0, ttlMs: 1000 }, clock);
    none.keep('a', '');
    expect(none.find('a')).toBeUndefined();
  });
});

describe('the key of an answer', () => {
  const claims = { cache: true, tenant: 't', operation: 'chat', model: 'm', allow_external: false } as JobClaims;
  const body = { temperature: 0, messages: [], tools: [{ a: 1, b: 2 }] };
  const key = makeCacheKey(claims, body, ['d1']);

  it('is the same for members in another order, but not further inside, where it may matter to a model', () => {
    expect(makeCacheKey(claims, { tools: [{ a: 1, b: 2 }], messages: [], temperature: 0 }, ['d1'])).toBe(key);
    expect(makeCacheKey(claims, { ...body, tools: [{ b: 2, a: 1 }] }, ['d1'])).not.toBe(key);
  });

  it('is another for another model, another file of it, another node, or one that may be outside', () => {
    const others = [
      makeCacheKey({ ...claims, model: 'n' }, body, ['d1']),
      makeCacheKey(claims, body, ['d2']),
      makeCacheKey({ ...claims, node: 'n' }, body, ['d1']),
      makeCacheKey({ ...claims, allow_external: true }, body, ['d1']),
      makeCacheKey({ ...claims, tenant: 'u' }, body, ['d1']),
    ];
    expect(new Set([key, ...others]).size).toBe(6);
  });

  it('is none for what is not the same every time: audio, tokens', () => {
    for (const operation of ['speech', 'transcription', 'tokenize'] as const)
      expect(makeCacheKey({ ...claims, operation }, body, [])).toBeUndefined();
  });
});
