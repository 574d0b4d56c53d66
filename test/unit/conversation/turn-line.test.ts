/** Messages to a busy conversation: refused, in their order, or instead of what runs; and the same after `kill -9`. */
import { afterEach, describe, expect, test, vi } from 'vitest';
import type { DoubleTexting } from '../../../shared/contracts/agents.ts';
import type { ResponseId } from '../../../shared/core/ids.ts';
import { findPlace, MaxInLine } from '../../../durable-objects/conversation/turn-line.ts';
import { TurnWorld } from '../../support/turn-world.ts';

afterEach(() => vi.restoreAllMocks());

/** A model that answers nothing until it is told to. */
function heldWorld() {
  const world = new TurnWorld();
  const gate = Promise.withResolvers<void>();
  world.answer = async (messages) => {
    await gate.promise;
    return `re: ${(messages.at(-1) as { content: string }).content}`;
  };
  return { world, release: gate.resolve };
}

describe('a message to a busy conversation', () => {
  test('is refused where its agent says so, and nothing of it is kept', async () => {
    const { world, release } = heldWorld();
    const first = world.send('one', 'reject')!;
    expect(world.send('two', 'reject')).toBeUndefined();
    release();
    await world.over(first);
    expect(world.thread()).toEqual(['user: one', 'assistant: re: one']);
    expect(world.send('three', 'reject')).toBeDefined();
  });

  test('waits where its agent says so, and reads what was said before it', async () => {
    const { world, release } = heldWorld();
    const ids = ['one', 'two', 'three'].map((text) => world.send(text, 'enqueue')!);
    expect(ids.map((id) => world.status(id))).toEqual(['in_progress', 'queued', 'queued']);
    expect(world.events(ids[1]!).map(({ type }) => type)).toEqual(['response.created', 'response.queued']);
    expect(world.thread()).toEqual(['user: one']);
    release();
    await world.over(...ids);
    expect(world.thread()).toEqual([
      'user: one',
      'assistant: re: one',
      'user: two',
      'assistant: re: two',
      'user: three',
      'assistant: re: three',
    ]);
    expect(world.asked.at(-1)).toEqual(['one', 're: one', 'two', 're: two', 'three']);
  });

  test('ends what runs and what waits, where its agent says so, and reads all that was asked', async () => {
    const { world, release } = heldWorld();
    const ids = ['one', 'two', 'three'].map((text) => world.send(text, 'interrupt')!);
    release();
    await world.over(...ids);
    expect(ids.map((id) => world.terminals(id))).toEqual([
      ['response.cancelled'],
      ['response.cancelled'],
      ['response.completed'],
    ]);
    expect(world.thread()).toEqual(['user: one', 'user: two', 'user: three', 'assistant: re: three']);
    expect(world.asked.at(-1)).toEqual(['one', 'two', 'three']);
  });

  test('that is cancelled while it waits leaves nothing in the thread, and holds up nobody', async () => {
    const { world, release } = heldWorld();
    const ids = ['one', 'two', 'three'].map((text) => world.send(text, 'enqueue')!);
    world.cancel(ids[1]!);
    await world.over(ids[1]!);
    expect(world.terminals(ids[1]!)).toEqual(['response.cancelled']);
    release();
    await world.over(...ids);
    expect(world.thread()).toEqual(['user: one', 'assistant: re: one', 'user: three', 'assistant: re: three']);
  });

  test(`is refused once ${MaxInLine} wait`, () => {
    const line = Array.from({ length: MaxInLine }, (_, at) => ({ id: `${at}` as ResponseId, interrupts: false }));
    expect(findPlace({ running: [], line }, 'enqueue')).toMatchObject({ ok: false, failure: { code: 'conflict' } });
    expect(findPlace({ running: [], line: line.slice(1) }, 'enqueue')).toEqual({
      ok: true,
      value: { interrupts: false },
    });
  });
});

/** Three messages, the process killed at statement `fuse` and all that it knew lost; the client sends again what was not taken. */
async function killedAt(fuse: number, policy: DoubleTexting) {
  const world = new TurnWorld();
  world.disk.fuse = fuse;
  const ids: ResponseId[] = [];
  let deaths = 0;
  for (const text of ['one', 'two', 'three']) {
    let id = world.send(text, policy);
    while (id === undefined) {
      deaths++;
      world.reboot();
      // What was committed before the kill is there, whether its sender knows it or not.
      id = world.store.unfinished().find((known) => !ids.includes(known)) ?? world.send(text, policy);
    }
    ids.push(id);
  }
  deaths += await world.over(...ids);
  world.disk.fuse = undefined;
  return { world, ids, deaths };
}

describe.each(['enqueue', 'interrupt'] as const)('messages to a busy conversation that %s', (policy) => {
  test('are each answered or interrupted once and stand once in the thread in their order, wherever the process is killed', async () => {
    vi.spyOn(console, 'error').mockImplementation(() => {});
    let crashes = 0;
    const runs = Array.from({ length: 160 }, (_, fuse) => killedAt(fuse, policy));
    for (const { world, ids, deaths } of await Promise.all(runs)) {
      crashes += deaths;
      for (const id of ids) {
        expect(world.terminals(id)).toHaveLength(1);
        expect(world.events(id).map(({ sequence_number: number }) => number)).toEqual(
          world.events(id).map((_, at) => at),
        );
      }
      const thread = world.thread();
      expect(thread.filter((line) => line.startsWith('user'))).toEqual(['user: one', 'user: two', 'user: three']);
      if (policy === 'enqueue') {
        expect(ids.map((id) => world.status(id))).toEqual(['completed', 'completed', 'completed']);
        expect(thread.filter((_, at) => at % 2 === 1)).toEqual(
          ['one', 'two', 'three'].map((it) => `assistant: re: ${it}`),
        );
      } else {
        expect(world.status(ids[2]!)).toBe('completed');
        expect(thread.at(-1)).toBe('assistant: re: three');
      }
      expect(world.store.thread()).toEqual({ running: [], line: [] });
    }
    expect(crashes).toBeGreaterThan(50);
  });
});
