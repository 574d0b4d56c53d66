/** Agents as data: files applied to a running platform, versions compared, greetings shown and counted. */
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { stringify } from 'yaml';
import { run } from '../../scripts/freehold/apply.ts';
import { repositoryRoot } from '../../scripts/platform.ts';
import { startTestPlatform, type CreatedTenant, type TestPlatform } from '../support/running-platform.ts';

type Listed = { slug: string; name: string; version: number; published: Record<string, number | null> };

let platform: TestPlatform;
let tenant: CreatedTenant;
let folder: string;

beforeAll(async () => {
  platform = await startTestPlatform();
  tenant = await platform.createTenant('acme');
  folder = mkdtempSync(join(tmpdir(), 'agents-'));
});
afterAll(async () => {
  await platform.stop();
  rmSync(folder, { recursive: true, force: true });
});

const client = () => platform.client(tenant);
const agents = async () => (await client().require<{ data: Listed[] }>('GET', '/v1/agents?limit=100')).data;
const find = (slug: string) => client().require<Listed>('GET', `/v1/agents/${slug}`);
const write = (file: object, name = 'one.yaml') => {
  writeFileSync(join(folder, name), stringify(file));
  return join(folder, name);
};
async function apply(...args: string[]) {
  const lines: string[] = [];
  const env = { FREEHOLD_URL: `http://acme.localhost:${platform.port}`, FREEHOLD_API_KEY: tenant.key };
  const say = (line: string) => lines.push(line);
  return { code: await run(args, env, { say, complain: say }), text: lines.join('\n') };
}

describe('a definition that cannot be', () => {
  const http = (more: object) => ({
    tools: [
      { type: 'http', name: 'pay', method: 'POST', url: 'https://shop.example.com/pay', parameters: {}, ...more },
    ],
  });
  const schema = (parameters: object) => http({ parameters });

  test.for<[object, string]>([
    [{ modle: 'org/tiny' }, 'modle'],
    [{ limits: { max_stpes: 3 } }, 'limits.max_stpes'],
    [{ persona: { nmae: 'x' } }, 'persona.nmae'],
    [http({ metod: 'GET' }), 'tools.0'],
    [schema({ type: 'strnig' }), 'tools.0'],
    [schema({ type: 'string' }), 'tools.0'],
    [schema({ type: 'object', properties: { run: 5 } }), 'tools.0'],
    [schema({ type: 'object', required: 'run' }), 'tools.0'],
    [schema({ $ref: 'https://example.com/schema.json' }), 'tools.0'],
    [schema({ type: 'object', properties: { run: { pattern: '(' } } }), 'tools.0'],
  ])('%j is refused by its field, and neither an agent nor a version is made', async ([definition, param]) => {
    const slug = 'never';
    const made = await client().call('POST', '/v1/agents', { slug, name: 'Never', definition });
    const { error } = made.body as { error: { code: string; param: string; message: string } };
    expect([made.status, error.code]).toEqual([400, 'invalid_request']);
    expect(`${error.param} ${error.message}`).toContain(param);
    expect((await client().call('GET', `/v1/agents/${slug}`)).status).toBe(404);
  });
});

