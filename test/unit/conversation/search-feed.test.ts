/** What a conversation tells its tenant's index: in order, at least once, and what is true by then. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { conversationMigrations } from '../../../durable-objects/conversation/conversation-migrations.ts';
import { ConversationStore } from '../../../durable-objects/conversation/conversation-store.ts';
import { SearchFeed } from '../../../durable-objects/conversation/search-feed.ts';
import { mintId } from '../../../shared/core/ids.ts';
import { err, ok } from '../../../shared/core/result.ts';
import type { MessageItem } from '../../../shared/contracts/conversations.ts';
import { sqliteStorage } from '../../support/sqlite-storage.ts';

const message = (id: string, text: string): MessageItem => ({
  id,
  type: 'message',
  status: 'completed',
  role: 'user',
  content: [{ type: 'input_text', text }],
});

function newWorld() {
  const store = new ConversationStore(sqliteStorage(conversationMigrations.map(({ sql }) => sql)));
  const owner = {
    kind: 'key' as const,
    id: mintId('key', 0),
    permissions: [],
    scope: { project: null, environment: null, agent: null },
  };
  store.create({ id: mintId('conversation', 0), agentId: null, metadata: { a: 'b' }, listed: true }, owner, 0);
  const index = new Map<string, string>();
  const world = { store, index, isUp: true, duringReport: () => {} };
  const feed = new SearchFeed(store, async ({ items }) => {
    world.duringReport();
    if (!world.isUp) return err('service_unavailable');
    for (const { id, text } of items) {
      if (text === null) index.delete(id);
      else index.set(id, text);
    }
    return ok();
  });
  return Object.assign(world, { feed });
}

test('the index holds what the conversation holds, whatever came and went, however often it was not there', async () => {
  const step = fc.record({ kind: fc.constantFrom('add', 'delete', 'feed', 'down', 'up'), id: fc.nat({ max: 9 }) });
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
      const world = newWorld();
      const { store, index, feed } = world;
      for (const [at, { kind, id }] of steps.entries()) {
        if (kind === 'add') store.addItem(message(`m${id}`, `text ${at}`), 'input', null, true);
        if (kind === 'delete') store.deleteItem(`m${id}`);
        if (kind === 'feed') await feed.feed();
        if (kind === 'down' || kind === 'up') world.isUp = kind === 'up';
      }
      world.isUp = true;
      await feed.feed();
      expect(feed.isEmpty).toBe(true);
      const texts = store.threadItems().map((item) => [item.id, (item as MessageItem).content[0]]);
      expect([...index].map(([id, text]) => [id, { type: 'input_text', text }]).sort()).toEqual(texts.sort());
    }),
    { numRuns: 60 },
  );
});

test('what changes while a report is under way is told after it', async () => {
  const world = newWorld();
  world.store.addItem(message('m1', 'here'), 'input', null, true);
  world.duringReport = () => {
    world.duringReport = () => {};
    world.store.deleteItem('m1');
  };
  await world.feed.feed();
  expect([...world.index]).toEqual([]);
});

test('what nobody took stays to be told', async () => {
  const world = newWorld();
  world.store.addItem(message('m1', 'here'), 'input', null, true);
  world.isUp = false;
  await world.feed.feed();
  expect([world.feed.isEmpty, [...world.index]]).toEqual([false, []]);
});
