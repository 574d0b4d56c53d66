/** What the console is served as, and signing in to it by a key. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { paste, startConsoleWorld, type ConsoleWorld } from '../support/console-world.ts';

let world: ConsoleWorld;

beforeAll(async () => {
  world = await startConsoleWorld();
});
afterAll(() => world.stop());

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
    const page = await world.open(world.home);
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
    await tenant.require('POST', '/v1/secrets', { name: 'crm', value: 'a-value-nobody-sees' });
    const key = await tenant.require<{ id: string; secret: string }>('POST', '/v1/keys', { name: 'short' });
    const { page } = await world.enter(`${world.home}/secrets`, key.secret);
    await page.getByText('crm').waitFor();
    await tenant.require('POST', `/v1/keys/${key.id}/revoke`, {});
    await page.getByRole('link', { name: 'API keys' }).click();
    await page.getByRole('heading', { name: 'Sign in' }).waitFor();
    expect(await page.getByRole('alert').innerText()).not.toBe('');
    await page.context().close();
  });
});