describe('apply', () => {
  const templates = readdirSync(join(repositoryRoot, 'agents'))
    .filter((name) => name.endsWith('.yaml'))
    .map((name) => join(repositoryRoot, 'agents', name));
  const hosts = [
    ...new Set(
      'metrics deploy siem identity desk docs crm controls billing hr ats wiki devices status forge ci warehouse search contracts erp ledger expenses cms feedback usage registry calendar building shipping register'.split(
        ' ',
      ),
    ),
  ].flatMap((name) => ['--set', `${name}_host=${name}.example.com`]);

  test('shows its plan and does nothing, does it with --yes, and has nothing to do after that', async () => {
    const shown = await apply(...templates, ...hosts);
    expect(shown.text).toContain('+ support-agent: create "SupportAgent", live in dev, staging, prod');
    expect(shown.text).toContain(`${templates.length} steps. Nothing was done`);
    expect(await agents()).toEqual([]);
    expect(await apply(...templates, ...hosts, '--yes')).toMatchObject({ code: 0 });
    expect(await agents()).toHaveLength(templates.length);
    const again = await apply(...templates, ...hosts, '--yes');
    expect(again).toEqual({ code: 0, text: `Nothing to do: ${templates.length} agents are as their files say.` });
    expect((await agents()).every(({ version }) => version === 1)).toBe(true);
  });

  test('makes one version of a change, and publishes it where the file says', async () => {
    const file = { slug: 'changing', name: 'Changing', definition: { instructions: 'One.' } };
    await apply(write(file), '--yes');
    const path = write({ ...file, name: 'Changed', publish: ['dev'], definition: { instructions: 'Two.' } });
    const plan = await apply(path);
    expect(plan.text).toContain('~ changing: rename "Changing" to "Changed"');
    expect(plan.text).toContain('a new version, live in dev\n    replace /instructions');
    await apply(path, '--yes');
    await apply(path, '--yes');
    expect(await find('changing')).toMatchObject({
      name: 'Changed',
      version: 2,
      published: { dev: 2, staging: 1, prod: 1 },
    });
  });

  test('does the rest of what was broken off: a version that was made is published, not made again', async () => {
    const file = { slug: 'broken-off', name: 'B', definition: { instructions: 'One.' } };
    await apply(write(file), '--yes');
    await client().require('POST', '/v1/agents/broken-off/versions', { instructions: 'Two.' });
    await apply(write({ ...file, definition: { instructions: 'Two.' } }), '--yes');
    expect(await find('broken-off')).toMatchObject({ version: 2, published: { dev: 2, staging: 2, prod: 2 } });
  });

  test('has a new agent live only where its file says', async () => {
    await apply(write({ slug: 'only-dev', name: 'D', publish: ['dev'] }), '--yes');
    expect(await find('only-dev')).toMatchObject({ published: { dev: 1, staging: null, prod: null } });
    const answer = await client().call('POST', '/v1/responses', { model: 'agent/only-dev', input: 'Hello?' });
    expect(answer.status).toBe(404);
    expect((await client().call('POST', '/v1/agents/only-dev/sessions', {})).status).toBe(404);
    await client().require('POST', '/v1/agents/only-dev/publish', { version: 1, environment: 'prod' });
    expect(await find('only-dev')).toMatchObject({ published: { prod: 1 } });
  });

  test('deletes nothing without --prune, and with it what no file names', async () => {
    const kept = write({ slug: 'kept', name: 'Kept' });
    const before = (await agents()).length;
    await apply(kept, '--yes');
    expect(await agents()).toHaveLength(before + 1);
    const plan = await apply(kept, '--prune');
    expect(plan.text.match(/^- /gm)).toHaveLength(before);
    expect(await agents()).toHaveLength(before + 1);
    await apply(kept, '--prune', '--yes');
    expect((await agents()).map(({ slug }) => slug)).toEqual(['kept']);
  });

  test('asks for nothing where one of the files is wrong, and names each', async () => {
    const good = write({ slug: 'good', name: 'Good' }, 'good.yaml');
    const bad = write({ slug: 'bad', name: 'Bad', definition: { tool: [] } }, 'bad.yaml');
    const same = write({ slug: 'good', name: 'Same' }, 'same.yaml');
    const result = await apply(good, bad, same, join(folder, 'none.yaml'), '--yes');
    expect(result.code).toBe(2);
    for (const part of ['bad.yaml: definition', 'same.yaml: ', 'none.yaml: there is no such file']) {
      expect(result.text).toContain(part);
    }
    expect((await agents()).map(({ slug }) => slug)).not.toContain('good');
  });

  test('says what the platform refused', async () => {
    const env = { FREEHOLD_URL: `http://acme.localhost:${platform.port}`, FREEHOLD_API_KEY: 'wrong' };
    const lines: string[] = [];
    expect(
      await run([write({ slug: 'a', name: 'A' })], env, { say: () => {}, complain: (line) => lines.push(line) }),
    ).toBe(1);
    expect(lines.join()).toMatch(/GET \/v1\/agents\?limit=100: 401/);
  });
});

describe('versions', () => {
  test('are compared by what changed', async () => {
    await client().require('POST', '/v1/agents', { slug: 'compared', name: 'C', definition: { goals: ['a', 'b'] } });
    await client().require('POST', '/v1/agents/compared/versions', { goals: ['a'], persona: { role: 'Clerk' } });
    await client().require('POST', '/v1/agents/compared/versions', { goals: ['c'] });
    const diff = async (query: string) =>
      (await client().call('GET', `/v1/agents/compared/diff${query}`)) as {
        status: number;
        body: { changes: unknown };
      };
    expect((await diff('')).body).toMatchObject({ object: 'agent.diff', from: 2, to: 3 });
    expect((await diff('?from=1&to=3')).body.changes).toEqual([
      { op: 'replace', path: '/goals/0', before: 'a', after: 'c' },
      { op: 'remove', path: '/goals/1', before: 'b' },
    ]);
    expect((await diff('?from=3&to=1')).body.changes).toHaveLength(2);
    expect((await diff('?from=1&to=9')).status).toBe(404);
    expect((await diff('?from=0')).status).toBe(400);
  });
});

