/**
 * The network that tenants' URLs are asked through, on one's own workerd, with the platform's own wiring and the rules for
 * URLs left out: whatever spelling or name leads to loopback, the connection itself is refused. A name that its owner
 * points at loopback after it was judged is such a name; `localhost` is one on every machine. (O-1, O-3, finding 7)
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { unstable_readConfig } from 'wrangler';
import { loadSecrets, repositoryRoot, startPlatform, type RunningPlatform } from '../../scripts/platform.ts';
import { EgressTarget } from '../support/egress-target.ts';
import { loopbackSpellings } from '../support/forbidden-urls.ts';

type Asked = { readonly status?: number; readonly error?: string };

const config = unstable_readConfig({ config: join(repositoryRoot, 'wrangler.toml') });
const classes = config.durable_objects.bindings.map(
  ({ class_name }: { class_name: string }) => `export class ${class_name} extends DurableObject {}`,
);
/** Asks a URL through the service that it is told, and nothing else. */
const probe = `
import { DurableObject } from 'cloudflare:workers';
${classes.join('\n')}
export default { async fetch(request, env) {
  const { service, url } = await request.json();
  try {
    const init = { redirect: 'manual', signal: AbortSignal.timeout(20000) };
    const answer = await (service === 'global' ? fetch(url, init) : env[service].fetch(url, init));
    await answer.text();
    return Response.json({ status: answer.status });
  } catch (error) {
    return Response.json({ error: String(error) });
  }
} }`;

let target: EgressTarget;
let dataDir: string;
let strict: RunningPlatform;
let listed: RunningPlatform;

beforeAll(async () => {
  target = await EgressTarget.start();
  dataDir = mkdtempSync(join(tmpdir(), 'freehold-'));
  const start = async (name: string, allow: string) => {
    const folder = join(dataDir, name);
    const secrets = await loadSecrets(folder);
    return startPlatform({ dataDir: folder, port: 0, secrets, script: probe, vars: { EGRESS_ALLOW: allow } });
  };
  [strict, listed] = [await start('strict', ''), await start('listed', '127.0.0.0/8')];
});
afterAll(async () => {
  await strict.stop();
  await listed.stop();
  await target.stop();
  rmSync(dataDir, { recursive: true, force: true });
});

async function ask(platform: RunningPlatform, service: string, url: string): Promise<Asked> {
  const body = JSON.stringify({ service, url });
  return (await (await fetch(`http://127.0.0.1:${platform.port}/`, { method: 'POST', body })).json()) as Asked;
}

async function reached(platform: RunningPlatform, service: string): Promise<number> {
  target.seen.length = 0;
  for (const url of loopbackSpellings(target.port)) await ask(platform, service, url);
  return target.seen.length;
}

test('no spelling of loopback, and no name that resolves to it, is connected to', async () => {
  expect(await reached(strict, 'EGRESS')).toBe(0);
  expect(await ask(strict, 'EGRESS', `http://localhost:${target.port}/`)).toMatchObject({
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
  expect(await ask(strict, 'EGRESS_NAMED', `http://localhost:${target.port}/`)).toEqual({ status: 200 });
  expect(target.seen).toHaveLength(1);
  expect(await ask(strict, 'EGRESS_NAMED', 'http://169.254.169.254/')).toMatchObject({
    error: expect.stringContaining('internal error') as string,
  });
});

test('a list that cannot be read is refused before anything starts', async () => {
  const secrets = await loadSecrets(join(dataDir, 'strict'));
  const wrong = startPlatform({ dataDir, port: 0, secrets, script: probe, vars: { EGRESS_ALLOW: '10.0.0.0/33' } });
  await expect(wrong).rejects.toThrow('EGRESS_ALLOW: "10.0.0.0/33" is no address');
});
