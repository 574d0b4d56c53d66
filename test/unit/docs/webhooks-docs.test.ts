/** The code in docs/webhooks.md, run as it is pasted, against our own signatures. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { mintWebhookKeyPair, mintWebhookSecret, signWebhook } from '../../../shared/core/standard-webhooks.ts';

type Verify = (key: string, headers: Readonly<Record<string, string>>, body: string) => unknown;

const root = join(import.meta.dirname, '../../..');
mkdirSync(join(root, 'dist'), { recursive: true });
// Inside the repository, so that the library in the first one is found.
const folder = mkdtempSync(join(root, 'dist/docs-'));
afterAll(() => rmSync(folder, { recursive: true }));

const snippets = [...readFileSync(join(root, 'docs/webhooks.md'), 'utf8').matchAll(/```js\n([\s\S]*?)```/g)].map(
  ([, code]) => code!,
);

test('each way to verify in the docs accepts our signatures and no others', async () => {
  expect(snippets).toHaveLength(3);
  const pair = await mintWebhookKeyPair();
  for (const [at, code] of snippets.entries()) {
    const file = join(folder, `${at}.mjs`);
    writeFileSync(file, code);
    const { verify } = (await import(/* @vite-ignore */ file)) as { verify: Verify };
    const secret = mintWebhookSecret();
    const [sign, check] = code.includes('v1a') ? [pair.privateKey, pair.publicKey] : [secret, secret];
    const body = JSON.stringify({ type: 'webhook.test', timestamp: new Date().toISOString(), data: { text: 'ü ✓' } });
    const timestamp = Math.floor(Date.now() / 1000);
    const headersFor = async (time: number, keys: readonly string[]) => {
      const signed = await signWebhook({ id: 'evt_1', timestamp: time, body }, keys);
      if (!signed.ok) throw new Error(signed.failure.message);
      return { 'webhook-id': 'evt_1', 'webhook-timestamp': String(time), 'webhook-signature': signed.value };
    };
    const good = await headersFor(timestamp, [mintWebhookSecret(), sign]);
    expect(verify(check, good, body), code).toEqual(JSON.parse(body));
    expect(() => verify(check, good, `${body} `), code).toThrow();
    expect(() => verify(check, { ...good, 'webhook-id': 'evt_2' }, body), code).toThrow();
    const other = await headersFor(timestamp, [mintWebhookSecret()]);
    expect(() => verify(check, other, body), code).toThrow();
    const old = await headersFor(timestamp - 301, [sign]);
    expect(() => verify(check, old, body), code).toThrow();
  }
});
