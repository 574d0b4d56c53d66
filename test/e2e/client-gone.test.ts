/**
 * A client that leaves: a plain stream and an agent's chat stream stop the node at once and cost what was produced; a
 * Responses stream goes on without its reader and can be taken up again.
 */
import type OpenAI from 'openai';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { FakeScript } from '../support/fake-node.ts';
import {
  AgentModel,
  EmbeddingModel,
  PlainModel,
  startPlatformWithNode,
  transports,
  type PlatformWithNode,
} from '../support/platform-with-node.ts';
import { waitUntil, within } from '../support/wait-until.ts';

const words = ['one', 'two', 'three', 'four', 'five', 'six'];
/** At the median of all leavings: a single one may meet a thread that is held up. */
const NodeStopsMs = 250;
const stopsMs: number[] = [];
/** Words that were on their way to the bridge when it hung up. */
const unbilled: number[] = [];

const median = (values: readonly number[]) => values.toSorted((one, other) => one - other)[values.length >> 1];

let home: PlatformWithNode;
let client: OpenAI;

function script(change: FakeScript): void {
  home.node.script = { models: [PlainModel, EmbeddingModel], words, ...change };
}

const chatOf = (model: string) => ({
  model,
  messages: [{ role: 'user' as const, content: 'Count.' }],
  stream: true as const,
});

/** Reads `count` words of a chat stream and breaks off. */
async function readAndLeave(model: string, count: number): Promise<void> {
  const stream = await client.chat.completions.create(chatOf(model));
  let seen = 0;
  if (count > 0) {
    for await (const chunk of stream) if (chunk.choices[0]?.delta.content && ++seen === count) break;
  }
  stream.controller.abort();
}

async function measure(work: () => Promise<void>): Promise<{ produced: number; billed: number; requests: number }> {
  await home.settle();
  const before = { produced: home.node.produced, ...(await home.ledger()) };
  await work();
  await home.settle();
  const after = await home.ledger();
  return {
    produced: home.node.produced - before.produced,
    billed: after.outputTokens - before.outputTokens,
    requests: after.requests - before.requests,
  };
}

/** Runs the work until it has left, and requires that the node is broken off then. */
async function requireNodeStops(what: string, leave: () => Promise<void>): Promise<void> {
  const { aborted } = home.node;
  await leave();
  const leftAt = performance.now();
  await within(`the node stops: ${what}`, 20 * NodeStopsMs, home.node.waitForAborts(aborted + 1));
  stopsMs.push(performance.now() - leftAt);
}

describe.each(transports)('over %s', (transport) => {
  beforeAll(async () => {
    stopsMs.length = 0;
    unbilled.length = 0;
    home = await startPlatformWithNode({ transport, timings: { keepAliveMs: 50, commitAfterMs: 100 } });
    client = home.platform.openai(home.tenant);
  });
  afterAll(() => home.stop());

  describe.each([
    ['a plain model', PlainModel],
    ['an agent', AgentModel],
  ])('who leaves the chat stream of %s', (_, model) => {
    it('after any word stops the node and pays for what it produced', async () => {
      for (const count of [0, 1, 2, 3, 4, 5, 10, 20]) {
        script({ words: Array.from({ length: 500 }, (_word, at) => `w${at}`), paceMs: 5 });
        const { produced, billed, requests } = await measure(() =>
          requireNodeStops(`after word ${count}`, () => readAndLeave(model, count)),
        );
        expect(requests).toBe(1);
        expect(billed).toBeGreaterThanOrEqual(count);
        expect(billed).toBeLessThanOrEqual(produced);
        unbilled.push(produced - billed);
      }
    });

    it('while the node writes as fast as it can pays for no more than it produced', async () => {
      script({ words: Array.from({ length: 2_000 }, (_word, at) => `w${at}`) });
      for (const count of [1, 50, 500]) {
        const { produced, billed, requests } = await measure(() => readAndLeave(model, count));
        expect(requests).toBe(1);
        expect(billed).toBeGreaterThanOrEqual(count);
        expect(billed).toBeLessThanOrEqual(produced);
      }
    });
  });

  describe('who leaves a plain stream that is silent', () => {
    it('at any word is noticed by the next keep-alive, and pays for exactly the words produced', async () => {
      for (let count = 0; count <= words.length; count++) {
        script({ fault: { at: count, how: 'stall' } });
        const { produced, billed, requests } = await measure(() =>
          requireNodeStops(`silent after word ${count}`, () => readAndLeave(PlainModel, count)),
        );
        expect({ count, produced, billed, requests }).toEqual({ count, produced: count, billed: count, requests: 1 });
      }
    });

    it('before the node has answered at all leaves nothing running and no output on the bill', async () => {
      script({ hang: true });
      const { produced, billed } = await measure(() =>
        requireNodeStops('before its answer', async () => {
          const asked = home.node.requests.length;
          const left = readAndLeave(PlainModel, 0);
          await home.node.waitForRequests(asked + 1);
          await left;
        }),
      );
      expect({ produced, billed }).toEqual({ produced: 0, billed: 0 });
    });
  });

  describe('who leaves a Responses stream', () => {
    it.each([PlainModel, AgentModel])('of %s after any event finds it whole later', async (model) => {
      for (let count = 0; count < words.length; count++) {
        script({ pauseAt: count });
        const { produced, billed, requests } = await measure(async () => {
          const { aborted } = home.node;
          const stream = await client.responses.create({ model, input: 'Count.', stream: true });
          const seen: OpenAI.Responses.ResponseStreamEvent[] = [];
          let heard = 0;
          for await (const event of stream) {
            seen.push(event);
            if (event.type === 'response.output_text.delta') heard++;
            if (heard === count && seen.length > 1) break;
          }
          const [first] = seen;
          if (first?.type !== 'response.created') throw new Error('A stream begins with response.created');
          const { id } = first.response;
          await waitUntil('the turn ends without its reader', async () => {
            home.node.release();
            return (await client.responses.retrieve(id)).status === 'completed';
          });
          const resumed = await client.responses.retrieve(id, { stream: true, starting_after: seen.length - 1 });
          for await (const event of resumed) seen.push(event);
          expect(seen.map(({ sequence_number }) => sequence_number)).toEqual(seen.map((_event, at) => at));
          expect(seen.at(-1)?.type).toBe('response.completed');
          const text = seen.map((event) => (event.type === 'response.output_text.delta' ? event.delta : '')).join('');
          expect(text).toBe(words.join(' '));
          expect(home.node.aborted).toBe(aborted);
        });
        expect({ produced, billed, requests }).toEqual({ produced: words.length, billed: words.length, requests: 1 });
      }
    });
  });

  it(`has stopped the node within ${NodeStopsMs} ms, and billed all but a word of what it produced`, () => {
    expect(median(stopsMs)).toBeLessThanOrEqual(NodeStopsMs);
    expect(median(unbilled)).toBeLessThanOrEqual(1);
  });
});
