import { describe, expect, it } from 'vitest';
import { EmbedBatcher, shareTokens } from '../../../gpu-bridge/embed-batcher.ts';
import type { JsonObject } from '../../../gpu-bridge/json-object.ts';
import { NodeError, type NodeCall } from '../../../gpu-bridge/nodes/node.ts';
import { fail } from '../../../shared/core/failure.ts';
import { startWithFake } from '../../support/bridge-harness.ts';

type Call = { readonly texts: readonly string[]; readonly call: NodeCall; readonly finish: (answer?: unknown) => void };

/** A node whose calls are answered by hand; a vector says which text it is of. */
function openNode() {
  const calls: Call[] = [];
  const embedAll = (texts: readonly string[]) => ({
    data: texts.map((text, index) => ({ index, embedding: [text.length] })),
    usage: { prompt_tokens: texts.length * 3 },
  });
  const embed = (body: JsonObject, call: NodeCall) => {
    const texts = [body['input']].flat() as string[];
    const { promise, resolve, reject } = Promise.withResolvers<unknown>();
    const finish = (answer?: unknown) =>
      answer instanceof Error ? reject(answer) : resolve(answer ?? embedAll(texts));
    calls.push({ texts, call, finish });
    return promise;
  };
  return { calls, batcher: new EmbedBatcher({ embed }) };
}

const callOf = (run: string, signal = new AbortController().signal): NodeCall => ({ signal, run, created: 0 });
const ask = (batcher: EmbedBatcher, input: unknown, more: JsonObject = {}, signal?: AbortSignal) =>
  batcher.embed({ model: 'm', input, ...more }, callOf('r', signal)) as Promise<{
    data: { index: number; embedding: number[] }[];
    usage?: { prompt_tokens: number };
  }>;
const lengthsOf = async (asked: ReturnType<typeof ask>) => (await asked).data.map(({ embedding }) => embedding[0]);
const turn = () => new Promise((resolve) => setImmediate(resolve));

