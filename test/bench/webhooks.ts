/**
 * `npm run bench:webhooks`: events to many webhooks, a tenth of them down, a tenth slow, a tenth coming and going, with
 * everything killed ten times in between. Options: --events, --endpoints, --spread (each event to one endpoint, by its
 * filter, and not to all), --rate (events a second), --kills, --slow-ms, --within (seconds after the
 * last event that the missing ones are waited for).
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { repositoryRoot } from '../../scripts/platform.ts';
import { runStorm } from '../support/webhook-storm.ts';

const { values } = parseArgs({
  options: {
    events: { type: 'string', default: '2000' },
    endpoints: { type: 'string', default: '50' },
    spread: { type: 'boolean', default: false },
    rate: { type: 'string', default: '15' },
    kills: { type: 'string', default: '10' },
    within: { type: 'string', default: '900' },
    'slow-ms': { type: 'string', default: '300' },
  },
});
const endpoints = Number(values.endpoints);
const tenth = Math.floor(endpoints / 10);
const dataDir = mkdtempSync(join(tmpdir(), 'freehold-webhooks-'));
try {
  const report = await runStorm({
    dataDir,
    events: Number(values.events),
    endpoints,
    spread: values.spread,
    down: tenth,
    slow: tenth,
    flapping: tenth,
    slowMs: Number(values['slow-ms']),
    rate: Number(values.rate),
    kills: Number(values.kills),
    withinMs: Number(values.within) * 1_000,
  });
  mkdirSync(join(repositoryRoot, 'dist'), { recursive: true });
  writeFileSync(
    join(repositoryRoot, 'dist/bench-webhooks.json'),
    `${JSON.stringify({ ...values, ...report }, null, 2)}\n`,
  );
  console.log(JSON.stringify({ ...values, ...report }, null, 2));
} finally {
  rmSync(dataDir, { recursive: true, force: true });
}
