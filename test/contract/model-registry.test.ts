/**
 * The registry as its operator works with it: a file, a plan, what tenants then may ask for, and the way back. The file of
 * the repository itself is applied to a bridge, so what it says is what nodes say.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { run } from '../../scripts/freehold/models.ts';
import { repositoryRoot } from '../../scripts/platform.ts';
import { startTestPlatform, type CreatedTenant, type TestPlatform } from '../support/running-platform.ts';
import { waitUntil } from '../support/wait-until.ts';

let platform: TestPlatform;
let acme: CreatedTenant;
let other: CreatedTenant;
let folder: string;

beforeAll(async () => {
  platform = await startTestPlatform();
  acme = await platform.createTenant('acme');
  other = await platform.createTenant('other');
  folder = mkdtempSync(join(tmpdir(), 'freehold-models-'));
});
afterAll(async () => {
  await platform.stop();
  rmSync(folder, { recursive: true, force: true });
});

async function models(...args: string[]): Promise<{ readonly code: number; readonly said: string }> {
  const lines: string[] = [];
  const say = (line: string) => void lines.push(line);
  const env = {
    FREEHOLD_PLATFORM_URL: `http://localhost:${platform.port}`,
    FREEHOLD_OPERATOR_TOKEN: platform.secrets.operator_token,
  };
  return { code: await run(args, env, { say, complain: say }), said: lines.join('\n') };
}

function file(text: string): string {
  const path = join(folder, 'models.yaml');
  writeFileSync(path, text);
  return path;
}

/** What a chat on the model is answered with: the model's own name, or the code of the refusal. */
async function ask(tenant: CreatedTenant, model: string): Promise<string> {
  const body = { model, messages: [{ role: 'user', content: 'hello' }] };
  const answer = await platform.call('POST', `${tenant.slug}.localhost`, '/v1/chat/completions', {
    token: tenant.key,
    body,
  });
  const { model: used, error } = answer.json() as { model?: string; error?: { code: string } };
  return used ?? error?.code ?? '';
}

/** Isolates keep what they know of the registry for a second. */
async function untilAsked(tenant: CreatedTenant, model: string, answer: string): Promise<void> {
  await waitUntil(`${model} is ${answer}`, async () => (await ask(tenant, model)) === answer);
}

test('the file of the repository is planned, applied once, and says what the nodes say', async () => {
  const own = join(repositoryRoot, 'models.yaml');
  const planned = await models('plan', '--file', own);
  expect(planned.said).toContain('+ quotes: version 1');
  expect(planned.said).toContain('Nothing was done');
  expect(await ask(acme, 'quotes')).toBe('model_not_found');
  const applied = await models('apply', '--file', own);
  expect(applied).toMatchObject({ code: 0, said: expect.stringContaining('Done: ') });
  expect(applied.said).not.toMatch(/^[!?]/m);
  await untilAsked(acme, 'quotes', 'freehold/extractive');
  expect((await models('apply', '--file', own)).said).toContain('Nothing to do');
});

test('a change is a revision: names, tenants and versions take effect, drift is told, and it can be taken back', async () => {
  const changed = readFileSync(join(repositoryRoot, 'models.yaml'), 'utf8').replace(
    'operations: [chat]',
    'operations: [chat, speech]\n    tenants: [acme]\n    aliases: [fast, { name: mine, tenant: acme }]',
  );
  const applied = await models('apply', '--file', file(changed));
  expect(applied.said).toContain('! quotes 1: operations: chat, speech in the registry, chat on the nodes');
  await untilAsked(acme, 'fast', 'freehold/extractive');
  expect(await ask(acme, 'mine')).toBe('freehold/extractive');
  await untilAsked(other, 'quotes', 'model_not_found');
  for (const name of ['fast', 'mine', 'freehold/extractive', 'default']) {
    expect(await ask(other, name)).toBe('model_not_found');
  }
  const listed = await platform.client(acme).require<{ data: { id: string }[] }>('GET', '/v1/models');
  expect(listed.data.map(({ id }) => id)).toEqual(expect.arrayContaining(['fast', 'mine', 'quotes']));
  const back = await models('rollback', 'quotes');
  expect(back).toMatchObject({ code: 0, said: expect.stringContaining('as revision 3') });
  await untilAsked(other, 'quotes', 'freehold/extractive');
  expect(await ask(acme, 'fast')).toBe('model_not_found');
});

test('a name that is taken, an unknown tenant and a file that is wrong are refused before anything is done', async () => {
  const entry = (more: string) =>
    `models:\n  - { id: third, current: "1", versions: [{ version: "1", model: x }], ${more} }\n`;
  const taken = await models('apply', '--file', file(entry('aliases: [quotes]')));
  expect(taken).toMatchObject({ code: 1, said: expect.stringContaining('is taken by the model') });
  expect(await models('apply', '--file', file(entry('tenants: [nobody]')))).toMatchObject({
    code: 2,
    said: expect.stringContaining('there is no tenant "nobody"'),
  });
  expect(await models('apply', '--file', file(entry('current: "2"')))).toMatchObject({ code: 2 });
  expect(await models('rollback', 'third')).toMatchObject({ code: 1 });
  expect(await models('list')).toMatchObject({ code: 2, said: expect.stringContaining('usage') });
});

test('what is pruned is asked for by the names that nodes announce', async () => {
  const kept = 'models: []\n';
  expect((await models('plan', '--file', file(kept))).said).toContain('Nothing to do');
  expect((await models('apply', '--prune', '--file', file(kept))).said).toContain('- quotes');
  await untilAsked(acme, 'quotes', 'model_not_found');
  expect(await ask(acme, 'freehold/extractive')).toBe('freehold/extractive');
  expect((await models('plan', '--file', file(kept))).said).toContain('? freehold/extractive: announced');
});
