/** The hosted chat page in a browser: what a visitor sees and does, and what the page says when something goes wrong. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { AxeBuilder } from '@axe-core/playwright';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { launchBrowser, screenshotPath } from '../support/browser.ts';
import { openPath } from '../support/cuttable-path.ts';
import { PlainModel, startPlatformWithNode, type PlatformWithNode } from '../support/platform-with-node.ts';

/** Of 45 kB: what is above is for what the chat learns next. */
const MaxScriptBytes = 43_000;
const SeeingModel = 'org/seeing';
const words = (text: string) => text.split(' ');
const expired = { message: 'Expired.', type: 'authentication_error', param: null, code: 'invalid_api_key' };
const plain = { words: words('The workshop opens at **nine** and closes at `five`.') };

let world: PlatformWithNode;
let browser: Browser;
let home: string;

beforeAll(async () => {
  [world, browser] = await Promise.all([
    startPlatformWithNode({ script: { models: [PlainModel, SeeingModel] }, images: [SeeingModel] }),
    launchBrowser(),
  ]);
  home = `http://acme.localhost:${world.platform.port}/`;
});
afterAll(async () => {
  await browser.close();
  await world.stop();
});
beforeEach(() => {
  world.node.script = { models: world.node.script.models!, ...plain };
});

async function open(options: BrowserContextOptions = {}, url = home): Promise<Page> {
  const context = await browser.newContext({ locale: 'en-GB', ...options });
  const page = await context.newPage();
  await page.goto(url);
  await page.locator('textarea').waitFor();
  return page;
}

async function say(page: Page, text: string): Promise<void> {
  await page.locator('textarea').fill(text);
  await page.locator('#send').click();
}

const answers = (page: Page) => page.locator('.assistant[aria-busy="false"] .text');
const script = (more: object) => (world.node.script = { ...world.node.script, ...more });

