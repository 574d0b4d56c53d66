/** An answer that is not in the form that was asked for: put right by its model, within bounds, or an error that says why. */
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { ResponseId } from '../../../shared/core/ids.ts';
import type { Response } from '../../../shared/contracts/responses.ts';
import { MaxRepairs } from '../../../durable-objects/conversation/turn-engine.ts';
import { defaultLimits } from '../../../durable-objects/conversation/turn-runner.ts';
import { TurnWorld, type Said, type TurnChange } from '../../support/turn-world.ts';

const schema = { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] };
const bySchema = { response_format: { type: 'json_schema', json_schema: { name: 'weather', schema } } };
const parameters = { type: 'object', properties: {}, additionalProperties: true };
const charge = { type: 'http', name: 'charge', method: 'POST', url: 'https://shop.example.com/charge', parameters };

beforeEach(() => void vi.spyOn(console, 'error').mockImplementation(() => {}));
afterEach(() => vi.restoreAllMocks());

/** A model that gives these answers one after the other, the last for ever. */
function worldOf(...answers: readonly (string | Said)[]): TurnWorld {
  const world = new TurnWorld();
  world.answer = async () => answers[Math.min(world.asked.length, answers.length) - 1]!;
  return world;
}

async function ask(world: TurnWorld, start: TurnChange['start'] = {}): Promise<{ id: ResponseId; response: Response }> {
  const change = { definition: { tools: [charge] }, start: { sampling: bySchema, ...start } };
  const id = world.send('Where?', 'reject', change)!;
  await world.over(id);
  return { id, response: world.store.findResponse(id)!.response };
}

const textsOf = ({ output }: Response) =>
  output.map((item) => item.type === 'message' && [item.status, ...item.content.map((part) => part['text'])]);

describe('an answer that does not fit', () => {
  test('is given back to its model with what is wrong with it, and what comes then is the answer', async () => {
    const world = worldOf('{"town":"Oslo"}', '{"city":"Oslo"}');
    const { id, response } = await ask(world, { context: { kind: 'thread' } });
    expect(response.status).toBe('completed');
    expect(world.thread()).toEqual(['user: Where?', 'assistant: {"city":"Oslo"}']);
    // Who parses every text of the response finds the answer alone.
    expect(textsOf(response)).toEqual([['incomplete'], ['completed', '{"city":"Oslo"}']]);
    expect(world.asked[1]!.slice(0, 2)).toEqual(['Where?', '{"town":"Oslo"}']);
    expect(world.asked[1]![2]).toContain('city');
    expect(world.terminals(id)).toEqual(['response.completed']);
    expect(world.events(id).map(({ sequence_number: number }) => number)).toEqual(world.events(id).map((_, at) => at));
  });

  test('is a step of the turn: counted, metered, and asked without tools', async () => {
    const world = worldOf('no', { calls: [{ name: 'charge', arguments: {} }] }, '{"city":"Oslo"}');
    const { id, response } = await ask(world);
    expect(response).toMatchObject({ status: 'completed', usage: { input_tokens: 3, output_tokens: 3 } });
    expect(world.turns.findState(id)).toMatchObject({ step: 3, toolCalls: 0 });
    expect(world.sent).toEqual([]);
  });

  test(`is put right ${MaxRepairs} times at most, and is then an error that says in what it did not fit`, async () => {
    const world = worldOf('no');
    const { id, response } = await ask(world);
    expect(world.asked).toHaveLength(1 + MaxRepairs);
    expect(response.error).toMatchObject({ code: 'upstream_invalid', message: expect.stringContaining('JSON') });
    expect(response.error!.message).toContain(`${1 + MaxRepairs} attempts`);
    expect(response.usage!.output_tokens).toBe(1 + MaxRepairs);
    expect(world.terminals(id)).toEqual(['response.failed']);
  });

  test('is not asked for again where the turn has no step left, nor where it was shown for good', async () => {
    const last = worldOf('no');
    expect((await ask(last, { limits: { ...defaultLimits, maxSteps: 1 } })).response.status).toBe('failed');
    const shown = worldOf('no');
    expect((await ask(shown, { isIrrevocable: true })).response.status).toBe('failed');
    expect([last.asked.length, shown.asked.length]).toEqual([1, 1]);
  });

  test('is not asked for again where the money of the turn is spent', async () => {
    const world = worldOf('no');
    const { response } = await ask(world, { limits: { ...defaultLimits, maxTokens: 2 } });
    expect(response).toMatchObject({ status: 'incomplete', incomplete_details: { reason: 'max_tokens' } });
    expect(world.asked).toHaveLength(1);
  });

  test('is put right by the process that takes the turn up, and no more often for it', async () => {
    let deaths = 0;
    for (let fuse = 0; fuse < 60; fuse++) {
      const world = worldOf('{"town":"Oslo"}', '{"city":"Oslo"}');
      world.answer = async (messages) => (messages.length < 3 ? '{"town":"Oslo"}' : '{"city":"Oslo"}');
      world.disk.fuse = fuse;
      const id = world.send('Where?', 'reject', { start: { sampling: bySchema } });
      if (id === undefined) continue;
      deaths += await world.over(id);
      world.disk.fuse = undefined;
      const { response } = world.store.findResponse(id)!;
      expect(textsOf(response).at(-1)).toEqual(['completed', '{"city":"Oslo"}']);
      expect(world.terminals(id)).toEqual(['response.completed']);
      expect(world.turns.findState(id)!.repair!.count).toBe(1);
    }
    expect(deaths).toBeGreaterThan(5);
  });
});
