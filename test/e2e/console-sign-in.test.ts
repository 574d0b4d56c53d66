/** Signing in to the console by a certified OpenID provider, in a browser: there, back, and out. */
import { once } from 'node:events';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { decodeJwt, exportJWK, generateKeyPair } from 'jose';
import Provider from 'oidc-provider';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { launchBrowser } from '../support/browser.ts';
import { startTestPlatform, type CreatedTenant, type TestPlatform } from '../support/running-platform.ts';

const Audience = 'https://freehold.example/api';

let platform: TestPlatform;
let browser: Browser;
let context: BrowserContext;
let page: Page;
let faults: string[];
let server: Server;
let url: string;
let acme: CreatedTenant;
let home: string;
let other: CreatedTenant;
let otherHome: string;

beforeAll(async () => {
  [platform, browser] = await Promise.all([
    startTestPlatform({ vars: { EGRESS_ALLOW: '127.0.0.1' } }),
    launchBrowser(),
  ]);
  acme = await platform.createTenant('acme');
  other = await platform.createTenant('other');
  otherHome = `http://other.localhost:${platform.port}/console`;
  home = `http://acme.localhost:${platform.port}/console`;
  let handle: RequestListener = () => {};
  server = createServer((request, response) => handle(request, response)).listen(0, '127.0.0.1');
  await once(server, 'listening');
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const answer = (await makeProvider()).callback();
  handle = (request, response) => void answer(request, response);
  await platform.client(acme).require('POST', '/v1/issuers', {
    issuer: url,
    audience: Audience,
    client_id: 'console',
    role_mappings: [{ claim: '/realm/roles', value: 'viewer', role: 'viewer' }],
  });
});
afterAll(async () => {
  await browser.close();
  server.closeAllConnections();
  server.close();
  await platform.stop();
});
beforeEach(async () => {
  context = await browser.newContext({ locale: 'en-GB', reducedMotion: 'reduce' });
  // The provider's pages ask for a font of another site.
  await context.route(/googleapis/, (route) => route.abort());
  page = await context.newPage();
  faults = [];
  page.on('pageerror', (error) => faults.push(error.message));
  page.on('console', (message) => {
    if (message.text().includes('Content Security Policy')) faults.push(message.text());
  });
});
afterEach(() => context.close());

async function makeProvider(): Promise<Provider> {
  const { privateKey } = await generateKeyPair('RS256', { extractable: true });
  return new Provider(url, {
    jwks: { keys: [{ ...(await exportJWK(privateKey)), kid: 'first', alg: 'RS256', use: 'sig' }] },
    clients: [
      { client_id: 'console', token_endpoint_auth_method: 'none', redirect_uris: [home] },
      { client_id: 'others-console', token_endpoint_auth_method: 'none', redirect_uris: [otherHome] },
    ],
    clientBasedCORS: (_: unknown, origin: string) => [home, otherHome].some((each) => new URL(each).origin === origin),
    extraTokenClaims: () => ({ realm: { roles: ['viewer'] } }),
    features: {
      resourceIndicators: {
        enabled: true,
        getResourceServerInfo: () => ({
          scope: '',
          accessTokenFormat: 'jwt',
          accessTokenTTL: 600,
          jwt: { sign: { alg: 'RS256' } },
        }),
      },
    },
  });
}

const button = () => page.getByRole('button', { name: `Sign in with ${new URL(url).host}` });
const fault = (text: string | RegExp) => page.getByRole('alert').getByText(text).waitFor();
const keptOfSignIn = () =>
  page.evaluate(() => Object.keys(sessionStorage).filter((name) => name.startsWith('freehold.')));
const get = (slug: string, path: string) => platform.call('GET', `${slug}.localhost`, path);

test("the options and the page's policy name the tenant's own providers, and no other tenant's", async () => {
  expect((await get('acme', '/v1/console/sign_in_options')).json()).toEqual({
    object: 'list',
    data: [
      {
        object: 'sign_in_option',
        issuer: url,
        client_id: 'console',
        audience: Audience,
        authorization_endpoint: `${url}/auth`,
        token_endpoint: `${url}/token`,
      },
    ],
    has_more: false,
    next_cursor: null,
  });
  expect((await get('other', '/v1/console/sign_in_options')).json()).toMatchObject({ data: [] });
  const policyOf = async (slug: string) => String((await get(slug, '/console')).headers['content-security-policy']);
  expect(await policyOf('acme')).toContain(`; connect-src 'self' ${url}/token; `);
  expect(await policyOf('other')).toContain("; connect-src 'self'; ");
});

