/** API keys: shown once, kept as a hash, refused the moment they are revoked, never stronger than their maker. (S-4, I-7) */
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { permissions } from '../../shared/contracts/keys.ts';
import { mintApiKey } from '../../shared/core/api-key.ts';
import { mintId, systemRandom } from '../../shared/core/ids.ts';
import { waitUntil } from '../support/populated-tenant.ts';
import { startTestPlatform, type CreatedTenant, type TestPlatform } from '../support/running-platform.ts';

type Key = {
  readonly id: string;
  readonly secret: string;
  readonly prefix: string;
  readonly permissions: readonly string[];
};

let platform: TestPlatform;
let acme: CreatedTenant;
let other: CreatedTenant;
const Host = 'acme.localhost';

beforeAll(async () => {
  platform = await startTestPlatform();
  [acme, other] = [await platform.createTenant('acme'), await platform.createTenant('other')];
});
afterAll(() => platform.stop());

const issue = (body: object, idempotencyKey?: string) =>
  platform.client(acme).require<Key>('POST', '/v1/keys', { name: 'k', ...body }, idempotencyKey);
const read = (token: string | undefined, path = '/v1/agents') =>
  platform.call('GET', Host, path, token === undefined ? {} : { token });

describe("a key's secret", () => {
  test('of fifty keys, in use, refused, replayed and in error, is nowhere on disk, in logs or in answers', async () => {
    const keys: Key[] = [];
    const answers: string[] = [];
    for (let at = 0; at < 50; at++) {
      const key = await issue({ name: `key ${at}` }, at % 2 ? `issue-${at}` : undefined);
      if (at % 2) expect(await issue({ name: `key ${at}` }, `issue-${at}`)).toEqual(key);
      keys.push(key);
    }
    for (const [at, { secret, id }] of keys.entries()) {
      answers.push(
        (await read(secret)).text,
        (await read(`${secret}x`)).text,
        (await read(secret, `/v1/agents/${id}`)).text,
      );
      answers.push((await platform.call('POST', Host, '/v1/agents', { token: secret, rawBody: '{"slug": ' })).text);
      answers.push(
        (
          await platform.call('POST', Host, '/v1/responses', {
            token: secret,
            body: { model: 'default', input: 'hello' },
          })
        ).text,
      );
      answers.push((await platform.call('GET', 'other.localhost', '/v1/agents', { token: secret })).text);
      if (at % 3 === 0)
        answers.push((await platform.call('POST', Host, `/v1/keys/${id}/revoke`, { token: acme.key })).text);
    }
    answers.push((await platform.call('GET', Host, '/v1/keys?limit=100', { token: acme.key })).text);
    const secrets = [...keys.map(({ secret }) => secret), acme.key, other.key];
    // The part that proves: after the id, before the checksum.
    const proofs = secrets.map((secret) => secret.split('_')[2]!);
    expect(new Set(proofs).size).toBe(52);
    const told = answers.join('\n');
    expect(proofs.filter((proof) => told.includes(proof))).toEqual([]);
    const files = filesUnder(platform.dataDir);
    expect(files.some((file) => file.endsWith('platform.log'))).toBe(true);
    const found = files.flatMap((file) => {
      const bytes = readFileSync(file, 'latin1');
      return proofs.filter((proof) => bytes.includes(proof)).map((proof) => `${file}: ${proof}`);
    });
    expect(found).toEqual([]);
    // What is kept is the hash, so the search above would have found a secret that is kept beside it.
    const hash = createHash('sha256').update(keys[1]!.secret).digest('hex');
    expect(files.some((file) => readFileSync(file, 'latin1').includes(hash))).toBe(true);
  });

  test('is shown when it is made and never again', async () => {
    const key = await issue({});
    expect(key.secret.startsWith(key.prefix)).toBe(true);
    const listed = (await platform.call('GET', Host, '/v1/keys?limit=100', { token: acme.key })).json() as {
      data: Record<string, unknown>[];
    };
    expect(listed.data.find(({ id }) => id === key.id)).toBeDefined();
    for (const row of listed.data) {
      expect(Object.keys(row)).not.toContain('secret');
      expect(JSON.stringify(row)).not.toMatch(/hash|fh_[0-9a-z]{26}/);
    }
  });
});

