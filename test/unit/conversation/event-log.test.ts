/**
 * What a client is shown while a model speaks, with processes that die in the middle of it: it is shown fragments before
 * they are stored, and yet nothing that it was shown is missing, comes twice or contradicts what the turn comes to.
 */
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { ConversationStore } from '../../../durable-objects/conversation/conversation-store.ts';
import { EventLog } from '../../../durable-objects/conversation/event-log.ts';
import { Turn } from '../../../durable-objects/conversation/turn.ts';
import type { ResponseId } from '../../../shared/core/ids.ts';
import type { SequencedResponseEvent } from '../../../shared/contracts/responses.ts';
import { randomFrom, seed } from '../../support/seeded-random.ts';
import { blankResponse } from '../../support/response-factory.ts';
import { chunk, TurnWorld } from '../../support/turn-world.ts';
import { waitUntil } from '../../support/wait-until.ts';

beforeEach(() => void vi.spyOn(console, 'error').mockImplementation(() => {}));
afterEach(() => vi.restoreAllMocks());

const encoder = new TextEncoder();
const turnOfEvents = () => new Promise<void>((resolve) => setImmediate(resolve));
const usage = { prompt_tokens: 1, completion_tokens: 1, total_tokens: 2 };

type Speech = { readonly words: readonly string[]; readonly end: 'whole' | 'lost' | 'killed' };

/** A model that gives these speeches one after the other, a word at a time; `said` after each word. */
function speaking(world: TurnWorld, speeches: readonly Speech[], said: () => Promise<void>): void {
  world.answer = async () => {
    const { words, end } = speeches[Math.min(world.asked.length, speeches.length) - 1]!;
    const speak = async (controller: ReadableStreamDefaultController<Uint8Array>) => {
      for (const content of words) {
        controller.enqueue(encoder.encode(chunk({ content })));
        await said();
      }
      if (end === 'killed') world.kill();
      if (end === 'whole') controller.enqueue(encoder.encode(`${chunk({}, 'stop', usage)}data: [DONE]\n\n`));
      controller.close();
    };
    return new Response(new ReadableStream({ start: (controller) => void speak(controller) }));
  };
}

type TextDelta = Extract<SequencedResponseEvent, { readonly type: 'response.output_text.delta' }>;
const deltasOf = (events: readonly SequencedResponseEvent[]) =>
  events.filter((event): event is TextDelta & SequencedResponseEvent => event.type === 'response.output_text.delta');

