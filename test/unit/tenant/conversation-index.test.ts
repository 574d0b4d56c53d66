/** The tenant's index of conversations: whose hits somebody is given, and what is left of what was deleted. */
import { expect, test } from 'vitest';
import { ConversationIndex } from '../../../durable-objects/tenant/conversation-index.ts';
import { tenantMigrations } from '../../../durable-objects/tenant/tenant-migrations.ts';
import { mintId } from '../../../shared/core/ids.ts';
import type { Principal } from '../../../shared/core/principal.ts';
import { sqliteStorage } from '../../support/sqlite-storage.ts';

const scope = { project: null, environment: null, agent: null };
const visitor = (): Principal => ({ kind: 'visitor', id: mintId('visitor', 0), permissions: [], scope });
const key: Principal = { kind: 'key', id: mintId('key', 0), permissions: [], scope };
const page = { limit: 10, cursor: undefined };

function newIndex() {
  const sql = sqliteStorage(tenantMigrations.map((migration) => migration.sql));
  const index = new ConversationIndex(sql);
  const say = (owner: Principal, listed = true) => {
    const id = mintId('conversation', 0);
    index.add({ id, listed }, null, owner, 0);
    index.put({ id, metadata: {}, answeredBy: null, items: [{ id: 'msg_1', text: 'a tapir' }] });
    return id;
  };
  const rows = (table: string) => sql.exec<{ n: number }>(`SELECT COUNT(*) AS n FROM ${table}`).one().n;
  return { index, say, rows };
}

test('a visitor is given its own hits alone, a key those of all', () => {
  const { index, say } = newIndex();
  const [one, other] = [visitor(), visitor()];
  const own = say(one);
  say(other);
  expect(index.search(one, page, '"tapir"').map(({ id }) => id)).toEqual([own]);
  expect(index.search(key, page, '"tapir"')).toHaveLength(2);
});

test('nothing is left of a conversation that was removed, and nothing is kept of one that is not listed', () => {
  const { index, say, rows } = newIndex();
  const id = say(key);
  expect([rows('conversation_items'), rows('conversation_texts')]).toEqual([1, 1]);
  index.remove(id);
  say(key, false);
  expect([rows('conversation_items'), rows('conversation_texts')]).toEqual([0, 0]);
});
