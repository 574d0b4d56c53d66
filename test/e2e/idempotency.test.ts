/**
 * Idempotency-Key: one execution, then its stored answer, for every creating POST; scoped by tenant, credential and
 * route; and no secret in plain on disk, although a replay shows it again.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Answer } from '../support/running-platform.ts';
import {
  AgentModel,
  EmbeddingModel,
  PlainModel,
  startPlatformWithNode,
  type PlatformWithNode,
} from '../support/platform-with-node.ts';

type Made = { readonly id: string; readonly secret?: string };
type Failed = { readonly error: { readonly code: string } };

const Concurrent = 50;
const chat = (model: string) => ({ model, messages: [{ role: 'user', content: 'Count.' }] });

let home: PlatformWithNode;

beforeAll(async () => {
  home = await startPlatformWithNode();
});
afterAll(() => home.stop());
beforeEach(() => {
  home.node.script = { models: [PlainModel, EmbeddingModel] };
  home.node.requests.length = 0;
});

let keys = 0;
/** A key that no other test has used. */
function freshKey(): string {
  keys++;
  return `test-key-${keys}`;
}

function post(
  path: string,
  body: unknown,
  idempotencyKey: string,
  as: { slug: string; key: string } = home.tenant,
): Promise<Answer> {
  return home.platform.call('POST', `${as.slug}.localhost`, path, {
    token: as.key,
    body,
    headers: { 'idempotency-key': idempotencyKey },
  });
}

async function countListed(path: string): Promise<number> {
  const { data } = await home.platform.client(home.tenant).require<{ data: unknown[] }>('GET', `${path}?limit=100`);
  return data.length;
}

/** What an execution leaves behind that can be counted, and a body that makes it. */
const operations = [
  { path: '/v1/keys', body: () => ({ name: 'k' }), effects: () => countListed('/v1/keys') },
  {
    path: '/v1/agents',
    body: (unique: string) => ({ slug: unique, name: 'A' }),
    effects: () => countListed('/v1/agents'),
  },
  {
    path: '/v1/agents/helper/memories',
    body: (unique: string) => ({ text: `The sky is blue: ${unique}.` }),
    effects: () => countListed('/v1/agents/helper/memories'),
  },
  { path: '/v1/conversations', body: () => ({}), effects: () => countListed('/v1/conversations') },
  { path: '/v1/chat/completions', body: () => chat(PlainModel), effects: () => home.node.requests.length },
  { path: '/v1/chat/completions', body: () => chat(AgentModel), effects: () => home.node.requests.length },
  {
    path: '/v1/responses',
    body: () => ({ model: PlainModel, input: 'Count.' }),
    effects: () => home.node.requests.length,
  },
  {
    path: '/v1/responses',
    body: () => ({ model: AgentModel, input: 'Count.', background: true }),
    effects: () => home.node.requests.length,
  },
];

describe.each(
  operations.map((operation) => ({ ...operation, title: `${operation.path} ${JSON.stringify(operation.body('a'))}` })),
)('POST $title', ({ path, body, effects }) => {
  it(`${Concurrent} at once with one key execute once; the others replay it or are told to wait`, async () => {
    const key = freshKey();
    const before = await effects();
    const answers = await Promise.all(Array.from({ length: Concurrent }, () => post(path, body(key), key)));
    const good = answers.filter(({ status }) => status < 300);
    const waiting = answers.filter(({ status }) => status === 409);
    expect(good.length).toBeGreaterThan(0);
    expect(good.length + waiting.length).toBe(Concurrent);
    for (const answer of waiting) {
      expect((answer.json() as Failed).error.code).toBe('idempotency_in_progress');
      expect(answer.headers['x-should-retry']).toBe('true');
    }
    expect(new Set(good.map((answer) => `${answer.status} ${answer.text}`)).size).toBe(1);
    const replay = await post(path, body(key), key);
    expect(replay.text).toBe(good[0]!.text);
    await home.settle();
    await expect.poll(async () => (await effects()) - before, { timeout: 15_000 }).toBe(1);
  });

  it('the same key with another body is a 422', async () => {
    const key = freshKey();
    await post(path, body(key), key);
    const answer = await post(path, { ...body(key), name: 'other', metadata: { other: 'yes' } }, key);
    if (answer.status !== 400) {
      expect(answer.status).toBe(422);
      expect((answer.json() as Failed).error.code).toBe('idempotency_mismatch');
    }
  });
});

