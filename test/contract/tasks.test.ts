/** Tasks and schedules through the API: work that an agent finishes by itself, and what becomes of it when it cannot. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Schedule, Task } from '../../shared/contracts/tasks.ts';
import {
  startTestPlatform,
  type CallOptions,
  type CreatedTenant,
  type TestPlatform,
} from '../support/running-platform.ts';
import { waitUntil } from '../support/wait-until.ts';

let platform: TestPlatform;
let tenant: CreatedTenant;

beforeAll(async () => {
  platform = await startTestPlatform();
  tenant = await platform.createTenant('acme');
  await client().require('POST', '/v1/agents', {
    slug: 'clerk',
    name: 'Clerk',
    definition: { instructions: 'The office opens at nine.', limits: { concurrent_tasks: 2 } },
  });
});
afterAll(() => platform.stop());

const client = () => platform.client(tenant);
const call = (method: 'GET' | 'POST' | 'DELETE' | 'PATCH', path: string, options: CallOptions = {}) =>
  platform.call(method, 'acme.localhost', path, { token: tenant.key, ...options });
const give = (body: object) => client().require<Task>('POST', '/v1/agents/clerk/tasks', body);
const read = (id: string) => client().require<Task>('GET', `/v1/tasks/${id}`);
const ended = (id: string) =>
  waitUntil('the end of the task', async () => {
    const task = await read(id);
    return ['succeeded', 'failed', 'dead', 'cancelled'].includes(task.status) && task;
  });

describe('a task', () => {
  test('is done by its agent in a conversation of its own, and keeps its answer', async () => {
    const made = await give({ input: 'When does the office open?', metadata: { ticket: '7' } });
    expect(made).toMatchObject({ object: 'task', lane: 'standard', metadata: { ticket: '7' } });
    const done = await ended(made.id);
    expect(done).toMatchObject({ status: 'succeeded', attempts: 1, error: null });
    expect(done.output).toContain('nine');
    const items = await client().require<{ data: unknown[] }>('GET', `/v1/conversations/${done.conversation}/items`);
    expect(items.data).toHaveLength(2);
  });

  test('given twice with one Idempotency-Key is one task', async () => {
    const options = { body: { input: 'Once.' }, headers: { 'idempotency-key': 'task-1' } };
    const [first, second] = await Promise.all([
      call('POST', '/v1/agents/clerk/tasks', options),
      call('POST', '/v1/agents/clerk/tasks', options),
    ]);
    const again = await call('POST', '/v1/agents/clerk/tasks', options);
    expect([first.status, second.status].filter((status) => status === 201).length).toBeGreaterThan(0);
    const ids = [first, second, again].filter(({ status }) => status === 201).map((each) => (each.json() as Task).id);
    expect(new Set(ids).size).toBe(1);
  });

  test('is listed with its agent, newest first, by status', async () => {
    const later = await give({ input: 'Later.', run_at: '2100-01-01T00:00:00Z' });
    const listed = await client().require<{ data: Task[] }>('GET', '/v1/agents/clerk/tasks?status=scheduled');
    expect(listed.data.map(({ id }) => id)).toEqual([later.id]);
    expect((await client().require<Task>('POST', `/v1/tasks/${later.id}/cancel`)).status).toBe('cancelled');
  });

  test('that was cancelled can be given again', async () => {
    const later = await give({ input: 'When does the office open?', run_at: '2100-01-01T00:00:00Z' });
    await client().require('POST', `/v1/tasks/${later.id}/cancel`);
    await client().require('POST', `/v1/tasks/${later.id}/retry`);
    expect((await ended(later.id)).status).toBe('succeeded');
    expect((await call('POST', `/v1/tasks/${later.id}/retry`)).status).toBe(409);
  });

  test('whose key is revoked before its time fails, and says why', async () => {
    const key = await client().require<{ id: string; secret: string }>('POST', '/v1/keys', { name: 'short-lived' });
    const made = (
      await call('POST', '/v1/agents/clerk/tasks', {
        token: key.secret,
        body: { input: 'Later.', run_at: new Date(Date.now() + 2_000).toISOString() },
      })
    ).json() as Task;
    await client().require('POST', `/v1/keys/${key.id}/revoke`);
    expect(await ended(made.id)).toMatchObject({ status: 'failed', error: { code: 'invalid_api_key' } });
  });

  test('that misses its deadline fails', async () => {
    const made = await give({
      input: 'Later.',
      run_at: '2100-01-01T00:00:00Z',
      deadline: new Date(Date.now() + 300).toISOString(),
    });
    expect(await ended(made.id)).toMatchObject({ status: 'failed', error: { code: 'deadline_exceeded' } });
  });

  test('tells its story as events, in order', async () => {
    const made = await give({ input: 'When does the office open?' });
    await ended(made.id);
    const types = await waitUntil('the events', async () => {
      const events = await client().require<{ data: { type: string; data: { id: string } }[] }>(
        'GET',
        '/v1/events?type=task.*&limit=100',
      );
      const own = events.data.filter(({ data }) => data.id === made.id).map(({ type }) => type);
      return own.includes('task.succeeded') && own.reverse();
    });
    expect(types).toEqual(['task.created', 'task.started', 'task.succeeded']);
  });

  test.for([
    [{}, 'input'],
    [{ input: '' }, 'input'],
    [{ input: 'x', lane: 'fast' }, 'lane'],
    [{ input: 'x', priority: 11 }, 'priority'],
    [{ input: 'x', run_at: 'tomorrow' }, 'run_at'],
    [{ input: 'x', max_attempts: 0 }, 'max_attempts'],
    [{ input: 'x', attempts: 0 }, 'attempts'],
  ])('of a wrong form (%j) is refused by its field', async ([body, param]) => {
    const answer = await call('POST', '/v1/agents/clerk/tasks', { body });
    expect([answer.status, (answer.json() as { error: { param: string } }).error.param]).toEqual([400, param]);
  });
});

describe('a schedule', () => {
  const made = (body: object) =>
    client().require<Schedule>('POST', '/v1/agents/clerk/schedules', { name: 'Daily', input: 'Report.', ...body });

  test('knows when it runs next, in its time zone, and can be turned off and changed', async () => {
    const schedule = await made({ cron: '0 9 * * *', timezone: 'Asia/Tokyo' });
    expect(schedule.next_run_at).toMatch(/T00:00:00.000Z$/);
    const path = `/v1/agents/clerk/schedules/${schedule.id}`;
    const off = (await call('PATCH', path, { body: { enabled: false } })).json() as Schedule;
    expect([off.enabled, off.next_run_at]).toEqual([false, null]);
    const changed = (await call('PATCH', path, { body: { enabled: true, cron: '30 9 * * *' } })).json() as Schedule;
    expect(changed.next_run_at).toMatch(/T00:30:00.000Z$/);
    expect((await call('DELETE', path)).status).toBe(200);
    expect((await call('GET', path)).status).toBe(404);
  });

  test.for([
    [{ cron: '0 0 30 2 *' }, 'cron'],
    [{ cron: 'whenever you like, please' }, 'cron'],
    [{ cron: '0 9 * * *', timezone: 'Mars/Olympus' }, 'timezone'],
  ])('that can never run (%j) is refused by its field', async ([body, param]) => {
    const answer = await call('POST', '/v1/agents/clerk/schedules', {
      body: { name: 'n', input: 'x', ...(body as object) },
    });
    expect([answer.status, (answer.json() as { error: { param: string } }).error.param]).toEqual([400, param]);
  });
});

describe('while no node answers', () => {
  test('a task waits, and is tried again', async () => {
    const quiet = await startTestPlatform();
    try {
      const other = await quiet.createTenant('globex');
      const api = quiet.client(other);
      await api.require('POST', '/v1/agents', {
        slug: 'clerk',
        name: 'Clerk',
        definition: { instructions: 'It opens at nine.' },
      });
      await quiet.bridge.close();
      const task = await api.require<Task>('POST', '/v1/agents/clerk/tasks', { input: 'When?', max_attempts: 20 });
      const waiting = await waitUntil(
        'the first failure',
        async () => {
          const now = await api.require<Task>('GET', `/v1/tasks/${task.id}`);
          return now.status === 'scheduled' && now;
        },
        { withinMs: 60_000 },
      );
      expect(waiting).toMatchObject({ attempts: 1 });
      expect(waiting.error).not.toBeNull();
    } finally {
      await quiet.platform.stop();
    }
  });
});