describe('a key that does not hold', () => {
  test('whatever is wrong with it, is answered with the same bytes', async () => {
    const [revoked, wrong] = [await issue({}), await issue({})];
    const expiring = await issue({ expires_at: new Date(Date.now() + 1_000).toISOString() });
    expect((await read(expiring.secret)).status).toBe(200);
    await platform.client(acme).require('POST', `/v1/keys/${revoked.id}/revoke`, {});
    await waitUntil(async () => (await read(expiring.secret)).status !== 200);
    const unknown = mintApiKey(mintId('key', Date.now()), systemRandom);
    const guessed = mintApiKey(wrong.id as Parameters<typeof mintApiKey>[0], systemRandom);
    const tokens = [
      undefined,
      '',
      'x',
      'fh_',
      `${wrong.secret.slice(0, -1)}${wrong.secret.endsWith('0') ? '1' : '0'}`,
      unknown,
      guessed,
    ];
    tokens.push(
      other.key,
      revoked.secret,
      expiring.secret,
      platform.secrets.operator_token,
      'ey.ey.ey',
      'x'.repeat(9_000),
      wrong.secret.toUpperCase(),
    );
    const answers = [];
    for (const token of tokens) answers.push(await read(token));
    const bodies = answers.map(({ status, text, headers }) =>
      JSON.stringify({ status, text, headers: { ...headers, date: '', 'x-request-id': '' } }),
    );
    expect(answers[0]!.status).toBe(401);
    expect([...new Set(bodies)]).toHaveLength(1);
    expect(answers[0]!.headers['www-authenticate']).toBe('Bearer');
  });

  test('is refused by the very next request after its revocation, each of a hundred times', async () => {
    for (let at = 0; at < 100; at++) {
      const key = await issue({});
      expect((await read(key.secret)).status).toBe(200);
      const revoked = await platform.call('POST', Host, `/v1/keys/${key.id}/revoke`, { token: acme.key });
      expect((revoked.json() as { status: string }).status).toBe('revoked');
      expect((await read(key.secret)).status).toBe(401);
    }
  });

  test('is refused while fifty clients use it: no request that begins after the answer succeeds', async () => {
    const key = await issue({});
    let revokedAt = Number.POSITIVE_INFINITY;
    let late = 0;
    let before = 0;
    const client = async () => {
      for (;;) {
        const begun = performance.now();
        const { status } = await read(key.secret);
        if (status === 200 && begun > revokedAt) late++;
        if (status !== 200 || late > 0) return;
        before++;
      }
    };
    const clients = Array.from({ length: 50 }, client);
    await waitUntil(async () => before > 200);
    await platform.client(acme).require('POST', `/v1/keys/${key.id}/revoke`, {});
    revokedAt = performance.now();
    await Promise.all(clients);
    expect(late).toBe(0);
  });

  test('is refused within one second on the hottest path too, where the edge remembers a grant for less', async () => {
    const key = await issue({});
    const body = { model: 'default', messages: [{ role: 'user', content: 'hi' }] };
    const ask = () => platform.call('POST', Host, '/v1/chat/completions', { token: key.secret, body });
    for (let at = 0; at < 5; at++) expect((await ask()).status).toBe(200);
    await platform.client(acme).require('POST', `/v1/keys/${key.id}/revoke`, {});
    const revokedAt = performance.now();
    let late = 0;
    for (let status = 200; status === 200 && late === 0;) {
      const begun = performance.now();
      ({ status } = await ask());
      if (status === 200 && begun - revokedAt > 1_000) late++;
      if (status !== 200) expect(status).toBe(401);
    }
    expect(late).toBe(0);
  });

  test('is told to wait when its source has guessed too often, and a key that holds is let in from there all the same', async () => {
    const headers = { 'cf-connecting-ip': '203.0.113.9' };
    const ask = (token: string, source = headers) =>
      platform.call('GET', Host, '/v1/agents', { token, headers: source });
    const guess = () => mintApiKey(mintId('key', Date.now()), systemRandom);
    const statuses: number[] = [];
    for (let at = 0; at < 150; at++) statuses.push((await ask(guess())).status);
    expect(statuses.indexOf(429)).toBe(100);
    expect(statuses.slice(100).every((status) => status === 429)).toBe(true);
    const throttled = await ask(guess());
    expect(Number(throttled.headers['retry-after-ms'])).toBeGreaterThan(0);
    expect((await ask(acme.key)).status).toBe(200);
    expect((await ask(guess(), { 'cf-connecting-ip': '203.0.113.10' })).status).toBe(401);
  });

  test('guessed from two hundred sources at once makes no other source wait, and locks no key that holds out', async () => {
    const ask = (token: string, source: string) =>
      platform.call('GET', Host, '/v1/agents', { token, headers: { 'cf-connecting-ip': source } });
    const guess = () => mintApiKey(mintId('key', Date.now()), systemRandom);
    const loud = '198.51.100.250';
    for (let at = 0; at < 100; at++) expect((await ask(guess(), loud)).status).toBe(401);
    const sources = Array.from({ length: 200 }, (_, at) => `198.51.100.${at}`);
    const [refused, held] = await Promise.all([
      Promise.all(sources.map(async (source) => [await ask(guess(), source), await ask(guess(), source)])),
      Promise.all(sources.map((source) => ask(acme.key, source))),
    ]);
    expect(new Set(refused.flat().map(({ status }) => status))).toEqual(new Set([401]));
    expect(new Set(held.map(({ status }) => status))).toEqual(new Set([200]));
    expect((await ask(guess(), loud)).status).toBe(429);
    expect((await ask(acme.key, loud)).status).toBe(200);
  });

  test('stays revoked when it is revoked again, and the first time stands', async () => {
    const key = await issue({});
    const path = `/v1/keys/${key.id}/revoke`;
    const [first, second] = [
      await platform.call('POST', Host, path, { token: acme.key }),
      await platform.call('POST', Host, path, { token: acme.key }),
    ];
    expect(second.json()).toEqual(first.json());
  });

  test('is refused when its tenant is suspended, and holds again after', async () => {
    const { id } = await platform.createTenant('paused');
    const made = await platform.operator.require<Key>('POST', `/operator/v1/tenants/${id}/keys`, { name: 'k' });
    const ask = () => platform.call('GET', 'paused.localhost', '/v1/agents', { token: made.secret });
    expect((await ask()).status).toBe(200);
    await platform.operator.require('POST', `/operator/v1/tenants/${id}/suspend`, {});
    expect(((await ask()).json() as { error: { code: string } }).error.code).toBe('tenant_suspended');
    await platform.operator.require('POST', `/operator/v1/tenants/${id}/reactivate`, {});
    expect((await ask()).status).toBe(200);
  });
});

