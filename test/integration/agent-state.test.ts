/** An agent's state in its object: goals, persona, history, trace, protocol hooks, and the work it gives itself. */
import { runDurableObjectAlarm, runInDurableObject } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { describe, expect, test } from 'vitest';
import type { AgentObject } from '../../durable-objects/agent/agent-object.ts';
import { agentMigrations } from '../../durable-objects/agent/agent-migrations.ts';
import { MaxHooks } from '../../durable-objects/agent/hook-desk.ts';
import { MaxOwnSchedules, MaxWaitingOwnTasks } from '../../durable-objects/agent/own-work-desk.ts';
import { MaxActiveGoals } from '../../durable-objects/agent/state-desk.ts';
import { MaxHistory, MaxTrace } from '../../durable-objects/agent/state-store.ts';
import type { Platform } from '../../durable-objects/stubs.ts';
import { createProtocolHook } from '../../shared/contracts/agent-state.ts';
import type { CarriedEvent } from '../../shared/contracts/events.ts';
import { mintId, type AgentId, type TenantId } from '../../shared/core/ids.ts';
import type { Principal } from '../../shared/core/principal.ts';
import type { Result } from '../../shared/core/result.ts';
import { agentObjectName } from '../../shared/tenancy/object-name.ts';

/** Far ahead, so that no alarm rings by itself. */
const Start = Date.UTC(2100, 0, 1);
const HourMs = 60 * 60_000;
const namespace = (env as unknown as Platform).AGENT as DurableObjectNamespace<AgentObject>;
const principal: Principal = {
  kind: 'key',
  id: mintId('key', 0),
  permissions: ['tasks:write'],
  scope: { project: null, environment: null, agent: null },
};
const person = { actor: { kind: 'key', id: principal.id }, response: null };

function must<T>(result: Result<T>): T {
  if (!result.ok) throw new Error(`${result.failure.code}: ${result.failure.message}`);
  return result.value;
}
const codeOf = (result: Result<unknown>) => (result.ok ? 'ok' : result.failure.code);

function openAgent() {
  const tenant: TenantId = mintId('tenant', 0);
  const agentId: AgentId = mintId('agent', 0);
  const clock = { at: Start, now: () => clock.at };
  const stub = namespace.getByName(agentObjectName(tenant, agentId, 0));
  const run = <T>(work: (object: AgentObject, state: DurableObjectState) => Promise<T> | T): Promise<T> =>
    runInDurableObject<AgentObject, T>(stub, (object, state) => {
      object.clock = clock;
      return work(object, state);
    });
  const addGoal = (text: string, by = person) =>
    run((object) => object.state.createGoal(agentId, mintId('goal', clock.at), { text, note: '' }, by));
  const addHook = (hook: object) => {
    const whole = createProtocolHook.parse({ name: 'h', moment: 'after_turn', action: { type: 'event' }, ...hook });
    const kept = { ...whole, id: mintId('protocolHook', clock.at), agentId, agentLimit: 2, principal };
    return run((object) => object.hooks.create(kept));
  };
  let serial = 0;
  const observe = (type: string, data: object = {}, id = mintId('event', Start + serial++)) =>
    run((object) =>
      object.state.observe(agentId, [{ id, at: clock.at, type, data, agent: agentId } as unknown as CarriedEvent]),
    );
  const hooks = () => run((object) => object.hooks.list(agentId, 100, undefined).data);
  const tasks = () => run((object) => object.tasks.list(agentId, { limit: 100 }).data);
  const trace = () => run((object) => object.state.trace(agentId, 100, undefined).data);
  const changes = () => run((object) => object.state.changes(agentId, { limit: 100 }).data);
  const facts = { caller: 'key', environment: 'prod', lane: 'interactive' };
  const meet = (met = facts) => run((object) => object.state.meet(agentId, met));
  return { agentId, clock, stub, run, addGoal, addHook, observe, hooks, tasks, trace, changes, meet, facts };
}

