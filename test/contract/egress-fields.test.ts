/**
 * Every field that takes an address of a tenant's choosing, by every form that leads where a tenant has no business: refused
 * when it is set. What was set while the operator allowed it is not asked once they do not. (O-1, API7, ASVS 13.2.4)
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { EgressTarget } from '../support/egress-target.ts';
import { FakeNode } from '../support/fake-node.ts';
import { forbiddenAddresses, forbiddenUrls, loopbackSpellings } from '../support/forbidden-urls.ts';
import { LocalIssuer } from '../support/local-issuer.ts';
import { fakeNodeConfig, PlainModel } from '../support/platform-with-node.ts';
import { startTestPlatform, type Answer, type CreatedTenant, type TestPlatform } from '../support/running-platform.ts';
import { waitUntil } from '../support/wait-until.ts';

type Method = 'POST' | 'PATCH';
type Call = (method: Method, path: string, body: object) => Promise<Answer>;
type Made = { readonly id: string };

const tool = { type: 'http', name: 'look', description: 'Looks.' };
const withTools = (...tools: object[]) => ({ model: PlainModel, tools });
const document = (url: string) => ({
  openapi: '3.0.0',
  servers: [{ url }],
  paths: { '/x': { get: { operationId: 'look', responses: {} } } },
});
const image = (url: string) => ({ type: 'input_image', image_url: url });
const picture = (url: unknown) => [{ role: 'user', content: [{ type: 'image_url', image_url: url }] }];

/** Each sets the field, and nothing else that could be refused. */
const fields: Readonly<Record<string, (call: Call, url: string, at: number) => Promise<Answer>>> = {
  'a webhook': (call, url) => call('POST', '/v1/webhooks', { url }),
  'a webhook that is changed': (call, url) => call('PATCH', `/v1/webhooks/${webhook}`, { url }),
  'a tool': (call, url, at) =>
    call('POST', '/v1/agents', { slug: `a${at}`, name: 'A', definition: withTools({ ...tool, url }) }),
  'a tool of a new version': (call, url) => call('POST', '/v1/agents/own/versions', withTools({ ...tool, url })),
  'a tool of a changed agent': (call, url) =>
    call('PATCH', '/v1/agents/own', { definition: withTools({ ...tool, url }) }),
  'a tool with arguments in its path': (call, url) =>
    call('POST', '/v1/agents/own/versions', withTools({ ...tool, url: `${url}{id}`, parameters })),
  "an OpenAPI document's server": (call, url) =>
    call('POST', '/v1/agents/own/versions', withTools({ type: 'openapi', document: document(url) })),
  'an MCP server': (call, url) =>
    call('POST', '/v1/agents/own/versions', withTools({ type: 'mcp', server_label: 'm', server_url: url })),
  'an issuer': (call, url) =>
    call('POST', '/v1/issuers', { issuer: url, audience: 'x', jwks_uri: 'https://op.example.com/jwks' }),
  "an issuer's keys": (call, url) =>
    call('POST', '/v1/issuers', { issuer: 'https://op.example.com', audience: 'x', jwks_uri: url }),
  'a logo': (call, url) => call('PATCH', '/v1/branding', { logo: url }),
  'a favicon': (call, url) => call('PATCH', '/v1/branding', { favicon: url }),
  'an image of a response': (call, url) =>
    call('POST', '/v1/responses', { model: PlainModel, input: [{ role: 'user', content: [image(url)] }] }),
  'an image of a conversation': (call, url) =>
    call('POST', '/v1/conversations', { items: [{ role: 'user', content: [image(url)] }] }),
  'an image of a chat': (call, url) =>
    call('POST', '/v1/chat/completions', { model: PlainModel, messages: picture({ url }) }),
  'an image of a chat, by its address alone': (call, url) =>
    call('POST', '/v1/chat/completions', { model: PlainModel, messages: picture(url) }),
};
const parameters = { type: 'object', properties: { id: { type: 'string' } } };

const inBrackets = (address: string) => (address.includes(':') ? `[${address}]` : address);
let target: EgressTarget;
let platform: TestPlatform;
let tenant: CreatedTenant;
let webhook: string;

