/** Every page of both consoles in a browser: axe in both schemes, a telephone's width, the policy, and the first load. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { AxeBuilder } from '@axe-core/playwright';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { animationsOver, screenshotPath, wearScheme } from '../support/browser.ts';
import { hostile, startConsoleWorld, type ConsoleWorld } from '../support/console-world.ts';
import { PlainModel } from '../support/platform-with-node.ts';

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

let world: ConsoleWorld;
/** What stands in an address for something that was made. */
const made: Record<string, string> = {};

beforeAll(async () => {
  world = await startConsoleWorld();
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
afterAll(() => world.stop());

describe('every page', () => {
  test('of the first load, the files have at most 250 kB; the chart library comes after it', async () => {
    const { page } = await world.enter('about:blank', world.tenant.key);
    const files = new Set<string>();
    page.on('request', (request) => {
      const { pathname } = new URL(request.url());
      if (pathname.startsWith('/console/assets/')) files.add(pathname);
    });
    await page.goto(world.home);
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
      ? [world.home, world.tenant.key]
      : [world.operatorHome, world.platform.secrets.operator_token];
    const walk = async (walked: readonly string[]): Promise<unknown[]> => {
      const { page, faults } = await world.enter('about:blank', credential);
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
