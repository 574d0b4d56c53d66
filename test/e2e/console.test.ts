/** The console in a browser, and its files: what a tenant's team and the operator see and do. One platform for all of it. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { AxeBuilder } from '@axe-core/playwright';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { animationsOver, launchBrowser, screenshotPath, wearScheme } from '../support/browser.ts';
import { PlainModel, startPlatformWithNode, type PlatformWithNode } from '../support/platform-with-node.ts';

const MaxFirstLoadBytes = 250_000;
const tenantPages = [
  '',
  '/agents',
  '/agents/helper',
  '/agents/helper?tab=versions',
  '/agents/helper?tab=state',
  '/agents/helper?tab=hooks',
  '/agents/helper?tab=trace',
  '/agents/helper?tab=history',
  '/playground',
  '/memories',
  '/memories?tab=consolidation',
  '/tasks',
  '/tasks?tab=schedules',
  '/conversations',
  '/approvals',
  '/alerts',
  '/events',
  '/audit',
  '/usage',
  '/budgets',
  '/invoices',
  '/keys',
  '/people',
  '/people?tab=issuers',
  '/webhooks',
  '/hooks',
  '/hooks/:hook',
  '/secrets',
  '/branding',
  '/domains',
  '/settings',
  '/no-such-page',
];
const operatorPages = [
  '',
  '/tenants',
  '/tenants/:tenant',
  '/plans',
  '/prices',
  '/prices?tab=rates',
  '/bridges',
  '/nodes',
  '/models',
  '/usage',
  '/invoices',
  '/audit',
];
const hostile = '<img src=x onerror="globalThis.__ran = 1"><script>globalThis.__ran = 1</script>';

let world: PlatformWithNode;
let browser: Browser;
let home: string;
let operatorHome: string;
/** What stands in an address for something that was made. */
const made: Record<string, string> = {};

beforeAll(async () => {
  [world, browser] = await Promise.all([startPlatformWithNode(), launchBrowser()]);
  home = `http://acme.localhost:${world.platform.port}/console`;
  operatorHome = `http://localhost:${world.platform.port}/console`;
  const tenant = world.platform.client(world.tenant);
  await tenant.require('POST', '/v1/agents/helper/memories', {
    text: `Guests get a free coffee on Mondays. ${hostile}`,
  });
  await tenant.require('POST', '/v1/agents/helper/schedules', { name: 'Report', cron: '0 8 * * 1', input: 'Report.' });
  await tenant.require('POST', '/v1/budgets', { name: 'All', limit_micros: 50_000_000, window: 'month' });
  await tenant.require('POST', '/v1/secrets', { name: 'crm', value: 'a-value-nobody-sees' });
  await tenant.require('POST', '/v1/domains', { hostname: 'agents.acme.example' });
  await tenant.require('POST', '/v1/agents/helper/goals', { text: 'Answer within a minute.', note: 'Mostly so.' });
  await tenant.require('PATCH', '/v1/agents/helper/persona', { role: 'Concierge', traits: ['patient', 'brief'] });
  await tenant.require('POST', '/v1/agents/helper/protocol_hooks', {
    name: 'Look into it',
    moment: 'on_task_failed',
    when: 'attempts > 1',
    action: { type: 'task', input: 'Find out why the task failed.' },
  });
  const hook = await tenant.require<{ id: string; path: string }>('POST', '/v1/hooks', {
    name: 'Orders',
    agent: 'helper',
    verification: { scheme: 'bearer' },
    secret: 'a-token-of-the-shop',
  });
  for (const token of ['a-token-of-the-shop', 'a-wrong-token']) {
    await world.platform.call('POST', 'acme.localhost', hook.path, { token, body: { order: 17 } });
  }
  await tenant.require('POST', '/v1/agents/helper/memories/consolidate', {});
  await world.platform.operator.require('POST', '/operator/v1/models', {
    id: 'assistant',
    versions: [
      { version: '1', model: PlainModel },
      { version: '2', model: 'org/none' },
    ],
    current: '1',
    canary: { version: '2', percent: 5 },
    aliases: [{ name: 'chat' }],
  });
  Object.assign(made, { hook: hook.id, tenant: world.tenant.id });
  await tenant.require('POST', '/v1/responses', { model: 'agent/helper', input: 'Hello?' });
  await world.settle();
});
afterAll(async () => {
  await browser.close();
  await world.stop();
});

