/** What a turn does about its calls when it is stopped, when its process dies, and when its caller may no longer act. */
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { ResponseId } from '../../../shared/core/ids.ts';
import { MaxResumes } from '../../../durable-objects/conversation/turn-engine.ts';
import { toAnswer, TurnWorld, type Said, type Sent } from '../../support/turn-world.ts';

beforeEach(() => void vi.spyOn(console, 'error').mockImplementation(() => {}));
afterEach(() => vi.restoreAllMocks());

const parameters = { type: 'object', properties: { run: { type: 'string' } }, required: ['run'] };
const tool = (name: string, more: object = {}) => ({
  type: 'http',
  name,
  method: 'POST',
  url: `https://shop.example.com/${name}`,
  parameters,
  ...more,
});
const call = (name: string) => ({ name, arguments: { run: 'a' } });

/** A model that makes these calls, one step after the other, and then says so. */
function worldOf(...steps: readonly Said[]): TurnWorld {
  const world = new TurnWorld();
  world.answer = async (messages) => {
    const told = (messages as { role: string }[]).filter(({ role }) => role === 'tool').length;
    return steps[told] ?? 'Done.';
  };
  return world;
}

const begin = (world: TurnWorld, tools: readonly object[]) =>
  world.send('Do it.', 'reject', { definition: { tools } })!;

const effectsOf = (world: TurnWorld, id: ResponseId) =>
  world.turns
    .effectsOf(id)
    .map(({ tool: name, status, attempts }) => `${name} ${status} ${attempts}`)
    .toSorted();

/** Resolves with the first request that a tool sends; what it is answered, `answered` decides. */
function firstSent(world: TurnWorld, answered: () => Promise<void>): Promise<Sent> {
  const { promise, resolve } = Promise.withResolvers<Sent>();
  world.receive = async (sent) => {
    resolve(sent);
    await answered();
    return toAnswer(200, '{"ok":true}');
  };
  return promise;
}

describe('a turn that is stopped', () => {
  test('ends as cancelled, asks no more, and its ledger says what became of the call under way', async () => {
    const world = worldOf({ calls: [call('charge')] });
    const gate = Promise.withResolvers<void>();
    const sent = firstSent(world, () => gate.promise);
    const id = begin(world, [tool('charge')]);
    await sent;
    world.cancel(id);
    gate.resolve();
    await world.over(id);
    expect(world.terminals(id)).toEqual(['response.cancelled']);
    expect(world.asked).toHaveLength(1);
    expect(effectsOf(world, id)).toEqual(['charge confirmed 1']);
  });

  test('while it waits for a person leaves no approval that could still be given, and nothing was done', async () => {
    const world = worldOf({ calls: [call('charge')] });
    const id = begin(world, [tool('charge', { approval: 'always' })]);
    await world.atRest(id);
    expect(world.turns.approvalsOf(id)).toMatchObject([{ status: 'pending' }]);
    world.cancel(id);
    await world.over(id);
    expect(world.turns.approvalsOf(id)).toMatchObject([{ status: 'cancelled' }]);
    expect(effectsOf(world, id)).toEqual(['charge failed 0']);
    expect(world.sent).toEqual([]);
  });
});

describe('a process that dies while a tool is called', () => {
  async function dieInCall(more: object): Promise<{ world: TurnWorld; id: ResponseId }> {
    const world = worldOf({ calls: [call('charge')] });
    let deaths = 0;
    world.receive = async () => {
      if (deaths++ === 0) world.kill();
      return toAnswer(200, '{"ok":true}');
    };
    const id = begin(world, [tool('charge', more)]);
    await world.over(id);
    return { world, id };
  }

  test('leaves an effect that is unknown and not made again, and the model is told', async () => {
    const { world, id } = await dieInCall({});
    expect(world.sent).toHaveLength(1);
    expect(effectsOf(world, id)).toEqual(['charge unknown 1']);
    expect(world.asked.at(-1)!.join()).toContain('is not known');
    expect(world.terminals(id)).toEqual(['response.completed']);
  });

  test('has it made again under the same key where its tool is idempotent', async () => {
    const { world, id } = await dieInCall({ idempotent: true });
    expect(world.sent).toHaveLength(2);
    expect(new Set(world.sent.map(({ key }) => key)).size).toBe(1);
    expect(effectsOf(world, id)).toEqual(['charge confirmed 2']);
  });
});

