/**
 * Prometheus' own judge of metrics, rules and queries. It is the machine's; where there is none, it is installed if that may
 * be done, and otherwise the test fails and says what to do.
 */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { installPackage } from './install-package.ts';

const Place = '/usr/bin/promtool';

export type Judgement = { readonly ok: boolean; readonly text: string };

/** `input`: what it reads from standard input. */
export function promtool(args: readonly string[], input = ''): Judgement {
  const { status, stdout, stderr } = spawnSync(findPromtool(), args, { input, encoding: 'utf8' });
  return { ok: status === 0, text: `${stdout}${stderr}`.trim() };
}

/** The server, which is of the same package. */
export function findPrometheus(): string {
  return join(dirname(findPromtool()), 'prometheus');
}

function findPromtool(): string {
  const named = process.env['PROMTOOL'];
  if (named !== undefined) return named;
  if (!existsSync(Place)) installPackage('prometheus', '--no-install-recommends');
  if (existsSync(Place)) return Place;
  throw new Error('No promtool found. Install it (apt-get install prometheus) or name its path in PROMTOOL.');
}
