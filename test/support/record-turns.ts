/**
 * Records turns as a version leaves them when it dies: what is on disk, and what came of it when the same version took it
 * up. A later version takes up the same disks and must decide the same (test/unit/conversation/recorded-turns.test.ts).
 * `node test/support/record-turns.ts test/recorded/turns-N.ndjson`, once a version; what was recorded is never changed.
 */
import { writeFileSync } from 'node:fs';
import { conversationMigrations } from '../../durable-objects/conversation/conversation-migrations.ts';
import { takeUp, type Recorded, type RecordedHead } from './recorded-turns.ts';
import { outcomeOf, playOut, prepare, turnScenarios, type TurnScenario } from './turn-scenarios.ts';
import { TurnWorld } from './turn-world.ts';
import type { ResponseId } from '../../shared/core/ids.ts';
import type { Tables } from './crashing-storage.ts';

/** Of each scenario. */
const Deaths = 4;

async function dieAt(scenario: TurnScenario, fuse: number): Promise<{ rows: Tables; waiting: Tables[] } | undefined> {
  const world = new TurnWorld();
  prepare(world, scenario);
  for (const text of scenario.past ?? []) world.say(text);
  world.disk.fuse = fuse;
  const id = world.send('Do it.', 'reject', scenario.change);
  const waiting: Tables[] = [];
  if (id) await playOut(world, id, () => waiting.push(world.disk.rows()));
  return id && !world.isDead ? undefined : { rows: world.disk.rows(), waiting };
}

/** Every state that the disk goes through, the same once. */
async function disksOf(scenario: TurnScenario): Promise<Tables[]> {
  const disks = new Map<string, Tables>();
  for (let fuse = 0; ; fuse++) {
    const death = await dieAt(scenario, fuse);
    if (!death) return [...disks.values()];
    for (const rows of [...death.waiting, death.rows]) {
      if (!rows['responses']) continue;
      const print = JSON.stringify([rows['turns'], rows['effects'], rows['approvals'], rows['events']]);
      disks.set(print.replaceAll(/_[0-9a-z]{26,}/g, ''), rows);
    }
  }
}

const [path] = process.argv.slice(2);
if (path === undefined) throw new Error('Where to?');
const head: RecordedHead = { migrations: conversationMigrations };
const lines: unknown[] = [head];
for (const scenario of turnScenarios) {
  const disks = await disksOf(scenario);
  const count = Math.min(Deaths, disks.length);
  for (let at = 0; at < count; at++) {
    const rows = disks[Math.floor((at * (disks.length - 1)) / Math.max(1, count - 1))]!;
    const id = rows['responses']![0]!['id'] as ResponseId;
    const world = await takeUp(head, scenario, rows, id);
    lines.push({ scenario: scenario.name, id, rows, outcome: outcomeOf(world, id) } satisfies Recorded);
  }
  console.log(`${scenario.name}: ${count} of ${disks.length} disks`);
}
writeFileSync(path, lines.map((line) => `${JSON.stringify(line)}\n`).join(''));
// The deadlines of the turns that died are still running.
process.exit(0);