describe('a key', () => {
  it('is not shared with another tenant, another credential or another route', async () => {
    const key = freshKey();
    const other = await home.platform.createTenant('globex');
    const first = (await post('/v1/keys', { name: 'k' }, key)).json() as Made;
    const second = { slug: home.tenant.slug, key: first.secret! };
    const made = [
      first,
      (await post('/v1/keys', { name: 'k' }, key, other)).json() as Made,
      (await post('/v1/keys', { name: 'k' }, key, second)).json() as Made,
    ];
    expect(new Set(made.map(({ id }) => id)).size).toBe(3);
    expect(new Set(made.map(({ secret }) => secret)).size).toBe(3);
    expect((await post('/v1/conversations', {}, key)).status).toBe(200);
  });

  it('is the same key with and without the quotes of a structured field', async () => {
    const key = freshKey();
    const bare = await post('/v1/conversations', {}, key);
    const quoted = await post('/v1/conversations', {}, `"${key}"`);
    expect(quoted.text).toBe(bare.text);
  });

  it.each([PlainModel, AgentModel])('may be used again for %s after the node had failed', async (model) => {
    const key = freshKey();
    home.node.script = { ...home.node.script, refuse: { status: 503, body: { error: { message: 'busy' } } } };
    expect((await post('/v1/chat/completions', chat(model), key)).status).toBe(503);
    home.node.script = { models: [PlainModel, EmbeddingModel] };
    const retried = await post('/v1/chat/completions', chat(model), key);
    expect(retried.status, retried.text).toBe(200);
    expect((await post('/v1/chat/completions', chat(model), key)).text).toBe(retried.text);
  });

  it.each([PlainModel, AgentModel])('of a stream of %s does not get in the way of the next', async (model) => {
    const key = freshKey();
    for (let time = 0; time < 2; time++) {
      const answer = await post('/v1/chat/completions', { ...chat(model), stream: true }, key);
      expect(answer.status, answer.text).toBe(200);
      expect(answer.text).toContain('[DONE]');
    }
  });

  it('of a Responses stream finds the same response again', async () => {
    const key = freshKey();
    const body = { model: AgentModel, input: 'Count.', stream: true };
    const first = await post('/v1/responses', body, key);
    expect(first.status, first.text).toBe(200);
    expect((await post('/v1/responses', body, key)).text).toBe(first.text);
    expect(home.node.requests).toHaveLength(1);
  });

  it.each(['', 'a b', 'x'.repeat(256)])('that is not valid (%j) is refused', async (key) => {
    expect((await post('/v1/conversations', {}, key)).status).toBe(400);
  });
});

describe('the secret of a key', () => {
  it('is shown again by a replay, and is nowhere on disk in plain', async () => {
    const key = freshKey();
    const first = (await post('/v1/keys', { name: 'kept secret' }, key)).json() as Made;
    const replay = (await post('/v1/keys', { name: 'kept secret' }, key)).json() as Made;
    expect(replay).toEqual(first);
    const use = await home.platform.call('GET', `${home.tenant.slug}.localhost`, '/v1/models', {
      token: replay.secret!,
    });
    expect(use.status).toBe(200);
    const files = readdirSync(home.platform.dataDir, { recursive: true, withFileTypes: true }).filter((entry) =>
      entry.isFile(),
    );
    expect(files.length).toBeGreaterThan(5);
    const contents = files.map((file) => ({
      name: file.name,
      text: readFileSync(join(file.parentPath, file.name), 'latin1'),
    }));
    // The id of the key is found, so what is looked at is where it is kept.
    expect(contents.some(({ text }) => text.includes(first.id))).toBe(true);
    for (const secret of [first.secret!, home.tenant.key]) {
      // Also without the prefix, which is kept to tell keys apart.
      for (const part of [secret, secret.slice(-20), Buffer.from(secret).toString('base64').slice(0, -2)]) {
        expect(contents.filter(({ text }) => text.includes(part)).map(({ name }) => name)).toEqual([]);
      }
    }
  });
});
