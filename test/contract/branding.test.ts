/** How a tenant looks, on which sites its chat may stand, and whose session is honoured there. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startTestPlatform, type CreatedTenant, type TestPlatform } from '../support/running-platform.ts';
import { waitUntil } from '../support/wait-until.ts';

const site = 'https://www.acme.example';
const png = `data:image/png;base64,${Buffer.from('\x89PNG\r\n\x1a\n0000', 'latin1').toString('base64')}`;

let platform: TestPlatform;
let tenant: CreatedTenant;
let agent: string;

beforeAll(async () => {
  platform = await startTestPlatform();
  tenant = await platform.createTenant('acme');
  const made = await client().require<{ slug: string }>('POST', '/v1/agents', { slug: 'helper', name: 'Helper' });
  agent = made.slug;
});
afterAll(() => platform.stop());

const client = () => platform.client(tenant);
const patch = (body: unknown) => platform.call('PATCH', 'acme.localhost', '/v1/branding', { token: tenant.key, body });
const at = (method: 'GET' | 'POST' | 'OPTIONS', path: string, origin: string, options: object = {}) =>
  platform.call(method as 'GET', 'acme.localhost', path, { headers: { origin }, ...options });
const allow = async (...origins: string[]) => {
  await client().require('PATCH', '/v1/branding', { allowed_origins: origins });
  const expected = origins.includes(site) ? site : undefined;
  await waitUntil(
    'the allowed origins',
    async () => (await at('GET', '/v1/chat/profile', site)).headers['access-control-allow-origin'] === expected,
  );
};

describe('branding', () => {
  test('is changed member by member, and what is left out stays', async () => {
    await client().require('PATCH', '/v1/branding', { name: 'Acme', logo: png, colors: { accent: '#005f73' } });
    const changed = await client().require<object>('PATCH', '/v1/branding', { colors: { background: '#fdfaf3' } });
    expect(changed).toMatchObject({
      object: 'branding',
      name: 'Acme',
      logo: png,
      colors: { accent: '#005f73', background: '#fdfaf3', text: null },
      powered_by: true,
    });
    expect(await client().require('GET', '/v1/branding')).toEqual(changed);
  });

  test('warns of colours that some could not read, and takes them all the same', async () => {
    const changed = await client().require<{ warnings: string[] }>('PATCH', '/v1/branding', {
      colors: { background: '#ffffff', text: '#eeeeee', accent: '#005f73' },
    });
    expect(changed.warnings).toHaveLength(2);
    expect(changed.warnings[0]).toMatch(/^colors\.text on colors\.background: the contrast is 1\.2, and 4\.5/);
    const mended = await client().require<{ warnings: string[] }>('PATCH', '/v1/branding', {
      colors: { text: null, accent: '#5b8fd6' },
    });
    expect(mended.warnings.filter((warning) => warning.startsWith('colors.text on'))).toEqual([]);
  });

  test.for([
    ['a logo that is not the image it says', { logo: png.replace('png', 'jpeg') }, 'logo'],
    ['a logo that is a page', { logo: `data:text/html;base64,${btoa('<script>')}` }, 'logo'],
    ['a logo elsewhere', { logo: 'https://tracker.example/logo.png' }, 'logo'],
    ['a colour that is code', { colors: { accent: 'red;}body{display:none' } }, 'colors.accent'],
    [
      'a variable that ends its declaration',
      { css_variables: { '--freehold-gap': '1px;color:red' } },
      'css_variables.--freehold-gap',
    ],
    ['a variable that fetches', { css_variables: { '--freehold-gap': 'url(//x.example/a)' } }, 'css_variables'],
    ['a variable that is not ours', { css_variables: { color: 'red' } }, 'css_variables.color'],
    ['a link that runs', { legal_links: [{ label: 'Terms', url: 'javascript:alert(1)' }] }, 'legal_links.0.url'],
    ['an origin with a path', { allowed_origins: ['https://acme.example/chat'] }, 'allowed_origins.0'],
    ['every origin', { allowed_origins: ['*'] }, 'allowed_origins.0'],
    ['an unknown member', { colour: 'red' }, 'colour'],
  ] as const)('refuses %s, and changes nothing', async ([, body, param]) => {
    const before = await client().require('GET', '/v1/branding');
    const answer = await patch(body);
    expect([answer.status, (answer.json() as { error: { param: string } }).error.param]).toEqual([400, param]);
    expect(await client().require('GET', '/v1/branding')).toEqual(before);
  });

  test('is what the chat learns before anybody has signed in, without what is not for visitors', async () => {
    await client().require('PATCH', '/v1/branding', { name: 'Acme', allowed_origins: [] });
    const profile = (await platform.call('GET', 'acme.localhost', '/v1/chat/profile')).json();
    expect(profile).toMatchObject({ object: 'chat.profile', agent, agent_name: 'Helper', name: 'Acme' });
    expect(profile).not.toHaveProperty('allowed_origins');
  });

  test('of one tenant is never another’s', async () => {
    await platform.createTenant('globex');
    const other = await platform.call('GET', 'globex.localhost', '/v1/chat/profile');
    expect(other.text).not.toContain('Acme');
  });
});

describe('a page of another site', () => {
  test('may hold the chat where the tenant has named the site, and be told so beforehand', async () => {
    await allow(site);
    const asked = await at('OPTIONS', '/v1/responses', site, {
      headers: {
        origin: site,
        'access-control-request-method': 'POST',
        'access-control-request-headers': 'authorization,content-type',
      },
    });
    expect(asked.status).toBe(204);
    expect(asked.headers).toMatchObject({
      'access-control-allow-origin': site,
      'access-control-allow-headers': 'authorization,content-type',
      vary: 'origin',
    });
    expect(asked.headers['access-control-allow-credentials']).toBeUndefined();
    const session = await at('POST', '/v1/sessions', site, { body: {} });
    expect(session.status).toBe(201);
    const { token } = session.json() as { token: string };
    const answer = await at('POST', '/v1/responses', site, {
      token,
      body: { model: `agent/${agent}`, input: 'Hello' },
    });
    expect([answer.status, answer.headers['access-control-allow-origin']]).toEqual([200, site]);
  });

  test('gets neither a session nor an answer that it may read where the tenant has not', async () => {
    const stranger = 'https://evil.example';
    await allow(site);
    const asked = await at('OPTIONS', '/v1/responses', stranger, {
      headers: { origin: stranger, 'access-control-request-method': 'POST' },
    });
    const minted = await at('POST', '/v1/sessions', stranger, { body: {} });
    const read = await at('GET', '/v1/agents', stranger, { token: tenant.key });
    expect([asked.status, minted.status]).toEqual([403, 403]);
    for (const answer of [asked, minted, read]) {
      expect(answer.headers['access-control-allow-origin']).toBeUndefined();
    }
  });

  test('loses its sessions when the tenant takes the site back', async () => {
    await allow(site);
    const { token } = (await at('POST', '/v1/sessions', site, { body: {} })).json() as { token: string };
    expect((await at('GET', '/v1/conversations', site, { token })).status).toBe(200);
    await allow();
    expect((await at('GET', '/v1/conversations', site, { token })).status).toBe(403);
  });
});

describe('a session', () => {
  test('that was begun on one site is refused on another, and honoured on its own', async () => {
    const second = 'https://shop.acme.example';
    await client().require('PATCH', '/v1/branding', { allowed_origins: [site, second] });
    await waitUntil(
      'the second site',
      async () => (await at('POST', '/v1/sessions', second, { body: {} })).status === 201,
    );
    const { token } = (await at('POST', '/v1/sessions', second, { body: {} })).json() as { token: string };
    expect((await at('GET', '/v1/conversations', second, { token })).status).toBe(200);
    expect((await at('GET', '/v1/conversations', site, { token })).status).toBe(401);
  });

  test('minted by the tenant’s server is for the visitor it names: the same name, the same conversations', async () => {
    const mint = (visitor: string) =>
      client().require<{ token: string; visitor: string }>('POST', `/v1/agents/${agent}/sessions`, { visitor });
    const [first, again, other] = await Promise.all([mint('customer 7'), mint('customer 7'), mint('customer 8')]);
    expect(again.visitor).toBe(first.visitor);
    expect(other.visitor).not.toBe(first.visitor);
    const call = (token: string, method: 'GET' | 'POST', body?: object) =>
      platform.call(method, 'acme.localhost', '/v1/conversations', { token, ...(body ? { body } : {}) });
    const made = (await call(first.token, 'POST', {})).json() as { id: string };
    const idsOf = async (token: string) =>
      ((await call(token, 'GET')).json() as { data: { id: string }[] }).data.map(({ id }) => id);
    expect(await idsOf(again.token)).toContain(made.id);
    expect(await idsOf(other.token)).not.toContain(made.id);
  });

  test('minted by one agent’s key is for that agent alone', async () => {
    const other = await client().require<{ id: string }>('POST', '/v1/agents', { slug: 'other', name: 'Other' });
    const key = await client().require<{ secret: string }>('POST', '/v1/keys', {
      name: 'frontend',
      scope: { agent: other.id },
      permissions: ['sessions:write'],
    });
    const mint = (ref: string) =>
      platform.call('POST', 'acme.localhost', `/v1/agents/${ref}/sessions`, { token: key.secret, body: {} });
    expect((await mint('other')).status).toBe(201);
    expect((await mint(agent)).status).toBe(403);
  });
});
