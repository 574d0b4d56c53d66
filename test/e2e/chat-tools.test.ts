/** What a visitor sees of an agent's work: the tools it used, what waits for approval, the memories it drew on. */
import { AxeBuilder } from '@axe-core/playwright';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { launchBrowser, screenshotPath } from '../support/browser.ts';
import { PlainModel, startPlatformWithNode, type PlatformWithNode } from '../support/platform-with-node.ts';

let world: PlatformWithNode;
let browser: Browser;

beforeAll(async () => {
  [world, browser] = await Promise.all([startPlatformWithNode(), launchBrowser()]);
  const client = world.platform.client(world.tenant);
  const tools = [{ type: 'builtin', name: 'http_fetch', allow: ['docs.example.com'], approval: 'always' }];
  await client.require('PATCH', '/v1/agents/helper', { definition: { model: PlainModel, tools } });
  const memory = { text: 'The workshop opens at nine on weekdays.', source: { type: 'document', ref: 'hours.md' } };
  await client.require('POST', '/v1/agents/helper/memories', memory);
  world.node.script = {
    ...world.node.script,
    reply: ({ body }) =>
      JSON.stringify(body['messages']).includes('"role":"tool"')
        ? { text: 'It opens at nine [1].' }
        : { calls: [{ name: 'http_fetch', arguments: { url: 'https://docs.example.com/hours' } }] },
  };
});
afterAll(async () => {
  await browser.close();
  await world.stop();
});

test('a call that waits for approval is shown with what would be done, and nothing to decide; then the answer goes on', async () => {
  const context = await browser.newContext({ locale: 'en-GB' });
  const page = await context.newPage();
  await page.goto(`http://acme.localhost:${world.platform.port}/`);
  await page.locator('#new:enabled').waitFor();
  await page.locator('textarea').fill('When does the workshop open on weekdays?');
  await page.locator('#send').click();
  const approval = page.locator('.approval');
  await approval.waitFor();
  expect(await approval.innerText()).toContain('https://docs.example.com/hours');
  expect(await approval.locator('button').count()).toBe(0);
  await page.screenshot({ path: screenshotPath('chat-approval') });
  const { violations } = await new AxeBuilder({ page }).analyze();
  expect(violations.map(({ id }) => id)).toEqual([]);
  await page.reload();
  await approval.waitFor();
  const client = world.platform.client(world.tenant);
  const { data } = await client.require<{ data: { id: string }[] }>('GET', '/v1/approvals?status=pending');
  await client.require('POST', `/v1/approvals/${data[0]!.id}/deny`, { reason: 'No.' });
  await page.locator('.assistant[aria-busy="false"]', { hasText: 'It opens at nine' }).waitFor();
  await page.locator('.call.failed summary', { hasText: 'http_fetch' }).waitFor();
  await page.locator('.cite').first().click();
  await page.locator('.sources[open] li', { hasText: 'opens at nine on weekdays' }).first().waitFor();
  await page.screenshot({ path: screenshotPath('chat-sources') });
  await context.close();
});