describe('an address that leads inside is refused as', () => {
  let forms: readonly string[];

  beforeAll(async () => {
    target = await EgressTarget.start();
    platform = await startTestPlatform({ vars: { EGRESS_ALLOW: '' } });
    tenant = await platform.createTenant('acme');
    const client = platform.client(tenant);
    await client.require('POST', '/v1/agents', { slug: 'own', name: 'Own' });
    webhook = (await client.require<Made>('POST', '/v1/webhooks', { url: 'https://hooks.example.com/' })).id;
    const spelled = loopbackSpellings(target.port);
    forms = [
      ...spelled,
      ...spelled.map((url) => url.replace('http:', 'https:')),
      ...forbiddenAddresses.map((address) => `https://${inBrackets(address)}/`),
      ...forbiddenUrls,
    ];
  });
  afterAll(async () => {
    await platform.stop();
    await target.stop();
  });

  test.each(Object.entries(fields))('%s', async (_, set) => {
    expect(forms.length).toBeGreaterThan(130);
    const call: Call = (method, path, body) =>
      platform.call(method, 'acme.localhost', path, { token: tenant.key, body });
    const taken: unknown[] = [];
    for (const [at, url] of forms.entries()) {
      const { status, text } = await set(call, url, at);
      if (status !== 400) taken.push([url, status, text.slice(0, 200)]);
    }
    expect(taken).toEqual([]);
    expect(target.seen).toEqual([]);
  });

  test('a hostname of its own', async () => {
    const hosts = [
      ...loopbackSpellings(target.port),
      ...forbiddenAddresses.map((address) => `http://${inBrackets(address)}/`),
    ]
      .map((url) => /^http:\/\/(.*?)(?::\d+)?\/$/.exec(url)![1]!)
      .filter((host) => host !== 'localhost.localdomain');
    for (const hostname of hosts) {
      const body = { hostname };
      const { status } = await platform.call('POST', 'acme.localhost', '/v1/domains', { token: tenant.key, body });
      expect([hostname, status]).toEqual([hostname, 400]);
    }
    expect(target.seen).toEqual([]);
  });
});

test('what was set while the operator allowed it is not asked once they do not', async () => {
  const dataDir = mkdtempSync(join(tmpdir(), 'freehold-'));
  const [asked, issuer, node] = [
    await EgressTarget.start(),
    await LocalIssuer.start(['ES256']),
    await FakeNode.start(),
  ];
  node.script = { ...node.script, models: [PlainModel] };
  const start = (allow: string) =>
    startTestPlatform({ dataDir, vars: { EGRESS_ALLOW: allow }, bridge: { nodes: [fakeNodeConfig(node)] } });
  let running = await start('127.0.0.0/8,localhost');
  try {
    const own = await running.createTenant('acme');
    const client = () => running.client(own);
    const make = <T = Made>(path: string, body: object) => client().require<T>('POST', path, body);
    const allowed = [`${asked.url}/hook`, `http://localhost:${asked.port}/hook`, `http://127.1:${asked.port}/hook`];
    const hooks = await Promise.all(allowed.map((url) => make('/v1/webhooks', { url, events: ['webhook.test'] })));
    const fetcher = { type: 'builtin', name: 'http_fetch', allow: [`127.0.0.1:${asked.port}`], approval: 'never' };
    const mcp = { type: 'mcp', server_label: 'm', server_url: `${asked.url}/mcp`, approval: 'never' };
    const definition = withTools(
      { ...tool, url: `${asked.url}/tool`, approval: 'never', answers: 'text' },
      fetcher,
      mcp,
    );
    await make('/v1/agents', { slug: 'own', name: 'Own', definition });
    await make('/v1/issuers', { issuer: issuer.url, audience: 'freehold', jwks_uri: `${issuer.url}/jwks` });
    const token = await issuer.sign({ sub: 'ada' });
    const calls = [
      { name: 'look', arguments: {} },
      { name: 'http_fetch', arguments: { url: `${asked.url}/page` } },
    ];
    node.script = {
      ...node.script,
      reply: ({ body }) => (JSON.stringify(body['messages']).includes('"role":"tool"') ? { text: 'Done.' } : { calls }),
    };
    const attempts = async (id: string) =>
      (await client().require<{ data: { fault: string | null }[] }>('GET', `/v1/webhooks/${id}/attempts`)).data;
    const useAll = async () => {
      const before = new Map<string, number>();
      for (const { id } of hooks) {
        before.set(id, (await attempts(id)).length);
        await make(`/v1/webhooks/${id}/test`, {});
      }
      await make('/v1/responses', { model: 'agent/own', input: 'Look.' });
      const signedIn = await running.call('GET', 'acme.localhost', '/v1/agents', { token });
      for (const { id } of hooks) {
        await waitUntil('it is tried', async () => (await attempts(id)).length > before.get(id)!);
      }
      return signedIn.status;
    };
    await useAll();
    expect(new Set(asked.seen.map(({ url }) => url))).toEqual(new Set(['/hook', '/mcp', '/tool', '/page']));
    expect(issuer.jwksFetches).toBe(1);
    await running.stop();
    running = await start('');
    asked.seen.length = 0;
    issuer.jwksFetches = 0;
    expect(await useAll()).toBe(503);
    expect([asked.seen, issuer.jwksFetches]).toEqual([[], 0]);
    for (const { id } of hooks) expect((await attempts(id))[0]).toMatchObject({ fault: 'refused' });
  } finally {
    await running.stop();
    await Promise.all([asked.stop(), issuer.stop(), node.close()]);
    rmSync(dataDir, { recursive: true, force: true });
  }
});
