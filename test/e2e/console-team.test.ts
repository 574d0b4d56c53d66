/** What a tenant's team does in the console. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { hostile, startConsoleWorld, type ConsoleWorld } from '../support/console-world.ts';
import { openPath } from '../support/cuttable-path.ts';
import { PlainModel } from '../support/platform-with-node.ts';

let world: ConsoleWorld;

beforeAll(async () => {
  world = await startConsoleWorld();
});
afterAll(() => world.stop());

describe("a tenant's team", () => {
  test('makes an agent, talks to it, changes it, sees what changed, and rolls it back', async () => {
    const { page } = await world.enter(`${world.home}/agents`, world.tenant.key);
    await page.getByRole('button', { name: 'New agent' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByLabel('Name').fill('Guide');
    expect(await dialog.getByLabel('Slug').inputValue()).toBe('guide');
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

    await page.goto(`${world.home}/agents/guide`);
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
    await page.goto(`${world.home}/playground?agent=guide`);
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
    const { page } = await world.enter(`${world.home}/keys`, world.tenant.key);
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
    const name = `Issues ${Date.now()}`;
    const { page } = await world.enter(`${world.home}/hooks`, world.tenant.key);
    await page.getByRole('button', { name: 'New hook' }).first().click();
    const dialog = page.getByRole('dialog');
    await dialog.getByLabel(/^Name/).fill(name);
    const choices = dialog.locator('input[aria-haspopup="listbox"]');
    await choices.nth(0).click();
    await page.getByRole('option', { name: 'Helper' }).click();
    await choices.nth(1).click();
    await page.getByRole('option', { name: 'Bearer token' }).click();
    await dialog.getByLabel('Header that names each delivery').waitFor();
    await dialog.getByRole('button', { name: 'Create hook' }).click();
    const shown = page.getByRole('dialog', { name: `${name} listens` }).locator('code');
    const [secret, address] = [await shown.nth(0).innerText(), await shown.nth(1).innerText()];
    await page.getByRole('button', { name: 'I have copied it' }).click();
    await page.getByRole('dialog').waitFor({ state: 'detached' });
    await page.getByRole('link', { name }).click();
    await page.getByText('Nothing has arrived yet').waitFor();
    expect(await page.content()).not.toContain(secret);
    const { pathname } = new URL(address);
    const sent = await world.platform.call('POST', 'acme.localhost', pathname, { token: secret, body: { issue: 3 } });
    expect(sent.status).toBe(202);
    await page.getByRole('table', { name: 'Deliveries' }).getByText('Handed over').waitFor({ timeout: 60_000 });
    await page.context().close();
  });

  test("changes an agent's goals, and finds in the history what was there before", async () => {
    const goal = { text: 'Answer within a minute.', note: 'Mostly so.' };
    await world.platform.client(world.tenant).require('POST', '/v1/agents/helper/goals', goal);
    const { page } = await world.enter(`${world.home}/agents/helper?tab=state`, world.tenant.key);
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
    const { page } = await world.enter(`http://still.localhost:${world.platform.port}/console/settings`, key);
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

    const { page: operator } = await world.enter(
      `${world.operatorHome}/tenants/${id}`,
      world.platform.secrets.operator_token,
    );
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
    const { page } = await world.enter(world.home, world.tenant.key);
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

  test('is told that the network is gone, and sees what happened meanwhile once it is back', async () => {
    const path = await openPath(world.platform.port);
    const home = world.home.replace(/\d+/, String(path.port));
    const { page } = await world.enter(`${home}/events`, world.tenant.key);
    await page.getByText('Live', { exact: true }).waitFor();
    path.cut();
    await page.getByText('Lost', { exact: true }).waitFor();
    await world.platform.client(world.tenant).require('POST', '/v1/secrets', { name: 'late', value: 'a-value' });
    path.mend();
    await page.getByText('Live', { exact: true }).waitFor({ timeout: 30_000 });
    await page.getByRole('button', { name: 'secret.created' }).first().waitFor({ timeout: 30_000 });
    await page.context().close();
    await path.close();
  });

  test('sees what a memory says as text, finds it, and forgets it with a certificate', async () => {
    const text = `Guests get a free coffee on Mondays. ${hostile}`;
    await world.platform.client(world.tenant).require('POST', '/v1/agents/helper/memories', { text });
    const { page } = await world.enter(`${world.home}/memories?agent=helper`, world.tenant.key);
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
    const { page } = await world.enter(`${world.home}/branding`, world.tenant.key);
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