describe('goals', () => {
  test('are met by the next turn while they are active, and each change is in the history with what was before', async () => {
    const { agentId, run, addGoal, meet, changes, trace } = openAgent();
    const goal = must(await addGoal('Answer within the hour.'));
    must(await run((object) => object.state.updateGoal(agentId, goal.id, { note: 'half done' }, person)));
    expect((await meet()).goals).toEqual(['Answer within the hour. (half done)']);
    must(await run((object) => object.state.updateGoal(agentId, goal.id, { status: 'achieved' }, person)));
    expect((await meet()).goals).toEqual([]);
    must(await run((object) => object.state.deleteGoal(agentId, goal.id, person)));
    const history = await changes();
    expect(history.map(({ part, item }) => [part, item])).toEqual(Array(4).fill(['goals', goal.id]));
    expect(history[1]!.changes).toEqual([{ op: 'replace', path: '/status', before: 'active', after: 'achieved' }]);
    expect(history[0]!.changes).toMatchObject([{ op: 'replace', path: '', after: null }]);
    expect((await trace()).map(({ type }) => type)).toEqual(Array(4).fill('agent.state_changed'));
  });

  test('that a tool changes name the turn, and a change that changes nothing is none', async () => {
    const { agentId, run, addGoal, changes } = openAgent();
    const goal = must(await addGoal('Learn.', { ...person, response: 'resp_1' } as never));
    must(await run((object) => object.state.updateGoal(agentId, goal.id, { text: 'Learn.' }, person)));
    expect((await changes()).map(({ response }) => response)).toEqual(['resp_1']);
  });

  test('given twice under one id are one; beyond the limit they are refused, and ended ones leave room', async () => {
    const { agentId, run, addGoal } = openAgent();
    const id = mintId('goal', Start);
    const twice = () => run((object) => object.state.createGoal(agentId, id, { text: 'Once.', note: '' }, person));
    expect(must(await twice()).id).toBe(must(await twice()).id);
    for (let at = 1; at < MaxActiveGoals; at++) must(await addGoal(`Goal ${at}.`));
    expect(codeOf(await addGoal('One more.'))).toBe('conflict');
    must(await run((object) => object.state.updateGoal(agentId, id, { status: 'dropped' }, person)));
    must(await addGoal('One more.'));
    expect(codeOf(await run((object) => object.state.updateGoal(agentId, id, { status: 'active' }, person)))).toBe(
      'conflict',
    );
  });

  test('of another agent of the same object are not found', async () => {
    const { run, addGoal } = openAgent();
    const goal = must(await addGoal('Mine.'));
    const other: AgentId = mintId('agent', 1);
    expect(codeOf(await run((object) => object.state.updateGoal(other, goal.id, { text: 'x' }, person)))).toBe(
      'not_found',
    );
    expect((await run((object) => object.state.listGoals(other, { limit: 10 }))).data).toEqual([]);
  });
});

describe('the persona', () => {
  const own = { role: 'Clerk', tone: 'dry', traits: ['exact'], avoids: [] };

  test('is the definition’s until it is changed, member by member, and again once that is taken back', async () => {
    const { agentId, run, meet, changes } = openAgent();
    expect(await run((object) => object.state.persona(agentId, own))).toMatchObject({ ...own, origin: 'definition' });
    expect((await meet()).persona).toBeNull();
    must(await run((object) => object.state.updatePersona(agentId, own, { tone: 'warm' }, person)));
    expect((await meet()).persona).toEqual({ ...own, tone: 'warm' });
    must(await run((object) => object.state.updatePersona(agentId, own, { role: 'Host' }, person)));
    expect((await changes())[0]!.changes).toEqual([{ op: 'replace', path: '/role', before: 'Clerk', after: 'Host' }]);
    expect(must(await run((object) => object.state.resetPersona(agentId, own, person)))).toMatchObject(own);
    expect((await meet()).persona).toBeNull();
  });
});

