/** Rate limits of keys, as their callers see them: on every kind of answer, streams and refusals among them. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { startTestPlatform, type Answer, type CreatedTenant, type TestPlatform } from '../support/running-platform.ts';
import { waitUntil } from '../support/wait-until.ts';

const Limit = 20;
const TokenLimit = 2_000;
const chat = { model: 'freehold/extractive', messages: [{ role: 'user', content: 'hello' }], max_tokens: 20 };

let platform: TestPlatform;
let tenant: CreatedTenant;

beforeAll(async () => {
  platform = await startTestPlatform();
  tenant = await platform.createTenant('rated');
});
afterAll(() => platform.stop());

async function limitedKey(): Promise<(method: 'GET' | 'POST', path: string, body?: object) => Promise<Answer>> {
  const { secret } = await platform
    .client(tenant)
    .require<{ secret: string }>('POST', '/v1/keys', { name: 'limited', rate_limit: { requests_per_minute: Limit } });
  return (method, path, body) =>
    platform.call(method, 'rated.localhost', path, { token: secret, ...(body ? { body } : {}) });
}

it('a key passes as many requests a minute as it may, whatever they are, and is then told when to come back', async () => {
  const call = await limitedKey();
  const answers = await Promise.all(
    Array.from({ length: 3 * Limit }, (_, at) =>
      at % 3 === 0
        ? call('POST', '/v1/chat/completions', chat)
        : at % 3 === 1
          ? call('GET', '/v1/agents')
          : call('POST', '/v1/chat/completions', { ...chat, stream: true }),
    ),
  );
  const passed = answers.filter(({ status }) => status === 200);
  const refused = answers.filter(({ status }) => status === 429);
  expect(passed.length + refused.length).toBe(answers.length);
  expect(passed.length).toBeLessThanOrEqual(Limit);
  expect(passed.length).toBeGreaterThanOrEqual(Limit / 2);
  for (const { headers } of answers) {
    expect(headers['x-ratelimit-limit-requests']).toBe(String(Limit));
    expect(headers['ratelimit-policy']).toBe(`"requests";q=${Limit};w=60`);
    expect(String(headers['x-ratelimit-reset-requests'])).toMatch(/^(?:\d+ms|\d+s|\d+m\d+s)$/);
  }
  for (const { headers, json } of refused) {
    expect(json()).toMatchObject({ error: { code: 'rate_limit_exceeded', type: 'rate_limit_error' } });
    expect(headers['x-should-retry']).toBe('true');
    const afterMs = Number(headers['retry-after-ms']);
    expect(afterMs).toBeGreaterThan(0);
    expect(afterMs).toBeLessThanOrEqual(62_000);
    expect(headers['x-ratelimit-remaining-requests']).toBe('0');
  }
});

it('a key passes no more tokens a minute than it may, is told so on every answer, and gets back what a run did not use', async () => {
  const { secret } = await platform
    .client(tenant)
    .require<{ secret: string }>('POST', '/v1/keys', { name: 'tokens', rate_limit: { tokens_per_minute: TokenLimit } });
  const call = (stream: boolean, max_tokens = 20) =>
    platform.call('POST', 'rated.localhost', '/v1/chat/completions', {
      token: secret,
      body: { ...chat, max_tokens, stream },
    });
  const answers = await Promise.all(Array.from({ length: 40 }, (_, at) => call(at % 2 === 0)));
  const passed = answers.filter(({ status }) => status === 200);
  expect(answers.filter(({ status }) => status !== 200 && status !== 429)).toEqual([]);
  expect(passed.length).toBeGreaterThan(0);
  expect(passed.length).toBeLessThan(answers.length);
  for (const { headers } of answers) {
    expect(headers['x-ratelimit-limit-tokens']).toBe(String(TokenLimit));
    expect(Number(headers['x-ratelimit-remaining-tokens'])).toBeGreaterThanOrEqual(0);
    expect(headers['ratelimit-policy']).toBe(`"tokens";q=${TokenLimit};w=60`);
    expect(String(headers['ratelimit'])).toMatch(/^"tokens";r=\d+;t=\d+$/);
  }
  // Settled runs used far less than they might have, so there is room again long before the minute is over.
  await waitUntil('there is room for another run', async () => (await call(false)).status === 200);
  const beyond = await call(false, TokenLimit);
  expect(beyond.status).toBe(400);
  expect(beyond.json()).toMatchObject({ error: { code: 'invalid_request', param: 'max_tokens' } });
});

it('a key has no more runs under way than it may, and another as soon as one has ended', async () => {
  const { secret } = await platform
    .client(tenant)
    .require<{ secret: string }>('POST', '/v1/keys', { name: 'busy', rate_limit: { concurrent_runs: 2 } });
  const call = () => platform.call('POST', 'rated.localhost', '/v1/chat/completions', { token: secret, body: chat });
  const answers = await Promise.all(Array.from({ length: 20 }, call));
  expect(answers.filter(({ status }) => status !== 200 && status !== 429)).toEqual([]);
  expect(answers.filter(({ status }) => status === 200).length).toBeGreaterThan(0);
  const refused = answers.filter(({ status }) => status === 429);
  expect(refused.length).toBeGreaterThan(0);
  for (const { headers, json } of refused) {
    expect(json()).toMatchObject({ error: { code: 'rate_limit_exceeded' } });
    expect(Number(headers['retry-after-ms'])).toBeGreaterThan(0);
  }
  for (let run = 0; run < 5; run++) {
    await waitUntil('a run has ended', async () => (await call()).status === 200);
  }
});

it('a key without a limit has no rate headers', async () => {
  const answer = await platform.call('GET', 'rated.localhost', '/v1/agents', { token: tenant.key });
  expect(answer.headers['x-ratelimit-limit-requests']).toBeUndefined();
});

it.each([
  { requests_per_minute: 0 },
  { requests_per_minute: 1.5 },
  { requests_per_minute: 2, burst: 3 },
  {},
  { tokens_per_minute: -1 },
  { concurrent_runs: 0 },
  5,
])('a rate limit of %j is refused with its field', async (limit) => {
  const refused = await platform.client(tenant).call('POST', '/v1/keys', { name: 'bad', rate_limit: limit });
  expect(refused.status).toBe(400);
  expect((refused.body as { error: { param: string } }).error.param).toContain('rate_limit');
});