test('somebody signs in, lands where they wanted to be, and a registration that is removed ends it', async () => {
  await page.goto(`${home}/agents`);
  await button().click();
  await page.getByPlaceholder('Enter any login').fill('ada');
  await page.getByPlaceholder('and password').fill('any');
  await page.getByRole('button', { name: 'Sign-in' }).click();
  await page.getByRole('button', { name: 'Continue' }).click();
  await page.getByRole('heading', { name: 'Agents' }).waitFor();
  expect(page.url()).toBe(`${home}/agents`);
  await page.getByText('No agents yet').waitFor();
  // Out, and in again at the provider, which still knows who it is.
  await page.getByRole('button', { name: 'Sign out' }).click();
  await page.getByRole('heading', { name: 'Sign in' }).waitFor();
  expect(await keptOfSignIn()).toEqual([]);
  await button().click();
  await page.getByText('No agents yet').waitFor();
  expect(faults).toEqual([]);

  const tenant = platform.client(acme);
  const { data } = await tenant.require<{ data: { id: string }[] }>('GET', '/v1/issuers');
  await tenant.require('DELETE', `/v1/issuers/${data[0]!.id}`);
  await page.getByRole('link', { name: 'API keys' }).click();
  await fault('Your sign-in by the identity provider has ended. Sign in again to go on.');
});

test('by its ID token, once the team has given the provider a client in the console', async () => {
  const { id } = await platform.client(other).require<{ id: string }>('POST', '/v1/issuers', {
    issuer: url,
    audience: 'others-console',
    role_mappings: [{ claim: 'sub', value: 'ada', role: 'admin' }],
  });
  await page.goto(otherHome);
  await page.getByLabel('API key', { exact: true }).fill(other.key);
  await page.getByRole('button', { name: 'Sign in', exact: true }).click();
  await page.getByRole('heading', { name: 'Overview' }).waitFor();
  await page.goto(`${otherHome}/people?tab=issuers`);
  await page.getByRole('button', { name: 'Add a client' }).click();
  await page.getByRole('dialog').getByLabel('Client').fill('others-console');
  await page.getByRole('dialog').getByRole('button', { name: 'Save' }).click();
  await page.getByRole('cell', { name: 'others-console' }).first().waitFor();
  await page.getByRole('button', { name: 'Change the client' }).waitFor();
  await page.getByRole('button', { name: 'Sign out' }).click();

  await page.goto(`${otherHome}/agents`);
  await button().click();
  await page.getByPlaceholder('Enter any login').fill('ada');
  await page.getByPlaceholder('and password').fill('any');
  await page.getByRole('button', { name: 'Sign-in' }).click();
  await page.getByRole('button', { name: 'Continue' }).click();
  await page.getByText('No agents yet').waitFor();
  expect(page.url()).toBe(`${otherHome}/agents`);
  const kept = await page.evaluate(() => sessionStorage.getItem('freehold.console') ?? '');
  const { credential } = JSON.parse(kept) as { credential: string };
  expect(decodeJwt(credential)).toMatchObject({ iss: url, aud: 'others-console', sub: 'ada' });
  expect(faults).toEqual([]);
  // Without the client it is no token for anything here.
  await platform.client(other).require('PATCH', `/v1/issuers/${id}`, { client_id: null });
  const asked = () => platform.call('GET', 'other.localhost', '/v1/agents', { token: credential });
  await expect.poll(async () => (await asked()).status, { timeout: 30_000 }).toBe(401);
  await page.getByRole('link', { name: 'API keys' }).click();
  await fault('Your sign-in by the identity provider has ended. Sign in again to go on.');
});

test('an answer that this tab did not ask for signs nobody in, and is gone from the address', async () => {
  await page.goto(`${home}?code=stolen&state=forged`);
  await fault(/not begun in this tab/);
  expect(page.url()).toBe(home);
  expect(await keptOfSignIn()).toEqual([]);
});

test('a token that has run out ends the session, and says so', async () => {
  const kept = JSON.stringify(JSON.stringify({ credential: acme.key, endsAt: 1 }));
  await page.addInitScript({ content: `sessionStorage.setItem('freehold.console', ${kept});` });
  await page.goto(home);
  await fault(/has ended/);
});
