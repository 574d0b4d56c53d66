/** An agent's state through the API: what the next turn reads of it, what it leaves behind, and whose turn its tasks are. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { AgentPersona, Goal, ProtocolHook, StateChange, TraceEntry } from '../../shared/contracts/agent-state.ts';
import type { AuditEntry } from '../../shared/contracts/audit.ts';
import type { List } from '../../shared/contracts/common.ts';
import type { Response } from '../../shared/contracts/responses.ts';
import type { Schedule, Task } from '../../shared/contracts/tasks.ts';
import type { Logger } from '../../shared/core/log.ts';
import {
  startTestPlatform,
  type CallOptions,
  type CreatedTenant,
  type TestPlatform,
} from '../support/running-platform.ts';
import { waitUntil } from '../support/wait-until.ts';

let platform: TestPlatform;
let tenant: CreatedTenant;
const jobs: Readonly<Record<string, unknown>>[] = [];
const log: Logger = {
  info: (event, fields) => event === 'job' && jobs.push(fields ?? {}),
  error: () => {},
};

beforeAll(async () => {
  platform = await startTestPlatform({ bridgeDeps: { log } });
  tenant = await platform.createTenant('acme');
  const tools = ['goals', 'schedule_task'].map((name) => ({ type: 'builtin', name }));
  const definition = { instructions: 'The office opens at nine.', tools, goals: ['Be short.'] };
  await client().require('POST', '/v1/agents', { slug: 'clerk', name: 'Clerk', definition });
});
afterAll(() => platform.stop());

const client = () => platform.client(tenant);
const call = (method: 'GET' | 'POST' | 'DELETE' | 'PATCH', path: string, options: CallOptions = {}) =>
  platform.call(method, 'acme.localhost', path, { token: tenant.key, ...options });
const list = async <T>(path: string) => (await client().require<List<T>>('GET', `/v1/agents/clerk/${path}`)).data;
const ask = (input: string) => client().require<Response>('POST', '/v1/responses', { model: 'agent/clerk', input });
const traceOf = (type: string) =>
  waitUntil(`${type} in the trace`, async () => {
    const found = (await list<TraceEntry>('trace?limit=100')).filter((entry) => entry.type === type);
    return found.length > 0 && found;
  });

describe('the state of an agent', () => {
  test('is in its next turn: goals, persona, and what a hook says before it', async () => {
    await client().require('POST', '/v1/agents/clerk/goals', { text: 'Name the parking garage Zirkon.' });
    await client().require('PATCH', '/v1/agents/clerk/persona', { role: 'Speaks for the warehouse Quarz.' });
    await client().require('POST', '/v1/agents/clerk/protocol_hooks', {
      name: 'holiday',
      moment: 'before_turn',
      action: { type: 'instruct', text: 'The warehouse Basalt is shut today.' },
    });
    for (const word of ['Zirkon', 'Quarz', 'Basalt'])
      expect(JSON.stringify((await ask(`What about ${word}?`)).output), word).toContain(word);
    const persona = await client().require<AgentPersona>('GET', '/v1/agents/clerk/persona');
    expect(persona).toMatchObject({ origin: 'state', role: 'Speaks for the warehouse Quarz.' });
    await client().require('DELETE', '/v1/agents/clerk/persona');
    expect(JSON.stringify((await ask('What about Quarz?')).output)).not.toContain('warehouse Quarz');
  });

  test('is changed by its own tools, in the name of who asked, and the turn is in the history', async () => {
    const turn = await ask('goals: add text="Sort the mail."');
    const goal = (await list<Goal>('goals')).find(({ text }) => text === 'Sort the mail.');
    expect(goal).toMatchObject({ status: 'active', created_by: { kind: 'key', id: tenant.keyId } });
    const history = await list<StateChange>('state_changes?part=goals');
    expect(history[0]).toMatchObject({ item: goal!.id, response: turn.id });
    await ask('schedule_task input="Look again." cron="0 9 * * 1" name="weekly"');
    expect(await list<Schedule>('schedules')).toMatchObject([{ name: 'weekly', cron: '0 9 * * 1' }]);
  });

  test('is not changed for a caller who may not: the tool says so', async () => {
    const key = await client().require<{ secret: string }>('POST', '/v1/keys', {
      name: 'asks only',
      permissions: ['inference:invoke'],
    });
    const before = await list<Goal>('goals');
    const answer = await call('POST', '/v1/responses', {
      token: key.secret,
      body: { model: 'agent/clerk', input: 'goals: add text="Take over."' },
    });
    expect(answer.text).toContain('lacks the permission');
    expect(await list<Goal>('goals')).toEqual(before);
  });

  test('leaves a trace of turns and tools, an event, and an entry on the audit trail', async () => {
    const goal = await client().require<Goal>('POST', '/v1/agents/clerk/goals', { text: 'Be seen.' });
    const audit = await client().require<List<AuditEntry>>('GET', '/v1/audit?action=agent.state_changed&limit=1');
    expect(audit.data[0]).toMatchObject({
      actor: { kind: 'key', id: tenant.keyId },
      details: { part: 'goals', item: goal.id },
    });
    const events = await client().require<List<{ data: object }>>('GET', '/v1/events?type=agent.state_changed&limit=1');
    expect(events.data[0]!.data).toMatchObject({ part: 'goals', item: goal.id });
    const turn = await ask('When does the office open?');
    await waitUntil('the turn in the trace', async () =>
      (await traceOf('response.completed')).some(({ data }) => data['id'] === turn.id),
    );
    expect((await traceOf('tool.called')).map(({ data }) => data['tool'])).toContain('goals');
  });
});

describe('a protocol hook', () => {
  test('that gives a task after a turn does so once, and not after the turn of that task', async () => {
    const hook = await client().require<ProtocolHook>('POST', '/v1/agents/clerk/protocol_hooks', {
      name: 'sum up',
      moment: 'after_turn',
      when: 'status != "none"',
      action: { type: 'task', input: 'When does the office open?' },
      max_per_hour: 1,
    });
    await ask('When does the office open?');
    const given = await waitUntil('the hook’s task has ended', async () => {
      const mine = (await list<Task>('tasks')).filter(({ metadata }) => metadata['protocol_hook'] === hook.id);
      return mine.length > 0 && mine.every(({ status }) => status === 'succeeded') && mine;
    });
    expect(given).toHaveLength(1);
    await waitUntil('the end of that task in the trace', async () =>
      (await traceOf('task.succeeded')).some(({ data }) => data['id'] === given[0]!.id),
    );
    const [now] = (await list<ProtocolHook>('protocol_hooks')).filter(({ id }) => id === hook.id);
    expect([now!.fired, now!.held_back]).toEqual([1, 0]);
    await client().require('DELETE', `/v1/agents/clerk/protocol_hooks/${hook.id}`);
  });

  test('that gives tasks is made and changed by those alone who may give tasks', async () => {
    const key = await client().require<{ secret: string }>('POST', '/v1/keys', {
      name: 'no tasks',
      permissions: ['agents:read', 'agents:write'],
    });
    const body = { name: 'x', moment: 'after_turn', action: { type: 'task', input: 'x' } };
    const path = '/v1/agents/clerk/protocol_hooks';
    expect((await call('POST', path, { token: key.secret, body })).status).toBe(403);
    const hook = await client().require<ProtocolHook>('POST', path, { ...body, enabled: false });
    const change = { token: key.secret, body: { enabled: true } };
    expect((await call('PATCH', `${path}/${hook.id}`, change)).status).toBe(403);
  });
});

test('a task’s turn goes to the node in the lane of the task, and a person’s in the first', async () => {
  const lanes = ['interactive', 'standard', 'batch'] as const;
  for (const lane of lanes) {
    const seen = jobs.length;
    await client().require('POST', '/v1/agents/clerk/tasks', { input: 'When does the office open?', lane });
    await waitUntil(`the job of ${lane}`, async () => jobs.length > seen);
    expect(jobs.at(-1)).toMatchObject({ operation: 'chat', lane });
  }
  const seen = jobs.length;
  await ask('When does the office open?');
  await waitUntil('the job of the response', async () => jobs.length > seen);
  expect(jobs.at(-1)).toMatchObject({ lane: 'interactive' });
});
