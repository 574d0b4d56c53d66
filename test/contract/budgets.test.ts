/** Budgets over the wire: many callers at once, one small budget, at no instant more than it allows. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { LocalClient } from '../../scripts/local-client.ts';
import { startTestPlatform, type CreatedTenant, type TestPlatform } from '../support/running-platform.ts';

type Budget = {
  readonly id: string;
  readonly limit_micros: number;
  readonly spent_micros: number;
  readonly held_micros: number;
};

const Calls = 500;
const Worth = 10;
const model = 'freehold/extractive';
const body = { model, messages: [{ role: 'user', content: 'hello' }], max_tokens: 50 };

let platform: TestPlatform;
let next = 0;

beforeAll(async () => {
  platform = await startTestPlatform();
});
afterAll(() => platform.stop());

async function makeTenant(): Promise<{ tenant: CreatedTenant; client: LocalClient }> {
  const tenant = await platform.createTenant(`budget-${next++}`);
  return { tenant, client: platform.client(tenant) };
}

/** The most that one call holds, found out with a budget that allows exactly nothing. */
async function needOf(client: LocalClient, path: string, request: object): Promise<number> {
  const nothing = await client.require<Budget>('POST', '/v1/budgets', {
    name: 'nothing',
    limit_micros: 0,
    window: 'total',
  });
  const refused = await client.call('POST', path, request);
  expect(refused.status).toBe(429);
  const { error } = refused.body as { error: { code: string; message: string } };
  expect(error.code).toBe('insufficient_quota');
  await platform.call('DELETE', `budget-${next - 1}.localhost`, `/v1/budgets/${nothing.id}`, { token: keyOf(client) });
  return Number(/up to (\d+) micro-USD/.exec(error.message)![1]);
}

const keys = new WeakMap<LocalClient, string>();
const keyOf = (client: LocalClient) => keys.get(client)!;

describe('a budget worth ten calls', () => {
  it(`admits no more than it can pay for out of ${Calls} at once, and at no instant shows more spent and held than its limit`, async () => {
    const { tenant, client } = await makeTenant();
    keys.set(client, tenant.key);
    const need = await needOf(client, '/v1/chat/completions', body);
    const budget = await client.require<Budget>('POST', '/v1/budgets', {
      name: 'small',
      limit_micros: need * Worth,
      window: 'month',
    });
    const read = () => client.require<Budget>('GET', `/v1/budgets/${budget.id}`);
    let over = 0;
    let watching = true;
    const watch = (async () => {
      while (watching) {
        const seen = await read();
        if (seen.spent_micros + seen.held_micros > seen.limit_micros) over++;
      }
    })();
    const statuses = await Promise.all(
      Array.from({ length: Calls }, async () => (await client.call('POST', '/v1/chat/completions', body)).status),
    );
    watching = false;
    await watch;
    expect(over).toBe(0);
    const answered = statuses.filter((status) => status === 200).length;
    expect(answered).toBeGreaterThanOrEqual(1);
    expect(statuses.filter((status) => status !== 200 && status !== 429)).toEqual([]);
    // What the budget says was spent is what the ledger says.
    await until(async () => (await read()).held_micros === 0);
    const usage = await client.require<{ data: { cost_micros: number; requests: number }[] }>('GET', '/v1/usage');
    const total = usage.data.reduce((sum, row) => sum + row.cost_micros, 0);
    expect((await read()).spent_micros).toBe(total);
    expect(total).toBeLessThanOrEqual(need * Worth);
    expect(usage.data.reduce((sum, row) => sum + row.requests, 0)).toBe(answered);
  });

  it('binds the turns of agents as well, and a refused turn says why', async () => {
    const { tenant, client } = await makeTenant();
    keys.set(client, tenant.key);
    await client.require('POST', '/v1/agents', { slug: 'a', name: 'A', definition: { model } });
    await client.require('POST', '/v1/budgets', { name: 'nothing', limit_micros: 0, window: 'day' });
    const chat = await client.call('POST', '/v1/chat/completions', { ...body, model: 'agent/a' });
    expect(chat.status).toBe(429);
    expect(chat.body).toMatchObject({ error: { code: 'insufficient_quota' } });
    const response = await client.call('POST', '/v1/responses', { model: 'agent/a', input: 'hello' });
    expect(response.body).toMatchObject({ status: 'failed', error: { code: 'insufficient_quota' } });
  });

  it('of one key leaves other keys alone', async () => {
    const { tenant, client } = await makeTenant();
    keys.set(client, tenant.key);
    const other = await client.require<{ id: string; secret: string }>('POST', '/v1/keys', { name: 'other' });
    await client.require('POST', '/v1/budgets', {
      name: 'k',
      limit_micros: 0,
      window: 'day',
      scope: { key: other.id },
    });
    const host = `${tenant.slug}.localhost`;
    const refused = await platform.call('POST', host, '/v1/chat/completions', { token: other.secret, body });
    expect(refused.status).toBe(429);
    expect(refused.headers['x-should-retry']).toBe('false');
    expect((await client.call('POST', '/v1/chat/completions', body)).status).toBe(200);
  });
});

async function until(holds: () => Promise<boolean>, limitMs = 10_000): Promise<void> {
  const end = performance.now() + limitMs;
  while (!(await holds())) if (performance.now() > end) throw new Error('it did not become true in time');
}
