/** Turns that a version left on its disk, and what came of them. */
import { readFileSync } from 'node:fs';
import type { ResponseId } from '../../shared/core/ids.ts';
import { migrate, type ObjectMigration } from '../../durable-objects/runtime/migrate.ts';
import { CrashingStorage, type Tables } from './crashing-storage.ts';
import { playOut, prepare, type TurnScenario } from './turn-scenarios.ts';
import { TurnWorld } from './turn-world.ts';

export type RecordedHead = { readonly migrations: readonly ObjectMigration[] };
export type Recorded = {
  readonly scenario: string;
  readonly id: ResponseId;
  readonly rows: Tables;
  readonly outcome: unknown;
};

export function readRecorded(path: string): { readonly head: RecordedHead; readonly turns: readonly Recorded[] } {
  const [head, ...turns] = readFileSync(path, 'utf8').trimEnd().split('\n');
  return { head: JSON.parse(head!) as RecordedHead, turns: turns.map((line) => JSON.parse(line) as Recorded) };
}

/** The disk in the schema of its time, under the present code, played to the turn's end. */
export async function takeUp(
  { migrations }: RecordedHead,
  scenario: TurnScenario,
  rows: Tables,
  id: ResponseId,
): Promise<TurnWorld> {
  const disk = new CrashingStorage([]);
  const storage = { sql: disk.sql, transactionSync: (work: () => void) => disk.transaction(work) };
  migrate(storage as unknown as DurableObjectStorage, migrations);
  disk.insert(rows);
  const world = new TurnWorld(disk);
  prepare(world, scenario);
  world.takeUp();
  await playOut(world, id);
  return world;
}
