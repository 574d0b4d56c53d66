/**
 * An answer that broke off and came otherwise: who follows the stream ends with what counts, by the official client's own
 * accumulator too, whether it has followed from the beginning or come back in the middle.
 */
import { accumulateResponse } from 'openai/lib/responses/ResponseAccumulator';
import { ResponseStream } from 'openai/lib/responses/ResponseStream';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { ResponseId } from '../../../shared/core/ids.ts';
import type { Response } from '../../../shared/contracts/responses.ts';
import { MaxAttempts } from '../../../durable-objects/conversation/turn-engine.ts';
import { TurnWorld, type Said } from '../../support/turn-world.ts';

beforeEach(() => void vi.spyOn(console, 'error').mockImplementation(() => {}));
afterEach(() => vi.restoreAllMocks());

/** A model that gives these answers one after the other, the last for ever. */
async function ask(...answers: readonly (string | Said)[]): Promise<{ world: TurnWorld; id: ResponseId }> {
  const world = new TurnWorld();
  world.answer = async () => answers[Math.min(world.asked.length, answers.length) - 1]!;
  const id = world.send('How many?', 'reject')!;
  await world.over(id);
  return { world, id };
}

const responseOf = (world: TurnWorld, id: ResponseId): Response => world.store.findResponse(id)!.response;
const textsOf = ({ output }: Response) =>
  output.map((item) => item.type === 'message' && [item.status, ...item.content.map((part) => part['text'])]);

/** As the official client accumulates the stream of these events. */
async function accumulate(world: TurnWorld, id: ResponseId) {
  const lines = world.events(id).map((event) => `${JSON.stringify(event)}\n`);
  const bytes = new Blob(lines).stream();
  return ResponseStream.fromReadableStream(bytes).finalResponse();
}

describe.each([
  ['whose connection broke', { breaksOff: true }],
  ['whose process died', { dies: true }],
])('an answer %s and that then comes otherwise', (_, how) => {
  test('leaves the second text alone: in the response, in the thread and with the official client', async () => {
    const { world, id } = await ask({ text: 'There are 41', ...how }, 'There may be 42.');
    expect(textsOf(responseOf(world, id))).toEqual([['incomplete'], ['completed', 'There may be 42.']]);
    expect(world.thread()).toEqual(['user: How many?', 'assistant: There may be 42.']);
    const final = await accumulate(world, id);
    expect(final.status).toBe('completed');
    expect(final.output_text).toBe('There may be 42.');
    expect(final.output).toMatchObject(responseOf(world, id).output);
  });

  test('is told in the stream as an item that is done and has no content, before the next one begins', async () => {
    const { world, id } = await ask({ text: 'There are 41', ...how }, 'Many.');
    const items = world
      .events(id)
      .flatMap((event) => ('item' in event ? [{ type: event.type, item: event.item }] : []));
    expect(items).toMatchObject([
      { type: 'response.output_item.added', item: { status: 'in_progress' } },
      { type: 'response.output_item.done', item: { status: 'incomplete', content: [] } },
      { type: 'response.output_item.added', item: { status: 'in_progress' } },
      { type: 'response.output_item.done', item: { status: 'completed' } },
    ]);
    expect(new Set(items.map(({ item }) => item.id)).size).toBe(2);
    const events = world.events(id) as unknown as Parameters<typeof accumulateResponse>[0][];
    const taken = events.findIndex(({ type }) => type === 'response.output_item.done');
    type Snapshot = ReturnType<typeof accumulateResponse>;
    const snapshot = events
      .slice(0, taken + 1)
      .reduce<Snapshot | undefined>((before, event) => accumulateResponse(event, before), undefined);
    expect(snapshot!.output).toMatchObject([{ status: 'incomplete', content: [] }]);
  });

  test('is asked for again by the same words', async () => {
    const { world } = await ask({ text: 'There are 41', ...how }, 'Many.');
    expect(world.asked).toEqual([['How many?'], ['How many?']]);
  });

  test('keeps what was shown where no other text comes', async () => {
    const { world, id } = await ask({ text: 'There are 41', ...how }, { breaksOff: true });
    expect(responseOf(world, id)).toMatchObject({ status: 'failed', error: { code: 'upstream_cut' } });
    expect(textsOf(responseOf(world, id))).toEqual([['incomplete', 'There are 41']]);
    expect(world.asked.length).toBeGreaterThanOrEqual(MaxAttempts);
  });
});

test('an answer that is taken back, in a turn that fails later, is no part of the thread', async () => {
  const { world, id } = await ask({ text: 'There are 41', breaksOff: true }, { text: 'Perhaps', breaksOff: true });
  expect(textsOf(responseOf(world, id))).toEqual([['incomplete'], ['incomplete', 'Perhaps']]);
  expect(world.thread()).toEqual(['user: How many?', 'assistant: Perhaps']);
});