/** Signed in, as a tab that was before. What the policy forbade, or a page threw, is kept. */
async function enter(url: string, credential: string): Promise<{ page: Page; faults: string[] }> {
  const page = await open('about:blank');
  const faults: string[] = [];
  page.on('pageerror', (error) => faults.push(error.message));
  page.on('console', (message) => {
    if (message.text().includes('Content Security Policy')) faults.push(message.text());
  });
  const kept = JSON.stringify(JSON.stringify({ credential }));
  const enters = `if (location.protocol === 'http:' && !sessionStorage.length) sessionStorage.setItem('freehold.console', ${kept});`;
  await page.addInitScript({ content: enters });
  await page.goto(url);
  return { page, faults };
}

async function open(url: string, options: BrowserContextOptions = {}): Promise<Page> {
  const context = await browser.newContext({ locale: 'en-GB', reducedMotion: 'reduce', ...options });
  const page = await context.newPage();
  await page.goto(url);
  return page;
}

describe("the console's files", () => {
  const get = (path: string) => world.platform.call('GET', 'acme.localhost', path);

  test('are one page at all of its addresses, whose nonce is fresh each time and is the one of its policy', async () => {
    const nonces = new Set<string>();
    for (const path of ['/console', '/console/agents', '/console/agents/agt_1']) {
      const page = await get(path);
      expect([page.status, page.headers['content-type']]).toEqual([200, 'text/html; charset=utf-8']);
      const nonce = /nonce="([^"]+)"/.exec(page.text)?.[1];
      const policy = String(page.headers['content-security-policy']);
      expect(policy).toContain(`style-src 'self' 'nonce-${nonce}'`);
      expect(policy).toContain("script-src 'self';");
      expect(policy).not.toContain('unsafe');
      expect(page.text).not.toContain('{{');
      nonces.add(nonce!);
    }
    expect(nonces.size).toBe(3);
  });

  test('are found where the address ends in a slash', async () => {
    for (const host of ['acme.localhost', 'localhost']) {
      const { status, headers } = await world.platform.call('GET', host, '/console/');
      expect([status, headers['location']]).toEqual([308, '/console']);
    }
  });

  test('have scripts and styles under names that never change what they hold', async () => {
    const page = await get('/console');
    const files = [...page.text.matchAll(/(?:src|href)="(\/console\/assets\/[^"]+)"/g)].map(([, path]) => path!);
    expect(files.length).toBeGreaterThan(1);
    for (const path of files) {
      const file = await get(path);
      expect(file.status).toBe(200);
      expect(file.headers['content-type']).toMatch(/^text\/(?:javascript|css); charset=utf-8$/);
      expect(file.headers['cache-control']).toBe('public, max-age=31536000, immutable');
    }
  });

  test.for([
    '/console/assets/nothing.js',
    '/console/assets/../index.html',
    '/console/assets/..%2f..%2f.sources',
    '/console/assets/.sources',
    '/console/assets//etc/passwd.js',
  ])('have nothing at %s', async (path) => {
    const answer = await get(path);
    expect(answer.text).not.toMatch(/[0-9a-f]{64}|root:/);
    if (answer.status === 200) expect(answer.headers['content-type']).toBe('text/html; charset=utf-8');
    else expect(answer.status).toBe(404);
  });
});

describe('signing in', () => {
  test('is one paste of a key; a wrong one is refused in the words of the platform; signing out leaves nothing', async () => {
    const page = await open(home);
    await page.getByLabel('API key', { exact: true }).fill('fh_nonsense');
    await page.getByRole('button', { name: 'Sign in' }).click();
    const refusal = (await world.platform.call('GET', 'acme.localhost', '/v1/tenant', { token: 'fh_nonsense' })).json();
    await page
      .getByRole('alert')
      .getByText((refusal as { error: { message: string } }).error.message)
      .waitFor();
    await paste(page, world.tenant.key);
    await page.getByRole('heading', { name: 'Overview' }).waitFor();
    await page.getByRole('button', { name: 'Sign out' }).click();
    await page.getByRole('heading', { name: 'Sign in' }).waitFor();
    expect(await page.evaluate(() => sessionStorage.length)).toBe(0);
    await page.context().close();
  });

  test('a key that is revoked while the console is open ends the session, and says why', async () => {
    const tenant = world.platform.client(world.tenant);
    const key = await tenant.require<{ id: string; secret: string }>('POST', '/v1/keys', { name: 'short' });
    const { page } = await enter(`${home}/secrets`, key.secret);
    await page.getByText('crm').waitFor();
    await tenant.require('POST', `/v1/keys/${key.id}/revoke`, {});
    await page.getByRole('link', { name: 'API keys' }).click();
    await page.getByRole('heading', { name: 'Sign in' }).waitFor();
    expect(await page.getByRole('alert').innerText()).not.toBe('');
    await page.context().close();
  });
});

