/**
 * Turns that earlier versions left on their disks: the present one takes them up, whatever they were about to do, and
 * decides as they would have. test/support/record-turns.ts records them.
 */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { conversationMigrations } from '../../../durable-objects/conversation/conversation-migrations.ts';
import { migrate } from '../../../durable-objects/runtime/migrate.ts';
import { CrashingStorage } from '../../support/crashing-storage.ts';
import { readRecorded, takeUp } from '../../support/recorded-turns.ts';
import { outcomeOf, turnScenarios } from '../../support/turn-scenarios.ts';

const folder = join(import.meta.dirname, '../../recorded');
const files = readdirSync(folder).filter((name) => /^turns-\d+\.ndjson$/.test(name));

type Outcome = { readonly asked: readonly (readonly unknown[])[] };

/** The first version showed a model that was asked again an empty message of its own, where its answer had broken off. */
function mended(outcome: Outcome): Outcome {
  return { ...outcome, asked: outcome.asked.map((lines) => lines.filter((line) => line !== '')) };
}

beforeEach(() => void vi.spyOn(console, 'error').mockImplementation(() => {}));
afterEach(() => vi.restoreAllMocks());

describe.each(files)('%s', (file) => {
  const { head, turns } = readRecorded(join(folder, file));

  test('holds fifty turns and more, of every kind that it knows', () => {
    expect(turns.length).toBeGreaterThanOrEqual(50);
    const known = turnScenarios.map(({ name }) => name);
    expect(known).toEqual(expect.arrayContaining(turns.map(({ scenario }) => scenario)));
  });

  test.each(turns.map((turn, at) => ({ ...turn, at })))(
    'turn $at ($scenario) is decided as it was',
    async ({ scenario, rows, id, outcome }) => {
      const world = await takeUp(
        head,
        turnScenarios.find(({ name }) => name === scenario)!,
        rows,
        id,
      );
      // What a later version says besides is no other decision.
      expect(outcomeOf(world, id)).toMatchObject(mended(outcome as Outcome));
    },
  );

  test('is in a schema that the present one goes on from, and that refuses what is newer than it', () => {
    expect(conversationMigrations.slice(0, head.migrations.length)).toEqual(head.migrations);
    const disk = new CrashingStorage([]);
    const storage = {
      sql: disk.sql,
      transactionSync: (work: () => void) => disk.transaction(work),
    } as unknown as DurableObjectStorage;
    migrate(storage, [...head.migrations, { id: 'later', sql: 'CREATE TABLE later (x INTEGER)' }]);
    expect(() => migrate(storage, head.migrations)).toThrow('newer than this code');
  });
});
