/**
 * Trials in a browser: what a hostile model says asks for nothing and runs nothing, with the page's policy and
 * without one; and only the sites that a tenant has named may show its chat, or use a visitor's session.
 */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { launchBrowser, screenshotPath } from '../support/browser.ts';
import { foreignMessages, foreignOrigins, framings, overreaches } from '../support/foreign-sites.ts';
import { hostileOutputs } from '../support/hostile-outputs.ts';
import { startPlatformWithNode, type PlatformWithNode } from '../support/platform-with-node.ts';

let world: PlatformWithNode;
let browser: Browser;
let sites: Server;
let home: string;
let site: (name: string) => string;

beforeAll(async () => {
  [world, browser] = await Promise.all([startPlatformWithNode(), launchBrowser()]);
  home = `http://acme.localhost:${world.platform.port}`;
  // Pages without any policy of their own, at as many hosts as somebody asks for.
  sites = createServer((request, response) => {
    const { searchParams } = new URL(request.url ?? '/', 'http://site');
    response.setHeader('content-type', 'text/html');
    if (searchParams.has('markup')) response.end(`<!doctype html>${searchParams.get('markup')}`);
    else {
      const attributes = searchParams.get('attributes') ?? '';
      response.end(`<!doctype html><html lang="en"><title>Shop</title><h1>Shop</h1>
        <script type="module" src="${home}/chat/freehold-chat.js"></script>
        <freehold-chat ${attributes}></freehold-chat></html>`);
    }
  });
  await new Promise<void>((resolve) => sites.listen(0, '127.0.0.1', resolve));
  const { port } = sites.address() as AddressInfo;
  site = (name) => `http://${name}.localhost:${port}`;
  const allowed_origins = [site('shop'), site('other')];
  await world.platform.client(world.tenant).require('PATCH', '/v1/branding', { allowed_origins });
});
afterAll(async () => {
  await browser.close();
  await new Promise<void>((resolve) => sites.close(() => resolve()));
  await world.stop();
});

async function openPage(url: string): Promise<Page> {
  const context = await browser.newContext({ locale: 'en-GB' });
  const page = await context.newPage();
  await page.goto(url);
  return page;
}

async function say(page: Page, text: string): Promise<void> {
  await page.locator('textarea').fill(text);
  await page.locator('#send').click();
}

describe('what a hostile model says', () => {
  test('there are eighty kinds of it', () => expect(hostileOutputs.length).toBe(80));

  test.each(['hosted', 'embedded'])('runs no script and asks for nothing, %s', async (where) => {
    const context = await browser.newContext({ locale: 'en-GB' });
    const page = await context.newPage();
    const asked: string[] = [];
    const key = where === 'hosted' ? 'freehold.conversation' : `freehold.${new URL(home).host}.conversation`;
    await page.addInitScript((name) => localStorage.setItem(name, '"conv_hostile"'), key);
    await page.route('**/v1/conversations/conv_hostile/items?**', (route) => {
      const data = hostileOutputs.map((text, at) => ({
        id: `msg_${at}`,
        type: 'message',
        role: 'assistant',
        status: 'completed',
        content: [{ type: 'output_text', text, annotations: [], logprobs: [] }],
      }));
      const headers = { 'access-control-allow-origin': '*' };
      return route.fulfill({ json: { object: 'list', data, has_more: false, last_id: null }, headers });
    });
    page.on('request', (request) => asked.push(request.url()));
    await page.goto(where === 'hosted' ? home : site('shop'));
    await expect.poll(() => page.locator('.assistant').count()).toBe(hostileOutputs.length);
    const known = [`${home}/`, `${home}/chat/freehold-chat.js`, `${site('shop')}/`, `${site('shop')}/favicon.ico`];
    const isOwn = (url: string) => known.includes(url) || url.startsWith(`${home}/v1/`) || url.startsWith('data:');
    // One more whole turn: whatever was set off has had its time.
    await page.evaluate(() => localStorage.clear());
    await page.locator('#new').click();
    await say(page, 'Hello?');
    await page.locator('.assistant[aria-busy="false"]').waitFor();
    expect(asked.filter((url) => !isOwn(url))).toEqual([]);
    expect(await page.evaluate(() => (globalThis as { __ran?: number }).__ran)).toBeUndefined();
    await context.close();
  });

  test('says it in a stream, and still runs nothing', async () => {
    const page = await openPage(home);
    const asked: string[] = [];
    page.on('request', (request) => asked.push(request.url()));
    world.node.script = { ...world.node.script, reply: () => ({ text: hostileOutputs.join('\n\n') }) };
    await say(page, 'Hello?');
    await page.locator('.assistant[aria-busy="false"]').waitFor({ timeout: 60_000 });
    expect(asked.filter((url) => !url.startsWith(home))).toEqual([]);
    expect(await page.locator('.text :is(script, img, svg, iframe, style, object, form, input)').count()).toBe(0);
    expect(await page.evaluate(() => (globalThis as { __ran?: number }).__ran)).toBeUndefined();
    world.node.script = { ...world.node.script, reply: () => ({ text: 'Hello.' }) };
    await page.context().close();
  });
});