describe('a protocol hook', () => {
  test('before a turn adds to its instructions, where its condition holds', async () => {
    const { addHook, meet, facts, hooks } = openAgent();
    const action = { type: 'instruct', text: 'Ask for the name first.' };
    must(await addHook({ moment: 'before_turn', when: 'caller = "visitor"', action }));
    expect((await meet()).instructions).toEqual([]);
    expect((await meet({ ...facts, caller: 'visitor' })).instructions).toEqual([action.text]);
    expect((await hooks())[0]!.fired).toBe(1);
  });

  test('gives a task when its moment comes, once for one event, and what that task does sets off nothing', async () => {
    const { addHook, observe, tasks, trace, hooks, stub } = openAgent();
    const action = { type: 'task', input: 'Write to the owner.' };
    const hook = must(await addHook({ moment: 'on_task_failed', when: 'attempts > 1', action }));
    await observe('task.dead', { id: 't0', attempts: 1, conversation: 'c' });
    const twice = mintId('event', Start);
    for (let time = 0; time < 2; time++)
      await observe('task.dead', { id: 't1', attempts: 3, conversation: 'c' }, twice);
    await runDurableObjectAlarm(stub);
    await runDurableObjectAlarm(stub);
    const given = await tasks();
    expect(given).toHaveLength(1);
    expect(given[0]!).toMatchObject({ lane: 'batch', metadata: { protocol_hook: hook.id } });
    expect(given[0]!.input).toContain('Write to the owner.\n\nWhat set this off: {"type":"task.dead","id":"t1"');
    expect((await trace()).find(({ type }) => type === 'agent.hook_fired')).toMatchObject({
      data: { cause: twice, task: given[0]!.id },
    });
    await observe('task.dead', { id: given[0]!.id, attempts: 3, conversation: given[0]!.conversation });
    await runDurableObjectAlarm(stub);
    expect([(await tasks()).length, (await hooks())[0]!.fired]).toEqual([1, 1]);
  });

  test('fires no more than so often an hour; what is held back is counted', async () => {
    const { clock, addHook, observe, hooks } = openAgent();
    must(await addHook({ max_per_hour: 2 }));
    for (let turn = 0; turn < 5; turn++) await observe('response.completed', { conversation: 'c' });
    expect(await hooks()).toMatchObject([{ fired: 2, held_back: 3 }]);
    clock.at += HourMs;
    await observe('response.completed', { conversation: 'c' });
    expect(await hooks()).toMatchObject([{ fired: 3, held_back: 3 }]);
  });

  test('that is turned off does nothing, and one that cannot act at its moment is refused', async () => {
    const { agentId, run, addHook, observe, hooks } = openAgent();
    const hook = must(await addHook({}));
    const update = (change: object) =>
      run((object) => object.hooks.update(agentId, hook.id, change, { principal, agentLimit: 2 }));
    must(await update({ enabled: false }));
    await observe('response.completed', { conversation: 'c' });
    expect((await hooks())[0]!.fired).toBe(0);
    expect(codeOf(await update({ action: { type: 'instruct', text: 'x' } }))).toBe('invalid_request');
    const misfit = { name: 'h', moment: 'before_turn', action: { type: 'event' } };
    expect(createProtocolHook.safeParse(misfit).success).toBe(false);
    expect(createProtocolHook.safeParse({ ...misfit, moment: 'after_turn', when: 'what?' }).success).toBe(false);
  });

  test('is one of a bounded number, and acts as whoever changed it last', async () => {
    const { agentId, run, addHook, observe, stub } = openAgent();
    const hook = must(await addHook({ action: { type: 'task', input: 'x' } }));
    for (let at = 1; at < MaxHooks; at++) must(await addHook({ enabled: false }));
    expect(codeOf(await addHook({}))).toBe('conflict');
    const other: Principal = { ...principal, id: mintId('key', 1) };
    must(await run((object) => object.hooks.update(agentId, hook.id, {}, { principal: other, agentLimit: 2 })));
    await observe('response.completed', { conversation: 'c' });
    await runDurableObjectAlarm(stub);
    const principals = await run((_, { storage }) =>
      storage.sql.exec<{ principal: string }>('SELECT principal FROM tasks').toArray(),
    );
    expect(principals.map((row) => (JSON.parse(row.principal) as Principal).id)).toEqual([other.id]);
  });
});

describe('history and trace', () => {
  test('are bounded: the newest are kept', async () => {
    const { agentId, run, observe, addGoal } = openAgent();
    const goal = must(await addGoal('Count.'));
    await run(async (object) => {
      for (let at = 0; at < MaxHistory + 10; at++)
        await object.state.updateGoal(agentId, goal.id, { note: String(at) }, person);
    });
    for (let at = 0; at < 100; at++) await observe('tool.called', { id: `e${at}` });
    const counts = await run((_, { storage }) =>
      ['state_changes', 'trace'].map(
        (table) => storage.sql.exec<{ n: number }>(`SELECT COUNT(*) AS n FROM ${table}`).one().n,
      ),
    );
    expect(counts[0]).toBe(MaxHistory);
    expect(counts[1]).toBeLessThanOrEqual(MaxTrace + 100);
  });

  test('go with the agent, and everything else of its state; another agent’s stays', async () => {
    const { agentId, run, addGoal, addHook } = openAgent();
    must(await addGoal('Mine.'));
    must(await addHook({}));
    const other: AgentId = mintId('agent', 1);
    await run(async (object) => {
      await object.state.updatePersona(agentId, undefined, { tone: 'x' }, person);
      await object.state.createGoal(other, mintId('goal', Start), { text: 'Theirs.', note: '' }, person);
      object.state.end(agentId);
    });
    const left = await run((_, { storage }) =>
      ['goals', 'personas', 'protocol_hooks', 'state_changes', 'trace'].flatMap((table) =>
        storage.sql.exec<{ agent_id: string }>(`SELECT agent_id FROM ${table}`).toArray(),
      ),
    );
    expect(new Set(left.map((row) => row.agent_id))).toEqual(new Set([other]));
  });
});