describe('the chat page', () => {
  test('is one script of at most 43 kB, without what of the Markdown library makes HTML', async () => {
    await world.platform.call('GET', 'acme.localhost', '/');
    const file = readFileSync(join(import.meta.dirname, '../../dist/frontends/chat/freehold-chat.js'));
    expect(gzipSync(file, { level: 9 }).length).toBeLessThanOrEqual(MaxScriptBytes);
    expect(file.toString()).not.toContain('report this to https://github.com/markedjs');
  });

  test('streams an answer, renders its Markdown, and shows the thread again after a reload', async () => {
    const page = await open();
    await say(page, 'When do you open?');
    await page.locator('.assistant strong', { hasText: 'nine' }).waitFor();
    await expect.poll(() => answers(page).innerText()).toBe('The workshop opens at nine and closes at five.');
    await page.reload();
    await page.locator('.user', { hasText: 'When do you open?' }).waitFor();
    await expect.poll(() => answers(page).innerText()).toBe('The workshop opens at nine and closes at five.');
    await page.context().close();
  });

  test('takes up an answer after a reload in the middle of it', async () => {
    script({ pauseAt: 4 });
    const page = await open();
    await say(page, 'When do you open?');
    await page.locator('.assistant[aria-busy="true"]', { hasText: 'The workshop opens' }).waitFor();
    await page.reload();
    await page.locator('.assistant[aria-busy="true"]', { hasText: 'The workshop opens' }).waitFor();
    world.node.release();
    await expect.poll(() => answers(page).innerText()).toBe('The workshop opens at nine and closes at five.');
    await page.context().close();
  });

  test('takes up an answer after the network was gone in the middle of it', async () => {
    script({ pauseAt: 4 });
    const path = await openPath(world.platform.port);
    const page = await open({}, home.replace(/\d+/, String(path.port)));
    await say(page, 'When do you open?');
    await page.locator('.assistant[aria-busy="true"]', { hasText: 'The workshop opens' }).waitFor();
    path.cut();
    await page.locator('.status', { hasText: 'Reconnecting' }).waitFor();
    world.node.release();
    path.mend();
    await expect.poll(() => answers(page).innerText(), { timeout: 30_000 }).toContain('closes at five.');
    await page.context().close();
    await path.close();
  });

  test('stops an answer, says so, and never shows it as a whole one', async () => {
    script({ pauseAt: 4 });
    const page = await open();
    await say(page, 'When do you open?');
    await page.locator('.assistant[aria-busy="true"]', { hasText: 'The workshop opens' }).waitFor();
    await page.keyboard.press('Escape');
    await page.locator('.assistant.unfinished', { hasText: 'Stopped. This answer is not complete.' }).waitFor();
    await page.reload();
    await page.locator('.assistant.unfinished', { hasText: 'not complete' }).waitFor();
    world.node.release();
    await page.context().close();
  });

  test('says that a tenant was suspended while the page was open, and goes on when it is back', async () => {
    const page = await open();
    await page.locator('#send').waitFor();
    const { id } = world.tenant;
    await world.platform.operator.require('POST', `/operator/v1/tenants/${id}/suspend`, {});
    await say(page, 'Are you there?');
    await page.locator('.unfinished', { hasText: 'This chat is suspended' }).waitFor();
    await world.platform.operator.require('POST', `/operator/v1/tenants/${id}/reactivate`, {});
    await page.getByRole('button', { name: 'Retry' }).click();
    await expect.poll(() => answers(page).last().innerText(), { timeout: 30_000 }).toContain('closes at five.');
    expect(await page.locator('.user').count()).toBe(1);
    await page.context().close();
  });

  test('renews a session that has expired, in the middle of a conversation', async () => {
    const page = await open();
    await say(page, 'One?');
    await expect.poll(() => answers(page).count()).toBe(1);
    let refused = 0;
    await page.route('**/v1/responses', async (route) => {
      if (refused++ > 0) return route.continue();
      await route.fulfill({ status: 401, json: { error: expired } });
    });
    await say(page, 'Two?');
    await expect.poll(() => answers(page).count()).toBe(2);
    expect(refused).toBe(2);
    expect(await page.locator('.unfinished').count()).toBe(0);
    await page.context().close();
  });

  test('renews a session that expires in the middle of an answer, and shows the rest of it', async () => {
    script({ pauseAt: 4 });
    const path = await openPath(world.platform.port);
    const page = await open({}, home.replace(/\d+/, String(path.port)));
    await say(page, 'When do you open?');
    await page.locator('.assistant[aria-busy="true"]', { hasText: 'The workshop opens' }).waitFor();
    let refused = 0;
    let renewed = 0;
    await page.route('**/v1/responses/*stream=true*', (route) =>
      refused++ > 0 ? route.continue() : route.fulfill({ status: 401, json: { error: expired } }),
    );
    page.on('request', (request) => void (renewed += request.url().endsWith('/v1/sessions') ? 1 : 0));
    path.cut();
    await page.locator('.status', { hasText: 'Reconnecting' }).waitFor();
    path.mend();
    await expect.poll(() => refused, { timeout: 30_000 }).toBeGreaterThan(1);
    world.node.release();
    await expect.poll(() => answers(page).innerText(), { timeout: 30_000 }).toContain('closes at five.');
    expect(renewed).toBeGreaterThan(0);
    expect(await page.locator('.unfinished').count()).toBe(0);
    await page.context().close();
    await path.close();
  });

  test("says that a server's session has expired, tells the page, and goes on with a new one", async () => {
    const mint = async () => {
      const tenant = world.platform.client(world.tenant);
      return tenant.require<{ token: string }>('POST', '/v1/agents/helper/sessions', { visitor: 'ada' });
    };
    const [first, second] = [await mint(), await mint()];
    const page = await open();
    const give = (token: string) =>
      page.evaluate(`{
        const chat = document.querySelector('freehold-chat');
        chat.setAttribute('agent', 'helper');
        chat.setAttribute('token', ${JSON.stringify(token)});
      }`);
    await give(first.token);
    await page.locator('#new:enabled').waitFor();
    await say(page, 'One?');
    await expect.poll(() => answers(page).count()).toBe(1);
    await page.evaluate(`document.addEventListener('freehold-session-expired', () => { globalThis.told = true; })`);
    await page.route('**/v1/**', (route, request) =>
      request.headers()['authorization'] === `Bearer ${first.token}`
        ? route.fulfill({ status: 401, json: { error: expired } })
        : route.continue(),
    );
    await say(page, 'Two?');
    await page.locator('.unfinished', { hasText: /session/i }).waitFor();
    expect(await page.evaluate('globalThis.told')).toBe(true);
    await give(second.token);
    await page.locator('.user', { hasText: 'One?' }).waitFor();
    await page.locator('#new:enabled').waitFor();
    await say(page, 'Three?');
    await expect.poll(() => answers(page).last().innerText(), { timeout: 30_000 }).toContain('closes at five.');
    await page.context().close();
  });

  test('says that a tenant was suspended in the middle of an answer, and answers when it is back', async () => {
    script({ pauseAt: 4 });
    const tenant = await world.platform.createTenant('pausing');
    const definition = { model: PlainModel, instructions: 'You help.' };
    await world.platform.client(tenant).require('POST', '/v1/agents', { slug: 'helper', name: 'Helper', definition });
    const page = await open({}, home.replace('acme', 'pausing'));
    await say(page, 'When do you open?');
    await page.locator('.assistant[aria-busy="true"]', { hasText: 'The workshop opens' }).waitFor();
    await world.platform.operator.require('POST', `/operator/v1/tenants/${tenant.id}/suspend`, {});
    // It was stopped, or cut off: whichever the page hears of, asking again says why.
    await page.locator('.assistant.unfinished').waitFor();
    const retry = page.getByRole('button', { name: 'Retry' }).last();
    await retry.click();
    await page.getByText('This chat is suspended').waitFor();
    world.node.release();
    script({ pauseAt: undefined });
    await world.platform.operator.require('POST', `/operator/v1/tenants/${tenant.id}/reactivate`, {});
    const retried = async () => {
      if (await retry.isVisible()) await retry.click();
      return page.locator('.log').innerText();
    };
    await expect.poll(retried, { timeout: 30_000 }).toContain('closes at five.');
    expect(await page.locator('.user').count()).toBe(1);
    await page.context().close();
  });

  test('sends text files along, and says that the model takes no images', async () => {
    const page = await open();
    const files = page.locator('input[type="file"]');
    await files.setInputFiles({ name: 'a.png', mimeType: 'image/png', buffer: Buffer.from('x') });
    await page.locator('[role="alert"]', { hasText: 'does not take images' }).waitFor();
    await files.setInputFiles({
      name: 'notes.txt',
      mimeType: 'text/plain',
      buffer: Buffer.from('The key is under the mat.'),
    });
    await page.locator('.field .files', { hasText: 'notes.txt' }).waitFor();
    await say(page, 'Where is the key?');
    await page.locator('.user .files', { hasText: 'notes.txt' }).waitFor();
    await expect.poll(() => answers(page).count()).toBe(1);
    expect(JSON.stringify(world.node.requests.at(-1)!.body['messages'])).toContain('The key is under the mat.');
    await page.context().close();
  });

  test('sends an image where the model takes images, made small, and shows it again after a reload', async () => {
    const tenant = await world.platform.createTenant('eyes');
    const definition = { model: SeeingModel, instructions: 'You look.' };
    await world.platform.client(tenant).require('POST', '/v1/agents', { slug: 'eyes', name: 'Eyes', definition });
    const page = await (await browser.newContext({ locale: 'en-GB' })).newPage();
    await page.goto(home.replace('acme', 'eyes'));
    await page.locator('#new:enabled').waitFor();
    const files = page.locator('input[type="file"]');
    await files.setInputFiles({ name: 'a.png', mimeType: 'image/png', buffer: Buffer.from('no image') });
    await page.locator('[role="alert"]', { hasText: 'cannot be read' }).waitFor();
    const drawn = await page.evaluate(`(() => {
      const canvas = Object.assign(document.createElement('canvas'), { width: 2400, height: 1200 });
      const context = canvas.getContext('2d');
      context.fillStyle = '#0a7d55';
      context.fillRect(200, 200, 2000, 800);
      return canvas.toDataURL('image/png').split(',')[1];
    })()`);
    await files.setInputFiles({
      name: 'bike.png',
      mimeType: 'image/png',
      buffer: Buffer.from(drawn as string, 'base64'),
    });
    await page.locator('.field .files img').waitFor();
    await page.screenshot({ path: screenshotPath('chat-image-attached') });
    await say(page, 'What is this?');
    await expect.poll(() => answers(page).count()).toBe(1);
    const [, said] = world.node.requests.at(-1)!.body['messages'] as { content: Record<string, unknown>[] }[];
    expect(said!.content).toEqual([
      { type: 'text', text: 'What is this?' },
      { type: 'image_url', image_url: { url: expect.stringMatching(/^data:image\/jpeg;base64,/) } },
    ]);
    await page.reload();
    const shown = page.locator('.user .files img');
    await shown.waitFor();
    const size = `(() => { const { naturalWidth, naturalHeight } = document.querySelector('freehold-chat').shadowRoot.querySelector('.files img'); return [naturalWidth, naturalHeight]; })()`;
    await expect.poll(() => page.evaluate(size)).toEqual([1024, 512]);
    await page.screenshot({ path: screenshotPath('chat-image') });
    const { violations } = await new AxeBuilder({ page }).analyze();
    expect(violations.map(({ id }) => id)).toEqual([]);
    await page.context().close();
  });

  test('an image is refused in so many words by a model that is known to take none', async () => {
    const client = world.platform.client(world.tenant);
    const definition = { model: 'freehold/extractive', instructions: 'You quote.' };
    await client.require('POST', '/v1/agents', { slug: 'blind', name: 'Blind', definition });
    const content = [{ type: 'input_image', image_url: 'data:image/png;base64,iVBORw0KGgo=' }];
    const body = { model: 'agent/blind', input: [{ role: 'user', content }] };
    const answer = await world.platform.call('POST', 'acme.localhost', '/v1/responses', {
      token: world.tenant.key,
      body,
    });
    expect(answer.json()).toMatchObject({
      error: { message: 'The model "freehold/extractive" does not take images.' },
    });
  });

  test('is there in less than a second, in the colours and with the name of its tenant', async () => {
    const client = world.platform.client(world.tenant);
    await client.require('PATCH', '/v1/branding', { name: 'Acme <b>Bikes</b>', colors: { accent: '#0a7d55' } });
    const page = await open();
    await page.reload();
    await page.locator('#new:enabled').waitFor();
    const ready = await page.evaluate(() => performance.now());
    console.log(`hosted page interactive after ${Math.round(ready)} ms`);
    expect(await page.title()).toBe('Acme <b>Bikes</b>');
    expect(await page.locator('.title').innerText()).toBe('Acme <b>Bikes</b>');
    const badge = `document.querySelector('freehold-chat').shadowRoot.querySelector('.badge')`;
    const fill = await page.evaluate(`getComputedStyle(${badge}).backgroundColor`);
    expect(fill).toBe('rgb(10, 125, 85)');
    await client.require('PATCH', '/v1/branding', { name: 'Acme Bikes' });
    await page.context().close();
  });
});