describe('a version named in the model', () => {
  test('answers as it is, live or not, to who may read agents, and to nobody else', async () => {
    const says = (hour: string) => ({ instructions: `The workshop opens at ${hour}.` });
    await client().require('POST', '/v1/agents', { slug: 'keeper', name: 'Keeper', definition: says('nine') });
    await client().require('PATCH', '/v1/agents/keeper', { definition: says('ten'), publish: false });
    const key = (permissions: readonly string[]) =>
      client().require<{ secret: string }>('POST', '/v1/keys', { name: permissions.join(), permissions });
    const [caller, visitor] = await Promise.all([
      key(['inference:invoke']),
      platform.call('POST', 'acme.localhost', '/v1/sessions', { body: {} }),
    ]);
    const ask = async (model: string, token: string) => {
      const body = { model, input: 'At which hour does the workshop open?' };
      const answer = await platform.call('POST', 'acme.localhost', '/v1/responses', { token, body });
      return { status: answer.status, text: answer.text };
    };
    const hours = async (model: string) => /opens at (nine|ten)/.exec((await ask(model, tenant.key)).text)?.[1];
    expect([await hours('agent/keeper'), await hours('agent/keeper@1'), await hours('agent/keeper@2')]).toEqual([
      'nine',
      'nine',
      'ten',
    ]);
    expect((await ask('agent/keeper', caller.secret)).status).toBe(200);
    for (const [model, token] of [
      ['agent/keeper@2', caller.secret],
      ['agent/keeper@1', (visitor.json() as { token: string }).token],
      ['agent/keeper@3', tenant.key],
      ['agent/keeper@0', tenant.key],
      ['agent/keeper@', tenant.key],
      ['agent/keeper@1@2', tenant.key],
      ['agent/keeper@01', tenant.key],
    ] as const) {
      const { status, text } = await ask(model, token);
      expect([status, text], model).toEqual([404, expect.stringContaining('model_not_found')]);
    }
    // It is no other way to the agent itself.
    expect((await platform.call('GET', 'acme.localhost', '/v1/agents/keeper@1', { token: tenant.key })).status).toBe(
      404,
    );
  });
});

describe('greetings', () => {
  test('go by language and time zone, and variants by visitor, each counted', async () => {
    await client().require('POST', '/v1/agents', {
      slug: 'greeter',
      name: 'G',
      definition: {
        greeting: {
          default: [
            { name: 'short', text: 'Hi' },
            { name: 'long', text: 'Hello there' },
          ],
          cases: [{ when: { language: 'de' }, say: 'Servus' }],
        },
      },
    });
    const greet = async (body: object) =>
      (await client().require<{ greeting: string }>('POST', '/v1/agents/greeter/sessions', body)).greeting;
    expect(await greet({ visitor: 'x', language: 'de-AT', timezone: 'Europe/Vienna' })).toBe('Servus');
    const shown = { Hi: 0, 'Hello there': 0 };
    for (let visitor = 0; visitor < 12; visitor++) {
      const first = await greet({ visitor: `v${visitor}` });
      expect(await greet({ visitor: `v${visitor}` })).toBe(first);
      shown[first as 'Hi'] += 2;
    }
    expect(shown.Hi).toBeGreaterThan(0);
    expect(shown['Hello there']).toBeGreaterThan(0);
    const { data } = await client().require<{ data: object[] }>('GET', '/v1/agents/greeter/greetings');
    expect(data).toEqual([
      { object: 'agent.greeting', version: 1, variant: 'long', shown: shown['Hello there'] },
      { object: 'agent.greeting', version: 1, variant: 'short', shown: shown.Hi },
    ]);
    const page = await client().require<{ data: object[]; next_cursor: string }>(
      'GET',
      '/v1/agents/greeter/greetings?limit=1',
    );
    expect(page.data).toEqual(data.slice(0, 1));
    const rest = await client().require(
      'GET',
      `/v1/agents/greeter/greetings?cursor=${encodeURIComponent(page.next_cursor)}`,
    );
    expect(rest).toMatchObject({ data: data.slice(1), has_more: false });
    expect((await client().call('POST', '/v1/agents/greeter/sessions', { timezone: 'Mars/X' })).status).toBe(400);
  });

  test('on the chat page go by Accept-Language', async () => {
    for (const { slug } of await agents()) await client().require('DELETE', `/v1/agents/${slug}`);
    const greeting = { default: 'Hello', cases: [{ when: { language: 'fr' }, say: 'Bonjour' }] };
    await client().require('POST', '/v1/agents', { slug: 'page', name: 'P', definition: { greeting } });
    const ask = async (headers: Record<string, string>, body: object = {}) =>
      (await platform.call('POST', 'acme.localhost', '/v1/sessions', { headers, body })).json() as { greeting: string };
    expect((await ask({ 'accept-language': 'es, fr-CA;q=0.9' })).greeting).toBe('Bonjour');
    expect((await ask({ 'accept-language': 'fr' }, { language: 'en' })).greeting).toBe('Hello');
    expect((await ask({})).greeting).toBe('Hello');
  });
});
