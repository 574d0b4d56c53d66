/** Budgets over the wire: many callers at once, one small budget, at no instant more than it allows. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { waitUntil } from '../support/wait-until.ts';
import { AgentModel, PlainModel, startPlatformWithNode } from '../support/platform-with-node.ts';
import { DegradedHeader } from '../../workers/routes/inference/degraded.ts';
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
const Rounds = Number(process.env['BUDGET_ROUNDS'] ?? 10);
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

  it(`is never overdrawn in ${Rounds} rounds of 200 calls at once with money for 100, and all that was held comes back`, async () => {
    const { tenant, client } = await makeTenant();
    keys.set(client, tenant.key);
    const need = await needOf(client, '/v1/chat/completions', body);
    const total = async () => {
      const { data } = await client.require<{ data: { cost_micros: number }[] }>('GET', '/v1/usage');
      return data.reduce((sum, row) => sum + row.cost_micros, 0);
    };
    for (let round = 0; round < Rounds; round++) {
      const before = await total();
      const { id } = await client.require<Budget>('POST', '/v1/budgets', {
        name: `r${round}`,
        limit_micros: need * 100,
        window: 'total',
      });
      const read = () => client.require<Budget>('GET', `/v1/budgets/${id}`);
      const statuses = await Promise.all(
        Array.from({ length: 200 }, async () => (await client.call('POST', '/v1/chat/completions', body)).status),
      );
      const seen = await read();
      expect(seen.spent_micros + seen.held_micros).toBeLessThanOrEqual(seen.limit_micros);
      expect(statuses.filter((status) => status !== 200 && status !== 429)).toEqual([]);
      expect(statuses.filter((status) => status === 200).length).toBeGreaterThanOrEqual(1);
      await until(async () => (await read()).held_micros === 0);
      expect((await read()).spent_micros).toBe((await total()) - before);
      await platform.call('DELETE', `${tenant.slug}.localhost`, `/v1/budgets/${id}`, { token: tenant.key });
    }
  }, 240_000);

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

describe('a budget with a cheaper model to degrade to', () => {
  const cheap = 'cheap/model';

  it('lets what the wanted model would cost too much through on the cheaper, never above its limit, and says so', async () => {
    const {
      node,
      platform: whole,
      tenant,
      stop,
    } = await startPlatformWithNode({ script: { models: [PlainModel, cheap] } });
    try {
      const client = whole.client(tenant);
      const price = (of: string, micros: number) =>
        whole.operator.require('POST', '/operator/v1/prices', {
          model: of,
          input_micros_per_mtok: micros,
          cached_input_micros_per_mtok: micros,
          output_micros_per_mtok: micros,
        });
      await price(PlainModel, 100_000_000);
      await price(cheap, 1_000_000);
      await waitUntil('the prices are in force', async () => {
        const { data } = await client.require<{ data: { id: string }[] }>('GET', '/v1/models');
        return data.some(({ id }) => id === cheap);
      });
      const budget = await client.require<Budget>('POST', '/v1/budgets', {
        name: 'small',
        limit_micros: 5_000,
        window: 'month',
        on_breach: 'degrade',
        degrade_to: cheap,
        thresholds: [5, 90],
      });
      const ask = (model: string, stream = false) =>
        whole.call('POST', 'acme.localhost', '/v1/chat/completions', {
          token: tenant.key,
          body: { model, stream, messages: [{ role: 'user', content: 'hi' }], max_tokens: 20 },
        });
      // A view of the catalogue may be a second old, so the first answers wait for the prices.
      await waitUntil(
        'the wanted model is too dear',
        async () => (await ask(PlainModel)).headers[DegradedHeader] !== undefined,
      );
      const isNothingHeld = async () =>
        (await client.require<Budget>('GET', `/v1/budgets/${budget.id}`)).held_micros === 0;
      for (const model of [PlainModel, AgentModel]) {
        for (const stream of [false, true]) {
          // What the one before had held may be half of the budget until its receipt is there.
          await waitUntil('nothing is held', isNothingHeld);
          const answer = await ask(model, stream);
          expect(answer.status, answer.text).toBe(200);
          // An agent's stream has begun before its first step is admitted.
          if (!(stream && model === AgentModel)) expect(answer.headers[DegradedHeader], answer.text).toBe(model);
          expect(answer.text).toContain(`"model":"${cheap}"`);
          expect(node.requests.at(-1)!.body['model']).toBe(cheap);
        }
      }
      expect((await ask(cheap)).headers[DegradedHeader]).toBeUndefined();
      for (let left = 60; left > 0; left--) {
        const answer = await ask(PlainModel);
        const seen = await client.require<Budget>('GET', `/v1/budgets/${budget.id}`);
        expect(seen.spent_micros + seen.held_micros).toBeLessThanOrEqual(seen.limit_micros);
        if (answer.status === 200) continue;
        expect([answer.status, (answer.json() as { error: { code: string } }).error.code]).toEqual([
          429,
          'insufficient_quota',
        ]);
        break;
      }
      const reached = async (percent: number) => {
        const { data } = await client.require<{ data: { target: string; details: object }[] }>(
          'GET',
          '/v1/audit?action=budget.threshold_reached',
        );
        return data.filter(({ details }) => 'percent' in details && details.percent === percent);
      };
      // What was refused may have been so for what was held only: a threshold is told by what is settled.
      await waitUntil('a threshold is reached', async () => (await reached(5)).length > 0);
      expect(await reached(5)).toMatchObject([{ target: budget.id, details: { percent: 5, limit_micros: 5_000 } }]);
    } finally {
      await stop();
    }
  });

  it.each([
    [{ on_breach: 'degrade' }, 'degrade_to'],
    [{ degrade_to: 'm' }, 'degrade_to'],
    [{ on_breach: 'explode' }, 'on_breach'],
    [{ thresholds: [0] }, 'thresholds.0'],
    [{ thresholds: [50, 50] }, 'thresholds'],
  ])('is refused as %j, with its field', async (change, field) => {
    const { client } = await makeTenant();
    const refused = await client.call('POST', '/v1/budgets', { name: 'b', limit_micros: 1, window: 'day', ...change });
    expect(refused.status).toBe(400);
    expect((refused.body as { error: { param: string } }).error.param).toBe(field);
  });

  it('goes back to refusing when it is told to, and needs a model to degrade', async () => {
    const { client, tenant } = await makeTenant();
    const { id } = await client.require<Budget>('POST', '/v1/budgets', { name: 'b', limit_micros: 1, window: 'day' });
    const change = (body: object) =>
      platform.call('PATCH', `${tenant.slug}.localhost`, `/v1/budgets/${id}`, { token: tenant.key, body });
    expect((await change({ on_breach: 'degrade' })).status).toBe(400);
    expect((await change({ on_breach: 'degrade', degrade_to: 'm' })).json()).toMatchObject({ degrade_to: 'm' });
    expect((await change({ on_breach: 'refuse' })).json()).toMatchObject({ on_breach: 'refuse', degrade_to: null });
  });
});

async function until(holds: () => Promise<boolean>, limitMs = 10_000): Promise<void> {
  const end = performance.now() + limitMs;
  while (!(await holds())) if (performance.now() > end) throw new Error('it did not become true in time');
}