describe('every look of it', () => {
  const rich = `## Opening hours\n\nWe open at **nine**, see [our page](https://acme.example/hours).\n\n| Day | Hours |\n| --- | --- |\n| Monday | 9–17 |\n| Saturday | 10–14 |\n\n\`\`\`js\nconst open = (hour) => hour >= 9 && hour < 17;\n\`\`\`\n\n- Bring the bike\n- Bring the key\n\n> We close on holidays.`;
  const looks = (['light', 'dark'] as const).flatMap((colorScheme) =>
    (
      [
        ['desktop', 1280, 800],
        ['mobile', 390, 844],
      ] as const
    ).flatMap(([width, ...size]) => (['en', 'ar'] as const).map((locale) => ({ colorScheme, width, size, locale }))),
  );
  test.each(looks)('$colorScheme, $width, $locale: axe finds nothing', async ({ colorScheme, width, size, locale }) => {
    script({ words: rich.split(/(?<= )/).map((word) => word.trimEnd()) });
    script({ reply: () => ({ text: rich }) });
    const page = await open({ colorScheme, locale, viewport: { width: size[0], height: size[1] } });
    expect(await page.locator('html').getAttribute('dir')).toBe(locale === 'ar' ? 'rtl' : 'ltr');
    const name = `chat-${colorScheme}-${width}-${locale}`;
    await page.locator('.empty').waitFor();
    await page.screenshot({ path: screenshotPath(`${name}-empty`) });
    await say(page, locale === 'ar' ? 'متى تفتحون؟' : 'When do you open, and what should I bring?');
    await page.locator('.assistant[aria-busy="false"]').waitFor();
    script({ fault: { at: 3, how: 'error-event' }, reply: undefined, ...plain });
    await say(page, locale === 'ar' ? 'وماذا بعد؟' : 'And then?');
    await page.locator('.unfinished').waitFor();
    await page.screenshot({ path: screenshotPath(name) });
    const { violations } = await new AxeBuilder({ page }).analyze();
    expect(
      violations.map(({ id, nodes }) => [id, nodes.map(({ html, failureSummary }) => [html, failureSummary])]),
    ).toEqual([]);
    await page.context().close();
  });
});