describe('embeddings that are asked for at once', () => {
  it('are sent as one call while the node is at work, and each job gets its own vectors', async () => {
    const { calls, batcher } = openNode();
    const asked = Array.from({ length: 32 }, (_, at) => ask(batcher, ['x'.repeat(at + 1), 'y'.repeat(at + 101)]));
    expect(calls.map(({ texts }) => texts.length)).toEqual([2, 2]);
    calls[0]?.finish();
    await turn();
    expect(calls.map(({ texts }) => texts.length)).toEqual([2, 2, 60]);
    calls[1]?.finish();
    calls[2]?.finish();
    for (const [at, each] of asked.entries()) expect(await lengthsOf(each)).toEqual([at + 1, at + 101]);
    expect(calls).toHaveLength(3);
  });

  it('share the tokens that the node counted, to the last one', async () => {
    const { calls, batcher } = openNode();
    const asked = ['a', 'b', 'c c', 'd d d', 'e'].map((text) => ask(batcher, text));
    calls[0]?.finish();
    calls[1]?.finish();
    await turn();
    calls[2]?.finish({ data: [0, 1, 2].map((index) => ({ index, embedding: [1] })), usage: { prompt_tokens: 20 } });
    const usages = (await Promise.all(asked)).map((answer) => answer.usage?.prompt_tokens ?? 0);
    expect(usages.slice(2).reduce((sum, each) => sum + each, 0)).toBe(20);
  });

  it('are kept apart where model, format or size differ, and where they are not texts', async () => {
    const { calls, batcher } = openNode();
    const others = [{}, {}, {}, { dimensions: 3 }, { encoding_format: 'base64' }];
    const asked = others.map((more) => ask(batcher, 'text', more));
    const tokens = ask(batcher, [1, 2]);
    expect(calls).toHaveLength(5);
    for (let at = 0; at < 6; at++) {
      await turn();
      calls[at]?.finish();
    }
    await Promise.all([...asked, tokens]);
    expect(calls).toHaveLength(6);
  });

  it('never get the vectors of another: an answer without an index for each is refused for all', async () => {
    const bad = [
      [{ embedding: [1] }, { embedding: [2] }],
      [
        { index: 0, embedding: [1] },
        { index: 0, embedding: [2] },
      ],
      [{ index: 0, embedding: [1] }],
    ];
    for (const data of bad) {
      const { calls, batcher } = openNode();
      const asked = ['a', 'b', 'c', 'd'].map((text) => ask(batcher, text));
      calls[0]?.finish();
      await turn();
      calls[1]?.finish();
      calls[2]?.finish({ data });
      const outcomes = await Promise.allSettled(asked);
      expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled', 'rejected', 'rejected']);
    }
  });

  it('do not suffer from one that the node refuses: each is then asked for alone', async () => {
    const { calls, batcher } = openNode();
    const asked = ['a', 'b', 'good', 'bad'].map((text) => ask(batcher, text));
    calls[0]?.finish();
    calls[1]?.finish();
    await turn();
    calls[2]?.finish(new NodeError('rejected', fail('invalid_request', 'bad is bad')));
    await turn();
    expect(calls.slice(3).map(({ texts }) => texts)).toEqual([['good'], ['bad']]);
    calls[3]?.finish();
    calls[4]?.finish(new NodeError('rejected', fail('invalid_request', 'bad is bad')));
    expect(await lengthsOf(asked[2]!)).toEqual([4]);
    await expect(asked[3]).rejects.toThrow('bad is bad');
  });

  it('go on when one of them leaves, and stop when all have left', async () => {
    const { calls, batcher } = openNode();
    const leavers = [new AbortController(), new AbortController()];
    const first = [ask(batcher, 'a'), ask(batcher, 'b')];
    const asked = leavers.map(({ signal }) => ask(batcher, 'x', {}, signal).catch(() => 'left'));
    calls[0]?.finish();
    calls[1]?.finish();
    await Promise.all(first);
    await turn();
    leavers[0]?.abort();
    expect([await asked[0], calls[2]?.call.signal.aborted]).toEqual(['left', false]);
    leavers[1]?.abort();
    expect([await asked[1], calls[2]?.call.signal.aborted]).toEqual(['left', true]);
  });
});

describe('shares of tokens', () => {
  it('add up to the total, whatever the weights', () => {
    for (let total = 0; total < 60; total++) {
      for (const weights of [[1], [1, 1, 1], [0, 0], [5, 1, 1], [7, 3, 0, 11]]) {
        const shares = shareTokens(total, weights);
        expect(shares.reduce((sum, share) => sum + share, 0)).toBe(total);
        expect(shares.every((share) => share >= 0)).toBe(true);
      }
    }
  });
});

describe('a bridge', () => {
  it('answers and bills every one of 32 embedding jobs at once, with few calls to the node', async () => {
    const { harness, node } = await startWithFake({ models: ['nomic-embed-text'], hang: true });
    const jobs = Array.from({ length: 32 }, async (_, at) => {
      const claims = {
        operation: 'embeddings',
        model: 'nomic-embed-text',
        max_output_tokens: 0,
        jti: `run_${at}`,
      } as const;
      const body = { model: claims.model, input: 'x'.repeat(at + 1) };
      const answer = await harness.post(
        '/v1/embeddings',
        body,
        await harness.token({ ...claims, tenant: `tnt_${at % 3}` }),
      );
      expect(JSON.parse(answer.text).data[0].embedding[0]).toBe(at + 1);
      return harness.platform.waitForReceipt(claims.jti);
    });
    await node.waitForRequests(2);
    node.script.hang = false;
    node.release();
    const receipts = await Promise.all(jobs);
    expect(receipts.every((receipt) => receipt.outcome === 'completed')).toBe(true);
    expect(receipts.reduce((sum, receipt) => sum + receipt.input_tokens, 0)).toBe(node.requests.length * 3);
    expect(node.requests.length).toBeLessThan(32);
  });
});