describe('every page', () => {
  test('of the first load, the files have at most 250 kB; the chart library comes after it', async () => {
    const { page } = await enter('about:blank', world.tenant.key);
    const files = new Set<string>();
    page.on('request', (request) => {
      const { pathname } = new URL(request.url());
      if (pathname.startsWith('/console/assets/')) files.add(pathname);
    });
    await page.goto(home);
    await page.getByText('Median answer').waitFor();
    const folder = join(import.meta.dirname, '../../dist/frontends');
    const first = [...files].filter((path) => !path.includes('/trend-chart-'));
    const bytes = first.map((path) => gzipSync(readFileSync(join(folder, path)), { level: 9 }).length);
    expect(first.length).toBeGreaterThan(2);
    expect(bytes.reduce((sum, each) => sum + each, 0)).toBeLessThanOrEqual(MaxFirstLoadBytes);
    await page.context().close();
  });

  test.each([
    ["the tenant's", tenantPages],
    ["the operator's", operatorPages],
  ])('of %s is free of violations in both schemes, fits a telephone, and keeps to the policy', async (whose, paths) => {
    const isTenant = whose === "the tenant's";
    const [base, credential] = isTenant
      ? [home, world.tenant.key]
      : [operatorHome, world.platform.secrets.operator_token];
    const walk = async (walked: readonly string[]): Promise<unknown[]> => {
      const { page, faults } = await enter('about:blank', credential);
      const found: unknown[] = [];
      for (const path of walked) {
        const place = path.replaceAll(/[^a-z]+/g, '-').replaceAll(/^-|-$/g, '') || 'start';
        const name = `console-${isTenant ? 'tenant' : 'operator'}-${place}`;
        await page.setViewportSize({ width: 1440, height: 960 });
        await page.goto(base + path.replace(/:(\w+)/, (_, name: string) => made[name]!));
        await page.locator('main h1').waitFor();
        await expect.poll(() => page.getByRole('status', { name: 'Loading' }).count(), { timeout: 30_000 }).toBe(0);
        for (const colorScheme of ['light', 'dark'] as const) {
          await wearScheme(page, colorScheme);
          const axe = new AxeBuilder({ page });
          // The dark scheme has the same page in other colours.
          const { violations } = await (colorScheme === 'dark' ? axe.withRules(['color-contrast']) : axe).analyze();
          found.push(...violations.map(({ id, nodes }) => ({ path, colorScheme, id, html: nodes[0]?.html })));
          await page.screenshot({ path: screenshotPath(`${name}-${colorScheme}`) });
        }
        await page.setViewportSize({ width: 390, height: 844 });
        const fits = () => page.evaluate('document.documentElement.scrollWidth <= innerWidth');
        await expect.poll(fits, { timeout: 10_000, message: `${path} fits a telephone` }).toBe(true);
        await animationsOver(page);
        await page.screenshot({ path: screenshotPath(`${name}-telephone`), animations: 'disabled' });
      }
      await page.context().close();
      return [...found, ...faults];
    };
    const half = Math.ceil(paths.length / 2);
    expect((await Promise.all([walk(paths.slice(0, half)), walk(paths.slice(half))])).flat()).toEqual([]);
  });
});