describe('a client that follows a turn and comes back each time', () => {
  const Runs = 60;

  /** What one client has seen, and what is on disk at the end. */
  async function follow(random: () => number) {
    const world = new TurnWorld();
    const seen: SequencedResponseEvent[] = [];
    let [id, isThere, unstored]: [ResponseId | undefined, boolean, number] = [undefined, true, 0];
    const read = () => {
      if (!id || !isThere || world.isDead) return;
      seen.push(...world.shown(id, seen.length));
      unstored = Math.max(unstored, seen.length - world.events(id).length);
    };
    const text = () => Array.from({ length: 1 + Math.floor(random() * 80) }, () => ` w${Math.floor(random() * 1e6)}`);
    const words = text();
    // Some say the same again, as far as they come; some do not come to a word.
    const broken = Array.from({ length: Math.floor(random() * 4) }, () => ({
      words: random() < 0.5 ? words.slice(0, Math.floor(random() * random() * words.length)) : text(),
      end: random() < 0.7 ? ('killed' as const) : ('lost' as const),
    })).filter(({ end }, at, all) => end === 'killed' || all.findIndex((each) => each.end === 'lost') === at);
    speaking(world, [...broken, { words, end: 'whole' }], async () => {
      for (let hops = Math.floor(random() * 6); hops >= 0; hops--) await turnOfEvents();
      isThere = random() < 0.9;
      read();
    });
    id = world.send('Speak.', 'reject')!;
    await world.over(id);
    isThere = true;
    read();
    return { world, id, seen, unstored };
  }

  test('sees every number once, and of every item that counts exactly its text', async () => {
    const random = randomFrom(seed);
    let [early, torn] = [0, 0];
    for (const { world, id, seen, unstored } of await Promise.all(
      Array.from({ length: Runs }, () => follow(randomFrom(Math.floor(random() * 2 ** 31)))),
    )) {
      const stored = world.events(id);
      expect(seen.map(({ sequence_number: number }) => number)).toEqual(stored.map((_, at) => at));
      expect(world.terminals(id)).toEqual(['response.completed']);
      const { output } = world.store.findResponse(id)!.response;
      for (const item of output) {
        if (item.type !== 'message' || item.content.length === 0) continue;
        const said = deltasOf(seen).filter((event) => event.item_id === item.id);
        expect(said.map(({ delta }) => delta).join('')).toBe(item.content[0]!['text']);
      }
      // What a client was shown and the disk does not know belongs to what was taken back.
      for (const [at, event] of seen.entries()) {
        if (JSON.stringify(event) === JSON.stringify(stored[at])) continue;
        torn++;
        expect(stored[at]).toMatchObject({ type: 'response.output_text.delta', delta: '' });
        const { item_id: itemId } = event as TextDelta;
        expect(stored[at]).toMatchObject({ item_id: itemId });
        expect(output.find((item) => item.id === itemId)).toMatchObject({ status: 'incomplete', content: [] });
      }
      early += unstored > 0 ? 1 : 0;
    }
    expect(early, 'fragments are shown before they are stored').toBeGreaterThan(Runs / 2);
    expect(torn, 'some died with what they had shown').toBeGreaterThan(Runs);
  }, 60_000);
});

test('a fragment is shown under a number that is confirmed as reserved, and only under such a one', async () => {
  const rows: { first: number; count: number; reserved: number }[] = [];
  const store = {
    addFrames: (_: ResponseId, first: number, frames: readonly string[], reserved: number) =>
      rows.push({ first, count: frames.length, reserved }),
  };
  let disk = Promise.withResolvers<void>();
  const storage = { sync: () => disk.promise };
  const log = new EventLog(
    'resp_1' as ResponseId,
    store as unknown as ConversationStore,
    storage as unknown as DurableObjectStorage,
    [],
  );
  const confirmed = async () => {
    disk.resolve();
    disk = Promise.withResolvers();
    await turnOfEvents();
  };
  const turn = new Turn(blankResponse(), (kind) => kind);
  let said = 0;
  const say = () =>
    log.stream(turn.chunk({ choices: [{ index: 0, delta: { content: ` ${said++}` }, finish_reason: null }] } as never));
  say();
  say();
  expect(log.read(0), 'an item is shown once it is on disk').toEqual([]);
  await confirmed();
  expect(rows).toEqual([{ first: 0, count: 3, reserved: 3 + 32 }]);
  while (log.length < 35) say();
  expect(log.read(0)).toHaveLength(35);
  await waitUntil('the next write', () => {
    say();
    return rows.length === 2;
  });
  say();
  expect(log.read(0), 'the second reservation is not confirmed').toHaveLength(35);
  await confirmed();
  expect(log.read(0)).toHaveLength(log.length);
  log.abandon();
  expect(log.isOver).toBe(true);
});

test('a long answer costs a few writes, not one for each of its fragments', async () => {
  const world = new TurnWorld();
  const words = Array.from({ length: 400 }, (_, at) => ` ${at}`);
  speaking(world, [{ words, end: 'whole' }], turnOfEvents);
  const id = world.send('Speak.', 'reject')!;
  await world.over(id);
  expect(world.disk.rows()['events']!.length).toBeLessThan(20);
  expect(deltasOf(world.events(id)).map(({ delta }) => delta)).toEqual(words);
});