describe('sites', () => {
  test('one that the tenant has named shows the chat, in a bubble too', async () => {
    const page = await openPage(`${site('shop')}/?attributes=${encodeURIComponent('mode="bubble"')}`);
    await page.getByRole('button', { name: 'Open chat' }).click();
    await page.locator('#send').waitFor();
    await expect.poll(() => page.locator('textarea').isVisible()).toBe(true);
    await page.locator('#new:enabled').waitFor();
    await say(page, 'Hello?');
    await page.locator('.assistant[aria-busy="false"]', { hasText: 'Hello.' }).waitFor();
    await page.screenshot({ path: screenshotPath('chat-bubble') });
    await page.keyboard.press('Escape');
    await page.locator('.panel').waitFor({ state: 'detached' });
    await page.context().close();
  });

  test('one that it has not named gets neither the script nor a session, nor an answer with a stolen one', async () => {
    const stolen = (
      (await world.platform.call('POST', 'acme.localhost', '/v1/sessions', { body: {} })).json() as { token: string }
    ).token;
    const page = await openPage(site('evil'));
    expect(await page.evaluate(`customElements.get('freehold-chat') === undefined`)).toBe(true);
    const tries = await page.evaluate(
      async ([base, token]) => {
        const ask = (path: string, init: RequestInit) =>
          fetch(base + path, init).then(
            () => 'answered',
            () => 'refused',
          );
        const authorization = `Bearer ${token}`;
        return [
          await ask('/v1/sessions', { method: 'POST', body: '{}', headers: { 'content-type': 'application/json' } }),
          await ask('/v1/sessions', { method: 'POST', body: '{}', headers: { 'content-type': 'text/plain' } }),
          await ask('/v1/chat/profile', {}),
          await ask('/v1/conversations', { headers: { authorization } }),
        ];
      },
      [home, stolen],
    );
    expect(tries).toEqual(['refused', 'refused', 'refused', 'refused']);
    // What a form or a script without CORS sends arrives; it does nothing either.
    const headers = { origin: site('evil'), 'content-type': 'text/plain' };
    const forged = await world.platform.call('POST', 'acme.localhost', '/v1/sessions', { rawBody: '{}', headers });
    expect(forged.status).toBeGreaterThanOrEqual(400);
    const asked = await world.platform.call('GET', 'acme.localhost', '/v1/conversations', { token: stolen, headers });
    expect(asked.status).toBe(403);
    await page.context().close();
  });

  test("a session for one site is nobody's on another, though the tenant has named both", async () => {
    const minted = await world.platform
      .client(world.tenant)
      .require<{ token: string }>('POST', '/v1/agents/helper/sessions', { visitor: 'ada', origin: site('shop') });
    const attributes = encodeURIComponent(`token="${minted.token}" agent="helper"`);
    const [own, foreign] = await Promise.all(
      ['shop', 'other'].map((name) => openPage(`${site(name)}/?attributes=${attributes}`)),
    );
    await own!.locator('#new:enabled').waitFor();
    await say(own!, 'Hello?');
    await own!.locator('.assistant[aria-busy="false"]', { hasText: 'Hello.' }).waitFor();
    await foreign!.locator('#new:enabled').waitFor();
    await say(foreign!, 'Hello?');
    await foreign!.locator('.unfinished').waitFor();
    expect(await foreign!.locator('.text', { hasText: 'Hello.' }).count()).toBe(0);
    await Promise.all([own!.context().close(), foreign!.context().close()]);
  });

  test('only named ones may frame the page', async () => {
    const policy = (await world.platform.call('GET', 'acme.localhost', '/')).headers['content-security-policy'];
    expect(policy).toContain(`frame-ancestors ${site('shop')} ${site('other')};`);
  });
});

