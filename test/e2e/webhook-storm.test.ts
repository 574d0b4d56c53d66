/** The benchmark of webhooks, small: nothing is lost by `kill -9`, and a bad receiver delays no good one. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { runStorm } from '../support/webhook-storm.ts';

const dataDir = mkdtempSync(join(tmpdir(), 'freehold-storm-'));
afterAll(() => rmSync(dataDir, { recursive: true, force: true }));

test('two kills lose no event to any endpoint that lives, whatever its neighbours do, and each keeps its id and its bytes', async () => {
  const report = await runStorm({
    dataDir,
    events: 80,
    endpoints: 10,
    spread: false,
    down: 2,
    slow: 1,
    flapping: 1,
    slowMs: 200,
    rate: 8,
    kills: 2,
    withinMs: 60_000,
  });
  console.log(`webhook storm: ${JSON.stringify(report)}`);
  expect(report.events).toBeGreaterThanOrEqual(80);
  const none = { waiting: 0, lost: 0 };
  // What one that comes and goes refused twice waits for five minutes.
  expect(report).toMatchObject({ missing: { healthy: none, slow: none, flapping: { lost: 0 } }, changed: 0 });
}, 180_000);