describe('work that an agent gives itself', () => {
  const order = { input: 'Look again.', run_at: new Date(Start + HourMs).toISOString() };

  function worker() {
    const agent = openAgent();
    const { agentId, run } = agent;
    const give = (wanted: object = order, effectId = mintId('effect', Start)) =>
      run((object) =>
        object.ownWork.give({ agentId, principal, agentLimit: 2, effectId }, { input: 'Look again.', ...wanted }),
      );
    return { ...agent, give };
  }

  test('is a task at its time, given once for one effect', async () => {
    const { give, tasks } = worker();
    const effect = mintId('effect', Start);
    const [first, again] = [must(await give(order, effect)), must(await give(order, effect))];
    expect(again).toEqual(first);
    expect(await tasks()).toMatchObject([{ id: first.id, status: 'scheduled', run_at: order.run_at }]);
  });

  test('or a schedule, that gives it its tasks', async () => {
    const { agentId, run, give, clock, stub, tasks } = worker();
    const made = must(await give({ cron: '0 * * * *' }));
    clock.at = Date.parse(made.due!);
    await run(() => undefined);
    await runDurableObjectAlarm(stub);
    expect(await tasks()).toMatchObject([{ schedule: made.id }]);
    const listed = await run((object) => object.schedules.list(agentId, 10, undefined));
    expect(listed.data).toMatchObject([{ id: made.id, name: 'Look again.', timezone: 'UTC' }]);
  });

  test.each([
    ['that is due in less than a minute', { run_at: new Date(Start + 59_000).toISOString() }],
    ['that is due in the past', { run_at: new Date(Start - HourMs).toISOString() }],
    ['that is due in two years', { run_at: new Date(Start + 2 * 366 * 24 * HourMs).toISOString() }],
    ['that is due every minute', { cron: '* * * * *' }],
    ['that is due every five minutes in the night', { cron: '*/5 3 * * *' }],
    ['that is never due', { cron: '0 0 30 2 *' }],
    ['in a time zone that there is not', { cron: '0 * * * *', timezone: 'Mars/Olympus' }],
    ['that is due once and again', { ...order, cron: '0 * * * *' }],
    ['that is never said to be due', {}],
  ])('%s is refused, and nothing is made', async (_, wanted) => {
    const { give, tasks } = worker();
    expect(codeOf(await give(wanted))).toBe('invalid_request');
    expect(await tasks()).toEqual([]);
  });

  test('is bounded: so many tasks wait at once, and so many schedules are there', async () => {
    const { give } = worker();
    for (let at = 0; at < MaxWaitingOwnTasks; at++) must(await give());
    expect(codeOf(await give())).toBe('conflict');
    for (let at = 0; at < MaxOwnSchedules; at++) must(await give({ cron: '0 * * * *' }));
    expect(codeOf(await give({ cron: '0 * * * *' }))).toBe('conflict');
  });
});

test('tasks and schedules of the release before are there after the migration, and given by nobody', async () => {
  const { run } = openAgent();
  const rows = await run((_, { storage }) => {
    const { sql } = storage;
    for (const table of ['tasks', 'schedules']) sql.exec(`DROP TABLE ${table}`);
    for (const table of ['goals', 'personas', 'protocol_hooks', 'hook_firings', 'state_changes', 'trace'])
      sql.exec(`DROP TABLE ${table}`);
    sql.exec(agentMigrations.find(({ id }) => id === '0003_tasks')!.sql);
    sql.exec(`INSERT INTO tasks VALUES ('t', 'a', 'succeeded', 'batch', 5, 0, NULL, 1, 3, 4, 'c', NULL, NULL, '{}', '""',
      'Done.', NULL, '{}', 0, 0, 0)`);
    sql.exec(`INSERT INTO schedules VALUES ('s', 'a', 'n', '0 0 * * *', 'UTC', 1, '{}', 4, '{}', 0, NULL, NULL, 0)`);
    sql.exec(agentMigrations.find(({ id }) => id === '0018_state')!.sql);
    return [
      sql.exec('SELECT id, output, origin FROM tasks').one(),
      sql.exec('SELECT id, cron, origin FROM schedules').one(),
    ];
  });
  expect(rows).toEqual([
    { id: 't', output: 'Done.', origin: null },
    { id: 's', cron: '0 0 * * *', origin: null },
  ]);
});
