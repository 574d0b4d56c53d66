/**
 * The network that tenants' URLs are asked through, on one's own workerd, with the platform's own wiring and the rules for
 * URLs left out: whatever spelling or name leads to loopback, the connection itself is refused. A name that its owner
 * points at loopback after it was judged is such a name; `localhost` is one on every machine. (O-1, O-3, finding 7)
 */
import { execFile, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { repositoryRoot, type RunningPlatform } from '../../scripts/platform.ts';
import { askProbe, startProbe } from '../support/egress-probe.ts';
import { EgressTarget } from '../support/egress-target.ts';
import { loopbackSpellings } from '../support/forbidden-urls.ts';

let target: EgressTarget;
let dataDir: string;
let strict: RunningPlatform;
let listed: RunningPlatform;

beforeAll(async () => {
  target = await EgressTarget.start();
  dataDir = mkdtempSync(join(tmpdir(), 'freehold-'));
  strict = await startProbe(join(dataDir, 'strict'), '');
  listed = await startProbe(join(dataDir, 'listed'), '127.0.0.0/8');
});
afterAll(async () => {
  await strict.stop();
  await listed.stop();
  await target.stop();
  rmSync(dataDir, { recursive: true, force: true });
});

async function reached(platform: RunningPlatform, service: 'EGRESS' | 'global'): Promise<number> {
  target.seen.length = 0;
  for (const url of loopbackSpellings(target.port)) await askProbe(platform, service, url);
  return target.seen.length;
}

test('no spelling of loopback, and no name that resolves to it, is connected to', async () => {
  expect(await reached(strict, 'EGRESS')).toBe(0);
  expect(await askProbe(strict, 'EGRESS', `http://localhost:${target.port}/`)).toMatchObject({
    error: expect.stringContaining('internal error') as string,
  });
});

test('the same are reached without the network service, or where the operator lists the addresses', async () => {
  const [free, allowed] = [await reached(strict, 'global'), await reached(listed, 'EGRESS')];
  expect(free).toBeGreaterThan(15);
  expect(allowed).toBeGreaterThan(15);
});

test("a name that the operator lists may lead inside, and to no cloud's metadata", async () => {
  target.seen.length = 0;
  expect(await askProbe(strict, 'EGRESS_NAMED', `http://localhost:${target.port}/`)).toEqual({ status: 200 });
  expect(target.seen).toHaveLength(1);
  expect(await askProbe(strict, 'EGRESS_NAMED', 'http://169.254.169.254/')).toMatchObject({
    error: expect.stringContaining('internal error') as string,
  });
});

test('a list that cannot be read is refused before anything starts', async () => {
  const wrong = startProbe(join(dataDir, 'strict'), '10.0.0.0/33');
  await expect(wrong).rejects.toThrow('EGRESS_ALLOW: "10.0.0.0/33" is no address');
});

/** A resolver of the test's own needs a view of the file system of its own. */
const mayMount = spawnSync('unshare', ['-m', 'mount', '--bind', '/dev/null', '/etc/resolv.conf']).status === 0;

test.skipIf(!mayMount)(
  'three hundred names that change, or lead to two places at once, reach the listed address and never the denied one (O-3; skipped where mounts need rights)',
  async () => {
    const resolver = join(dataDir, 'resolv.conf');
    writeFileSync(resolver, 'nameserver 127.0.0.5\noptions timeout:5 attempts:1\n');
    const script = join(repositoryRoot, 'test/support/rebinding-run.ts');
    const mounted = 'mount --bind "$0" /etc/resolv.conf && exec "$@"';
    const command = ['-m', 'sh', '-c', mounted, resolver, process.execPath, script, join(dataDir, 'rebinding'), '300'];
    const { stdout } = await promisify(execFile)('unshare', command, { timeout: 280_000 });
    type Run = { readonly denied: number; readonly listed: number };
    const told = JSON.parse(stdout) as { strict: Run; permissive: Run; asked: number };
    expect(told.strict.denied).toBe(0);
    expect(told.strict.listed).toBeGreaterThan(100);
    expect(told.permissive.denied).toBeGreaterThan(100);
    expect(told.asked).toBeGreaterThanOrEqual(600);
  },
  300_000,
);