describe('a key that makes keys', () => {
  const make = (token: string, body: object) =>
    platform.call('POST', Host, '/v1/keys', { token, body: { name: 'k', ...body } });

  test('grants no permission that it lacks, one by one and all at once', async () => {
    for (const held of permissions.filter((each) => each !== 'keys:write')) {
      const { secret } = await issue({ permissions: ['keys:write', held] });
      for (const wanted of permissions) {
        const made = await make(secret, { permissions: [wanted] });
        expect(made.status, `${held} grants ${wanted}`).toBe(wanted === held || wanted === 'keys:write' ? 201 : 403);
      }
      for (const everything of [['*'], undefined, [...permissions]]) {
        expect((await make(secret, everything ? { permissions: everything } : {})).status).toBe(403);
      }
    }
  });

  test('reaches no environment and no project beyond its own', async () => {
    const { secret } = await issue({ scope: { environment: 'dev', project: 'shop' } });
    const status = async (scope: object) => (await make(secret, { scope })).status;
    expect(await status({ environment: 'dev', project: 'shop' })).toBe(201);
    for (const scope of [
      {},
      { environment: 'dev' },
      { project: 'shop' },
      { environment: 'prod', project: 'shop' },
      { environment: null, project: 'shop' },
      { environment: 'dev', project: 'other' },
    ]) {
      expect(await status(scope), JSON.stringify(scope)).toBe(403);
    }
  });

  test('is refused an agent that its tenant does not have, and a past end', async () => {
    expect((await make(acme.key, { scope: { agent: mintId('agent', Date.now()) } })).status).toBe(400);
    expect((await make(acme.key, { expires_at: new Date(Date.now() - 1).toISOString() })).status).toBe(400);
  });

  test('outlives by none the credential that it was made with, nor hands out a secret that would', async () => {
    const at = (ms: number) => new Date(Date.now() + ms).toISOString();
    const end = at(3_600_000);
    const { id, secret } = await issue({ expires_at: end });
    for (const body of [{}, { expires_at: null }, { expires_at: at(7_200_000) }]) {
      const refused = await make(secret, body);
      expect([refused.status, (refused.json() as { error: { param: string } }).error.param]).toEqual([
        403,
        'expires_at',
      ]);
    }
    expect((await make(secret, { expires_at: end })).status).toBe(201);
    expect((await make(secret, { expires_at: at(60_000) })).status).toBe(201);
    const rotate = (key: string) => platform.call('POST', Host, `/v1/keys/${key}/rotate`, { token: secret, body: {} });
    expect((await rotate((await issue({})).id)).status).toBe(403);
    expect((await rotate(id)).status).toBe(200);
  });

  test('ends no key that reaches further, unless it manages the keys of the whole tenant', async () => {
    const revoke = async (token: string, key: string) =>
      (await platform.call('POST', Host, `/v1/keys/${key}/revoke`, { token })).status;
    const strong = await issue({});
    const shop = await issue({ scope: { project: 'shop' }, permissions: ['keys:write'] });
    const ofShop = await issue({ scope: { project: 'shop' }, permissions: ['keys:write'] });
    const ofOther = await issue({ scope: { project: 'other' }, permissions: ['keys:write'] });
    const abler = await issue({ scope: { project: 'shop' } });
    for (const { id } of [strong, ofOther, abler]) expect(await revoke(shop.secret, id)).toBe(403);
    expect(await revoke(shop.secret, ofShop.id)).toBe(200);
    const manager = await issue({ permissions: ['keys:write'] });
    for (const { id } of [strong, ofOther, abler]) expect(await revoke(manager.secret, id)).toBe(200);
    expect((await read(strong.secret)).status).toBe(401);
  });

  test('does not let a key of one agent make any', async () => {
    const agent = await platform
      .client(acme)
      .require<{ id: string }>('POST', '/v1/agents', { slug: 'maker', name: 'Maker' });
    const { secret } = await issue({ scope: { agent: agent.id } });
    expect((await make(secret, { scope: { agent: agent.id } })).status).toBe(403);
    expect((await make(secret, {})).status).toBe(403);
  });
});

function filesUnder(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .map((name) => join(folder, name))
    .filter((path) => statSync(path).isFile());
}