describe('from where it does not belong', () => {
  const places = () => ({ site: site('shop'), home, evil: site('evil') });
  const mint = async () =>
    ((await world.platform.call('POST', 'acme.localhost', '/v1/sessions', { body: {} })).json() as { token: string })
      .token;
  const framedBy = async (at: string, markup: string) => openPage(`${at}/?${new URLSearchParams({ markup })}`);

  test('there are forty ways', () => {
    const [example] = [{ site: 'http://a.localhost:1', home: 'http://acme.localhost:2', evil: 'http://b.localhost:1' }];
    const token = `e30.${Buffer.from('{}').toString('base64url')}.x`;
    const scope = overreaches({ token, otherAgent: '', conversation: '' });
    const all = [foreignOrigins(example!), framings(example!), foreignMessages, scope];
    expect(all.map(({ length }) => length)).toEqual([16, 8, 6, 10]);
  });

  test('no page of another origin gets an answer to read, a session, or anything with a stolen one', async () => {
    const token = await mint();
    const at = (method: 'GET' | 'POST' | 'OPTIONS', path: string, origin: string, more: object = {}) =>
      world.platform.call(method, 'acme.localhost', path, {
        ...more,
        headers: {
          origin,
          ...(method === 'OPTIONS' && {
            'access-control-request-method': 'POST',
            'access-control-request-headers': 'authorization',
          }),
        },
      });
    // Where it belongs, all of it is granted.
    const granted = await at('GET', '/v1/conversations', site('shop'), { token });
    expect([granted.status, granted.headers['access-control-allow-origin']]).toEqual([200, site('shop')]);
    for (const origin of foreignOrigins(places())) {
      const answers = await Promise.all([
        at('GET', '/chat/freehold-chat.js', origin),
        at('GET', '/v1/chat/profile', origin),
        at('OPTIONS', '/v1/responses', origin),
        at('POST', '/v1/sessions', origin, { body: {} }),
        at('GET', '/v1/conversations', origin, { token }),
      ]);
      expect(
        answers.map(({ headers }) => headers['access-control-allow-origin']),
        origin,
      ).toEqual([undefined, undefined, undefined, undefined, undefined]);
      expect([answers[3]!.status, answers[4]!.status], origin).toEqual([403, 403]);
    }
  });

  test('it stands in no frame', async () => {
    for (const { how, at, markup } of framings(places())) {
      const page = await framedBy(at, markup);
      await expect.poll(() => page.frames().length, { message: how }).toBeGreaterThan(1);
      const shown = await Promise.all(page.frames().map((frame) => frame.locator('freehold-chat, #root, h1').count()));
      expect(shown, how).toEqual(page.frames().map(() => 0));
      await page.context().close();
    }
  });

  test('what a page posts to it does nothing', async () => {
    const page = await framedBy(site('shop'), `<iframe src="${home}/" width="600" height="500"></iframe>`);
    const framed = page.frameLocator('iframe');
    await framed.locator('#new:enabled').waitFor();
    const asked: string[] = [];
    page.on('request', (request) => asked.push(request.url()));
    const frame = page.frames()[1]!;
    await frame.evaluate(`globalThis.heard = 0; addEventListener('message', () => { globalThis.heard += 1; });`);
    for (const [at, message] of foreignMessages.entries()) {
      await page.evaluate(
        `document.querySelector('iframe').contentWindow.postMessage(${JSON.stringify(message)}, '*')`,
      );
      await expect.poll(() => frame.evaluate('globalThis.heard')).toBe(at + 1);
    }
    await framed.locator('textarea').fill('Still here?');
    expect(await framed.locator('.message').count()).toBe(0);
    expect(asked).toEqual([]);
    await page.context().close();
  });

  test("a visitor's session reaches what is the visitor's, and nothing else", async () => {
    const tenant = world.platform.client(world.tenant);
    await world.platform.createTenant('other');
    await tenant.require('POST', '/v1/agents', { slug: 'second', name: 'Second', definition: {} });
    const [token, another] = await Promise.all([mint(), mint()]);
    const made = await world.platform.call('POST', 'acme.localhost', '/v1/conversations', { token: another, body: {} });
    const { id: conversation } = made.json() as { id: string };
    const ask = (options: { readonly token: string; readonly method: 'GET' | 'POST'; readonly path: string }) =>
      world.platform.call(options.method, 'acme.localhost', options.path, options);
    expect((await ask({ token: another, method: 'GET', path: `/v1/conversations/${conversation}/items` })).status).toBe(
      200,
    );
    for (const { what, method, host, path, ...rest } of overreaches({ token, otherAgent: 'second', conversation })) {
      const { status } = await world.platform.call(method, host, path, rest);
      expect([401, 403, 404], what).toContain(status);
    }
  });
});