describe("a tenant's team", () => {
  test('makes an agent, talks to it, changes it, sees what changed, and rolls it back', async () => {
    const { page } = await enter(`${home}/agents`, world.tenant.key);
    await page.getByRole('button', { name: 'New agent' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByLabel('Name').fill('Guide');
    await dialog.getByLabel('Slug').fill('Not A Slug');
    await dialog.getByRole('button', { name: 'Create agent' }).click();
    await dialog.getByText(/lower-case letters, digits and inner hyphens/).waitFor();
    expect(await dialog.getByLabel('Slug').getAttribute('aria-invalid')).toBe('true');
    await dialog.getByLabel('Slug').fill('guide');
    await dialog.getByLabel('Instructions').fill('You guide.');
    await dialog.getByRole('button', { name: 'Create agent' }).click();
    await page.getByRole('heading', { name: 'Guide' }).waitFor();

    await page.getByRole('link', { name: 'Try it' }).click();
    await page.getByLabel('Message').fill('When do you open?');
    await page.getByRole('button', { name: 'Send' }).click();
    await page.locator('.fh-message[data-role="assistant"]').waitFor();
    await page.getByText('Completed', { exact: true }).waitFor();
    await page.getByRole('tab', { name: /Events \(\d+\)/ }).click();
    await page.getByText('output_text.delta').waitFor();

    await page.goto(`${home}/agents/guide`);
    const tokens = page.getByLabel('Output tokens');
    await tokens.fill('99999999');
    await page.getByText(/Too big|<=32768/).waitFor();
    expect(await page.getByRole('button', { name: 'Save and publish' }).isDisabled()).toBe(true);
    await tokens.fill('512');
    await page.getByRole('button', { name: 'Save and publish' }).click();
    await page.getByText('Version 2').first().waitFor();
    await page.getByRole('tab', { name: 'Versions' }).click();
    await page.getByText('/limits/max_output_tokens').waitFor();
    await page.getByRole('button', { name: 'More' }).click();
    await page.getByRole('menuitem', { name: 'Roll back…' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Roll back' }).click();
    await page.getByRole('dialog').waitFor({ state: 'detached' });
    // What is not live is tried in the playground.
    await page.goto(`${home}/playground?agent=guide`);
    await page.locator('input[aria-label="Version"]').click();
    await page.getByRole('option', { name: 'Version 2' }).click();
    await page.getByText('agent/guide@2').waitFor();
    await page.getByLabel('Message').fill('When do you open?');
    await page.getByRole('button', { name: 'Send' }).click();
    await page.getByText('Completed', { exact: true }).waitFor();
    const agent = await world.platform
      .client(world.tenant)
      .require<{ published: { prod: number } }>('GET', '/v1/agents/guide');
    expect(agent.published.prod).toBe(1);
    await page.context().close();
  });

  test('makes a key that is shown once and works', async () => {
    const { page } = await enter(`${home}/keys`, world.tenant.key);
    await page.getByRole('button', { name: 'New key' }).click();
    await page.getByRole('dialog').getByLabel('Name').fill('Backend');
    await page.getByRole('button', { name: 'Create key' }).click();
    const secret = await page.getByRole('dialog', { name: 'Backend' }).locator('code').first().innerText();
    await page.getByRole('button', { name: 'I have copied it' }).click();
    await page.getByRole('cell', { name: /^Backend/ }).waitFor();
    expect(await page.content()).not.toContain(secret);
    expect((await world.platform.call('GET', 'acme.localhost', '/v1/agents', { token: secret })).status).toBe(200);
    await page.context().close();
  });

  test('makes an inbound hook: its secret is shown once, and what is sent with it becomes a task', async () => {
    const { page } = await enter(`${home}/hooks`, world.tenant.key);
    await page.getByRole('button', { name: 'New hook' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByLabel(/^Name/).fill('Issues');
    const choices = dialog.locator('input[aria-haspopup="listbox"]');
    await choices.nth(0).click();
    await page.getByRole('option', { name: 'Helper' }).click();
    await choices.nth(1).click();
    await page.getByRole('option', { name: 'Bearer token' }).click();
    await dialog.getByLabel('Header that names each delivery').waitFor();
    await dialog.getByRole('button', { name: 'Create hook' }).click();
    const shown = page.getByRole('dialog', { name: 'Issues listens' }).locator('code');
    const [secret, address] = [await shown.nth(0).innerText(), await shown.nth(1).innerText()];
    await page.getByRole('button', { name: 'I have copied it' }).click();
    await page.getByRole('link', { name: 'Issues' }).click();
    await page.getByText('Nothing has arrived yet').waitFor();
    expect(await page.content()).not.toContain(secret);
    const { pathname } = new URL(address);
    const sent = await world.platform.call('POST', 'acme.localhost', pathname, { token: secret, body: { issue: 3 } });
    expect(sent.status).toBe(202);
    await page.getByRole('table', { name: 'Deliveries' }).getByText('Handed over').waitFor({ timeout: 60_000 });
    await page.context().close();
  });

  test("changes an agent's goals, and finds in the history what was there before", async () => {
    const { page } = await enter(`${home}/agents/helper?tab=state`, world.tenant.key);
    await page.getByRole('button', { name: 'Answer within a minute.', exact: true }).click();
    await page.getByRole('dialog').getByLabel('How it stands').fill('Always so.');
    await page.getByRole('dialog').getByRole('button', { name: 'Save' }).click();
    await page.getByRole('cell', { name: 'Always so.' }).waitFor();
    await page.getByRole('tab', { name: 'History' }).click();
    await page.getByRole('button', { name: 'Goals' }).first().click();
    await page.getByRole('dialog').getByText('Mostly so.').waitFor();
    await page.getByRole('dialog').getByText('Always so.').waitFor();
    await page.context().close();
  });

  test('stops all runs of the tenant and lets them go on; the operator deletes it, and gets a certificate', async () => {
    const { id, key } = await world.platform.createTenant('still');
    const { page } = await enter(`http://still.localhost:${world.platform.port}/console/settings`, key);
    await page.getByRole('button', { name: 'Stop all runs' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Stop all runs' }).click();
    await page.getByText('All runs are stopped').waitFor();
    const ask = { token: key, body: { model: PlainModel, input: 'Hello?' } };
    const answer = async () => (await world.platform.call('POST', 'still.localhost', '/v1/responses', ask)).text;
    await expect.poll(answer, { timeout: 30_000 }).toContain('tenant_stopped');
    await page.getByRole('button', { name: 'Let them go on' }).click();
    await page.getByText('Running', { exact: true }).waitFor();
    await expect.poll(answer, { timeout: 30_000 }).not.toContain('tenant_stopped');
    await page.context().close();

    const { page: operator } = await enter(`${operatorHome}/tenants/${id}`, world.platform.secrets.operator_token);
    await operator.getByRole('button', { name: 'Delete' }).click();
    const dialog = operator.getByRole('dialog');
    await dialog.getByLabel('Write still to delete it').fill('stil');
    await dialog.getByRole('button', { name: 'Delete for good' }).click();
    await dialog.getByText('That is not its slug').waitFor();
    await dialog.getByLabel('Write still to delete it').fill('still');
    await dialog.getByRole('button', { name: 'Delete for good' }).click();
    await operator.getByRole('button', { name: 'Copy: Certificate' }).waitFor({ timeout: 90_000 });
    await operator.getByRole('button', { name: 'To the tenants' }).click();
    await operator.getByRole('heading', { name: 'Tenants' }).waitFor();
    await operator.context().close();
  });

  test('sees requests and events as they happen, without asking again', async () => {
    const { page } = await enter(home, world.tenant.key);
    const requests = page.locator('.fh-stat', { hasText: 'a minute' }).locator('.fh-stat-value');
    await page.getByText('Live', { exact: true }).waitFor();
    const before = Number(await requests.innerText());
    await world.platform.client(world.tenant).require('POST', '/v1/responses', { model: 'agent/helper', input: 'Hi?' });
    await expect.poll(async () => Number(await requests.innerText()), { timeout: 60_000 }).toBeGreaterThan(before);
    for (const how of ['suspend', 'resume']) {
      await world.platform.client(world.tenant).require('POST', `/v1/agents/helper/${how}`, {});
    }
    await page.getByText('Agent suspended').waitFor();
    await page.context().close();
  });

  test('sees what a memory says as text, finds it, and forgets it with a certificate', async () => {
    const { page } = await enter(`${home}/memories?agent=helper`, world.tenant.key);
    await page.getByText('Verified').waitFor();
    await page.getByLabel('Search the memories').fill('coffee on Mondays');
    await page.getByRole('button', { name: 'Search' }).click();
    await page.getByText('1 found').waitFor();
    await page.getByRole('button', { name: /free coffee/ }).click();
    await page.getByRole('dialog').getByText('<script>').waitFor();
    await page.keyboard.press('Escape');
    await page.getByRole('button', { name: 'Show all' }).click();
    await page.getByLabel('Choose memory 1').check();
    await page.getByRole('button', { name: 'Forget 1' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Forget' }).click();
    await page.getByText('nothing of them was found again').waitFor({ timeout: 60_000 });
    expect(await page.evaluate(() => (globalThis as { __ran?: number }).__ran)).toBeUndefined();
    await page.context().close();
  });

  test('is warned of colours that cannot be read, and told that a file is no image', async () => {
    const { page } = await enter(`${home}/branding`, world.tenant.key);
    await page.getByLabel('Text', { exact: true }).fill('#eeeeee');
    await page
      .getByText(/the contrast is 1\.\d/)
      .first()
      .waitFor();
    const [chooser] = await Promise.all([
      page.waitForEvent('filechooser'),
      page.getByRole('button', { name: 'Choose a file: logo' }).click(),
    ]);
    await chooser.setFiles({ name: 'logo.png', mimeType: 'image/png', buffer: Buffer.from('not an image') });
    await page.getByRole('button', { name: 'Save' }).click();
    await page
      .getByRole('alert')
      .getByText(/an image as a data URL/)
      .first()
      .waitFor();
    await page.context().close();
  });
});

describe('the operator', () => {
  test('creates a tenant, and with what is handed over its team signs in and brands it', async () => {
    const { page } = await enter(`${operatorHome}/tenants`, world.platform.secrets.operator_token);
    await page.getByRole('button', { name: 'New tenant' }).click();
    await page.getByRole('dialog').getByLabel('Name').fill('Blue Bakery');
    await page.getByRole('dialog').getByLabel('Slug').fill('bakery');
    await page.getByRole('button', { name: 'Create tenant' }).click();
    const handed = page.getByRole('dialog', { name: 'Blue Bakery is ready' }).locator('code');
    const [key, address] = [await handed.nth(0).innerText(), await handed.nth(1).innerText()];
    await page.context().close();

    const team = await open(`${address}/branding`);
    await paste(team, key);
    await team.getByLabel('Name').fill('Blue Bakery');
    await team.getByLabel('Accent').fill('#0b5fa5');
    await team.getByRole('button', { name: 'Save' }).click();
    await team.getByRole('navigation').getByText('Blue Bakery').waitFor();
    await team.context().close();
  });

  test('makes another version of a model the current one, and takes it back', async () => {
    const { page } = await enter(`${operatorHome}/models`, world.platform.secrets.operator_token);
    const current = page.getByRole('row').filter({ hasText: 'Current' });
    await page.getByRole('button', { name: 'Make version 2 the current one' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Make version 2 the current one' }).click();
    await current.filter({ hasText: 'org/none' }).waitFor();
    await page.getByRole('button', { name: 'Roll assistant back' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Roll back' }).click();
    await current.filter({ hasText: PlainModel }).waitFor();
    await page.context().close();
  });

  test('enrols a bridge with a command that is shown once, and suspends a tenant', async () => {
    const { page } = await enter(`${operatorHome}/bridges`, world.platform.secrets.operator_token);
    await page.getByRole('button', { name: 'Enrol a bridge' }).click();
    await page.getByRole('dialog').getByLabel('Name').fill('gpu-1');
    await page.getByRole('button', { name: 'Make the token' }).click();
    expect(await page.getByRole('dialog', { name: 'Enrol gpu-1' }).locator('code').first().innerText()).toContain(
      'bridge',
    );
    await page.getByRole('button', { name: 'I have copied it' }).click();
    await page.getByRole('table', { name: 'Enrolments' }).getByText('gpu-1').waitFor();

    const { id, key } = await world.platform.createTenant('sleepy');
    const { page: team } = await enter(`http://sleepy.localhost:${world.platform.port}/console/agents`, key);
    await team.getByText('No agents yet').waitFor();
    await page.goto(`${operatorHome}/tenants/${id}`);
    await page.getByRole('button', { name: 'Suspend' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Suspend' }).click();
    await page.getByText('It is suspended').waitFor();
    // The page that was open says what the platform says, and does not go on as if nothing had happened.
    await team.getByRole('link', { name: 'API keys' }).click();
    await team
      .getByText(/suspended/i)
      .first()
      .waitFor();
    await Promise.all([page.context().close(), team.context().close()]);
  });
});

/** As from a clipboard, which a browser without a screen does not have. */
async function paste(page: Page, text: string): Promise<void> {
  await page.locator('input').first().focus();
  await page.evaluate(`{
    const clipboardData = new DataTransfer();
    clipboardData.setData('text', ${JSON.stringify(text)});
    document.activeElement.dispatchEvent(new ClipboardEvent('paste', { clipboardData, bubbles: true }));
  }`);
}
