/** What the operator does in the console, and what a team finds that something was handed over to. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { paste, startConsoleWorld, type ConsoleWorld } from '../support/console-world.ts';
import { PlainModel } from '../support/platform-with-node.ts';

let world: ConsoleWorld;

beforeAll(async () => {
  world = await startConsoleWorld();
});
afterAll(() => world.stop());

describe('the operator', () => {
  test('creates a tenant, and with what is handed over its team signs in and brands it', async () => {
    const { page } = await world.enter(`${world.operatorHome}/tenants`, world.platform.secrets.operator_token);
    await page.getByRole('button', { name: 'New tenant' }).click();
    await page.getByRole('dialog').getByLabel('Name').fill('Blue Bakery');
    await page.getByRole('dialog').getByLabel('Slug').fill('bakery');
    await page.getByRole('button', { name: 'Create tenant' }).click();
    const handed = page.getByRole('dialog', { name: 'Blue Bakery is ready' }).locator('code');
    const [key, address] = [await handed.nth(0).innerText(), await handed.nth(1).innerText()];
    await page.context().close();

    const team = await world.open(`${address}/branding`);
    await paste(team, key);
    await team.getByLabel('Name').fill('Blue Bakery');
    await team.getByLabel('Accent').fill('#0b5fa5');
    await team.getByRole('button', { name: 'Save' }).click();
    await team.getByRole('navigation').getByText('Blue Bakery').waitFor();
    await team.context().close();
  });

  test('makes another version of a model the current one, and takes it back', async () => {
    await world.platform.operator.require('POST', '/operator/v1/models', {
      id: 'assistant',
      versions: [
        { version: '1', model: PlainModel },
        { version: '2', model: 'org/none' },
      ],
      current: '1',
      canary: { version: '2', percent: 5 },
    });
    const { page } = await world.enter(`${world.operatorHome}/models`, world.platform.secrets.operator_token);
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
    const { page } = await world.enter(`${world.operatorHome}/bridges`, world.platform.secrets.operator_token);
    await page.getByRole('button', { name: 'Enrol a bridge' }).click();
    await page.getByRole('dialog').getByLabel('Name').fill('gpu-1');
    await page.getByRole('button', { name: 'Make the token' }).click();
    expect(await page.getByRole('dialog', { name: 'Enrol gpu-1' }).locator('code').first().innerText()).toContain(
      'bridge',
    );
    await page.getByRole('button', { name: 'I have copied it' }).click();
    await page.getByRole('table', { name: 'Enrolments' }).getByText('gpu-1').waitFor();

    const { id, key } = await world.platform.createTenant('sleepy');
    const { page: team } = await world.enter(`http://sleepy.localhost:${world.platform.port}/console/agents`, key);
    await team.getByText('No agents yet').waitFor();
    await page.goto(`${world.operatorHome}/tenants/${id}`);
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