describe('a process that dies in the middle of an answer', () => {
  async function breakOffInCall(how: object): Promise<{ world: TurnWorld; id: ResponseId }> {
    const half = { name: 'charge', arguments: '{"run":' };
    const world = new TurnWorld();
    world.answer = async (messages) => {
      if ((messages as { role: string }[]).some(({ role }) => role === 'tool')) return 'Done.';
      if (world.asked.length === 1) return { text: 'I char', calls: [half], ...how };
      return { text: 'I charge it.', calls: [call('charge')] };
    };
    const id = begin(world, [tool('charge')]);
    await world.over(id);
    expect(world.events(id).map(({ sequence_number: number }) => number)).toEqual(world.events(id).map((_, at) => at));
    expect(world.sent.map(({ body }) => body)).toEqual(['{"run":"a"}']);
    return { world, id };
  }
  const itemsOf = (world: TurnWorld, id: ResponseId) =>
    world.store.findResponse(id)!.response.output.map((item) => 'status' in item && `${item.type} ${item.status}`);
  const shownOf = (world: TurnWorld, id: ResponseId) =>
    world
      .events(id)
      .flatMap((event) => (event.type === 'response.output_text.delta' ? event.delta : []))
      .filter((text) => text !== '')
      .join('|');

  test('leaves text that is taken back, and a half written call that nobody makes', async () => {
    const { world, id } = await breakOffInCall({ dies: true });
    expect(itemsOf(world, id)).toEqual([
      'message incomplete',
      'mcp_call incomplete',
      'message completed',
      'mcp_call completed',
      'message completed',
    ]);
    expect(shownOf(world, id)).toBe('I char|I charge it.|Done.');
  });

  test('differs from a connection that breaks: then the same text goes on where it stopped', async () => {
    const { world, id } = await breakOffInCall({ breaksOff: true });
    expect(itemsOf(world, id)).toEqual([
      'message completed',
      'mcp_call incomplete',
      'mcp_call completed',
      'message completed',
    ]);
    expect(shownOf(world, id)).toBe('I char|ge it.|Done.');
  });
});

describe('a receiver that fails', () => {
  test('is asked again with the same key where the tool is idempotent, and otherwise never', async () => {
    for (const [more, times] of [
      [{}, 1],
      [{ idempotent: true }, 2],
    ] as const) {
      const world = worldOf({ calls: [call('charge')] });
      world.receive = async () => toAnswer(503, 'busy');
      const id = begin(world, [tool('charge', more)]);
      await world.over(id);
      expect(world.sent).toHaveLength(times);
      expect(new Set(world.sent.map(({ key }) => key)).size).toBe(1);
      expect(effectsOf(world, id)).toEqual([`charge unknown ${times}`]);
    }
  });
});

describe('a turn that is taken up', () => {
  test('again and again while it waits for a person waits on', async () => {
    const world = worldOf({ calls: [call('charge')] });
    const id = begin(world, [tool('charge', { approval: 'always' })]);
    await world.atRest(id);
    for (let at = 0; at <= MaxResumes; at++) {
      world.reboot();
      await world.atRest(id);
    }
    const [approval] = world.turns.approvalsOf(id);
    expect(approval).toMatchObject({ status: 'pending' });
    world.settleApproval(approval!.id, 'approved');
    await world.over(id);
    expect(world.terminals(id)).toEqual(['response.completed']);
    expect(world.sent).toHaveLength(1);
    expect(world.turns.approvalsOf(id)).toHaveLength(1);
  });

  test('again and again while it works is given up', async () => {
    const world = new TurnWorld();
    world.answer = async () => {
      if (world.asked.length < 2 * MaxResumes) world.kill();
      return 'never heard';
    };
    const id = begin(world, []);
    await world.over(id);
    expect(world.terminals(id)).toEqual(['response.failed']);
    expect(world.asked.length).toBeLessThanOrEqual(MaxResumes + 1);
  });
});

describe('a caller who may no longer act', () => {
  test('has no effect made in its name, whatever its turn was about to do', async () => {
    const world = worldOf({ calls: [call('charge')] });
    world.mayAct = false;
    const id = begin(world, [tool('charge')]);
    await world.over(id);
    expect(world.sent).toEqual([]);
    expect(effectsOf(world, id)).toEqual(['charge failed 0']);
  });
});
