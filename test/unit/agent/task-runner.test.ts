/** Tasks over their whole life, with turns that end as a test wants: in any order, badly, never, or across a crash. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { agentMigrations } from '../../../durable-objects/agent/agent-migrations.ts';
import { MaxRunning, TaskRunner, type TaskDeps } from '../../../durable-objects/agent/task-runner.ts';
import { TaskStore, type NewTask, type RunnableTask } from '../../../durable-objects/agent/task-store.ts';
import { mintId, mintResponseId, mintTaskId, type AgentId, type TaskId } from '../../../shared/core/ids.ts';
import { err, ok, type Result } from '../../../shared/core/result.ts';
import type { FailureCode } from '../../../shared/core/failure.ts';
import type { Response } from '../../../shared/contracts/responses.ts';
import type { Lane, TaskStatus } from '../../../shared/contracts/tasks.ts';
import { sqliteStorage } from '../../support/sqlite-storage.ts';

const Start = Date.UTC(2026, 5, 1);
type Ending = { readonly status: Response['status']; readonly code?: FailureCode };
const waiting: Ending = { status: 'in_progress' };

function newWorld() {
  const sql = sqliteStorage(agentMigrations.map((migration) => migration.sql));
  const store = new TaskStore(sql);
  const agent: AgentId = mintId('agent', Start);
  const world = {
    store,
    agent,
    now: Start,
    begun: [] as string[],
    cancelled: [] as TaskId[],
    events: [] as string[],
    /** Turns that have not ended, by response: how to end them. */
    turns: new Map<string, (ending: Ending | null) => void>(),
    /** Others of the isolate are beginning. */
    isFull: false,
    /** Leaves to begin that were not given back yet. */
    leaves: 0,
    /** Where set, beginning a turn takes until it is called. */
    goOn: undefined as (() => void)[] | undefined,
    refuse: undefined as Result<undefined> | undefined,
    runner: undefined as unknown as TaskRunner,
    add(partial: Partial<NewTask> = {}): TaskId {
      const agentId = partial.agentId ?? agent;
      const id = mintTaskId(agentId, world.now);
      const task: NewTask = {
        id,
        agentId,
        conversationId: mintId('conversation', world.now),
        scheduleId: null,
        principal: {
          kind: 'key',
          id: mintId('key', 0),
          permissions: [],
          scope: { project: null, environment: null, agent: null },
        },
        agentLimit: 2,
        lane: 'standard',
        priority: 5,
        maxAttempts: 3,
        input: 'Do it.',
        metadata: {},
        dueAt: world.now,
        deadlineAt: null,
        ...partial,
      };
      store.insert(task, world.now);
      world.runner.noteWaits(task);
      world.runner.pump();
      return id;
    },
    status: (id: TaskId): TaskStatus => store.read(id).status,
    /** `null`: the connection to the turn is lost. */
    async end(id: TaskId, ending: Ending | null = { status: 'completed' }) {
      const { response } = store.read(id);
      world.turns.get(response!)!(ending);
      world.turns.delete(response!);
      await settled();
    },
    async at(ms: number) {
      world.now = Start + ms;
      world.runner.pump();
      await settled();
    },
    /** The isolate is gone with all that it knew; what is stored stays. */
    crash() {
      world.turns.clear();
      world.runner = new TaskRunner(store, deps);
    },
  };
  const toResponse = (task: RunnableTask, { status, code }: Ending) =>
    ({
      id: task.responseId!,
      status,
      output:
        status === 'in_progress'
          ? [{ type: 'mcp_approval_request', id: 'appr_1' }]
          : [{ type: 'message', content: [{ type: 'output_text', text: 'Done.' }] }],
      error: code ? { code, message: 'no' } : null,
      incomplete_details: status === 'incomplete' ? { reason: 'max_output_tokens' } : null,
    }) as unknown as Response;
  const deps: TaskDeps = {
    now: () => world.now,
    random: () => 0.5,
    mintResponse: (conversation) => mintResponseId(conversation, world.now),
    async begin(task) {
      if (world.refuse) return world.refuse;
      world.begun.push(task.responseId!);
      if (world.goOn) await new Promise<void>((resolve) => world.goOn!.push(resolve));
      return ok();
    },
    awaitRest: (task) =>
      new Promise((resolve) => {
        world.turns.set(task.responseId!, (ending) => {
          resolve(ending ? toResponse(task, ending) : undefined);
        });
      }),
    async cancel(task) {
      world.cancelled.push(task.id);
      world.turns.get(task.responseId!)?.({ status: 'cancelled' });
      world.turns.delete(task.responseId!);
      return toResponse(task, { status: 'cancelled' });
    },
    mayBegin() {
      if (world.isFull) return undefined;
      world.leaves += 1;
      return () => void (world.leaves -= 1);
    },
    note: (event, ids) => world.events.push(...ids.map((id) => `${event} ${id}`)),
    changed: () => {},
  };
  world.runner = new TaskRunner(store, deps);
  return world;
}

const settled = () => new Promise<void>((resolve) => setImmediate(resolve));

describe('a task', () => {
  test('is taken up at once, and has succeeded with the text of its turn', async () => {
    const world = newWorld();
    const id = world.add();
    expect(world.status(id)).toBe('running');
    await settled();
    await world.end(id);
    expect(world.store.read(id)).toMatchObject({ status: 'succeeded', output: 'Done.', attempts: 1, error: null });
    expect(world.events.map((event) => event.split(' ')[0])).toEqual(['task.started', 'task.succeeded']);
  });

  test('waits until its time, and an alarm is due then', async () => {
    const world = newWorld();
    const id = world.add({ dueAt: Start + 60_000 });
    expect([world.status(id), world.runner.dueAt()]).toEqual(['scheduled', Start + 60_000]);
    await world.at(59_999);
    expect(world.status(id)).toBe('scheduled');
    await world.at(60_000);
    expect(world.status(id)).toBe('running');
  });

  test('runs no more of one agent at once than it may, and another agent does not wait for it', async () => {
    const world = newWorld();
    const many = [4, 3, 2, 1].map((earlier) => world.add({ dueAt: Start - earlier }));
    const other = world.add({ agentId: mintId('agent', Start) });
    expect(many.map(world.status)).toEqual(['running', 'running', 'queued', 'queued']);
    expect(world.status(other)).toBe('running');
    await settled();
    await world.end(many[0]!);
    expect(many.map(world.status)).toEqual(['succeeded', 'running', 'running', 'queued']);
  });

  test('is taken before there is room for its turn, and begins by lane and priority as soon as there is', async () => {
    const world = newWorld();
    const many = Array.from({ length: MaxRunning }, () => world.add({ agentId: mintId('agent', Start) }));
    await settled();
    const [batch, person] = (['batch', 'interactive'] as const).map((lane) =>
      world.add({ lane, agentId: mintId('agent', Start) }),
    );
    await settled();
    expect([world.status(batch!), world.status(person!), world.begun.length]).toEqual([
      'running',
      'running',
      MaxRunning,
    ]);
    await world.end(many[0]!);
    expect(world.begun.at(-1)).toBe(world.store.read(person!).response);
    await world.end(many[1]!);
    expect(world.begun.at(-1)).toBe(world.store.read(batch!).response);
  });

  test('that is due with a thousand others is taken with them at once, by one attempt', async () => {
    const world = newWorld();
    const many = Array.from({ length: 1_000 }, (_, at) =>
      world.add({ agentId: mintId('agent', Start + at), dueAt: Start + 60_000 }),
    );
    await world.at(60_000);
    expect(new Set(many.map(world.status))).toEqual(new Set(['running']));
    expect(world.events.toSorted()).toEqual(many.map((id) => `task.started ${id}`).toSorted());
    expect(world.begun).toHaveLength(MaxRunning);
    for (let left = many.length; left > 0; left -= MaxRunning) {
      const open = many.filter((id) => world.turns.has(world.store.read(id).response!));
      for (const id of open) await world.end(id);
    }
    expect(
      many.map((id) => world.store.read(id)).filter(({ status, attempts }) => status === 'succeeded' && attempts === 1),
    ).toHaveLength(1_000);
    expect(new Set(world.begun).size).toBe(1_000);
  });

  test('of an agent that may run many at once is taken with all the others, in as many rounds as it takes', async () => {
    const world = newWorld();
    const many = Array.from({ length: 150 }, () => world.add({ agentLimit: 140, dueAt: Start + 60_000 }));
    await world.at(60_000);
    while (world.runner.dueAt()! <= world.now) await world.at(world.now - Start);
    expect(many.filter((id) => world.status(id) === 'running')).toHaveLength(140);
    expect(world.store.countWaiting()).toEqual([{ agentId: world.agent, waiting: 10 }]);
  });

  test('that is urgent begins before those that were taken earlier and have not begun yet', async () => {
    const world = newWorld();
    world.goOn = [];
    for (let at = 0; at < MaxRunning; at++) world.add({ agentId: mintId('agent', Start), lane: 'batch' });
    const beginning = world.begun.length;
    expect(beginning).toBeLessThan(MaxRunning);
    const person = world.add({ agentId: mintId('agent', Start), lane: 'interactive' });
    world.goOn.shift()!();
    await settled();
    expect(world.begun).toHaveLength(beginning + 1);
    expect(world.begun.at(-1)).toBe(world.store.read(person).response);
  });

  test('begins when others of the isolate have begun, and no alarm rings for it meanwhile', async () => {
    const world = newWorld();
    world.isFull = true;
    const id = world.add();
    expect([world.status(id), world.begun]).toEqual(['running', []]);
    expect(world.runner.dueAt()).toBeGreaterThan(world.now);
    world.isFull = false;
    world.runner.beginReady();
    await settled();
    expect(world.begun).toEqual([world.store.read(id).response]);
  });

  test('gives back its leave to begin once its turn has begun or is refused', async () => {
    const world = newWorld();
    world.goOn = [];
    world.add();
    expect(world.leaves).toBe(1);
    world.goOn.shift()!();
    await settled();
    expect(world.leaves).toBe(0);
    world.refuse = err('invalid_api_key');
    world.add();
    await settled();
    expect(world.leaves).toBe(0);
  });

  test('of a person is taken and begins before the batch that fills its agent', async () => {
    const world = newWorld();
    const batch = Array.from({ length: 5 }, () => world.add({ lane: 'batch' }));
    const person = world.add({ lane: 'interactive' });
    expect(batch.map(world.status)).toEqual(['running', 'running', 'queued', 'queued', 'queued']);
    expect(world.status(person)).toBe('running');
    await settled();
    await world.end(batch[0]!);
    expect(world.begun.at(-1)).toBe(world.store.read(person).response);
    expect(world.begun).toHaveLength(3);
  });

  test('that is cancelled or late before its turn has begun ends at once, and never begins', async () => {
    const world = newWorld();
    const busy = [world.add(), world.add()];
    const [cancelled, late] = [world.add({ lane: 'batch' }), world.add({ lane: 'batch', deadlineAt: Start + 5 })];
    await settled();
    await world.runner.cancelRunning(cancelled!);
    expect([world.status(cancelled!), world.cancelled]).toEqual(['cancelled', []]);
    await world.at(5);
    expect(world.store.read(late!)).toMatchObject({ status: 'failed', error: { code: 'deadline_exceeded' } });
    for (const id of busy) await world.end(id);
    expect(world.begun).toHaveLength(2);
  });

  test('of the batch waits while nodes are short, a person’s does not; an alarm is due when that is over', async () => {
    const world = newWorld();
    const first = world.add({ lane: 'batch' });
    await settled();
    await world.end(first, { status: 'failed', code: 'node_unavailable' });
    const [batch, person] = [world.add({ lane: 'batch' }), world.add({ lane: 'interactive' })];
    expect([first, batch, person].map((id) => world.status(id!))).toEqual(['scheduled', 'queued', 'running']);
    for (let alarm = 0; alarm < 2; alarm++) {
      expect(world.runner.dueAt()).toBeGreaterThan(world.now);
      await world.at(world.runner.dueAt()! - Start);
    }
    expect(world.begun).toContain(world.store.read(batch!).response);
  });

  test('of the batch that was taken before nodes became short does not begin meanwhile, and does once one answers', async () => {
    const world = newWorld();
    const many = Array.from({ length: MaxRunning }, () => world.add({ agentId: mintId('agent', Start) }));
    await settled();
    const batch = world.add({ lane: 'batch', agentId: mintId('agent', Start) });
    await settled();
    await world.end(many[0]!, { status: 'failed', code: 'node_unavailable' });
    expect([world.status(batch), world.begun.length]).toEqual(['running', MaxRunning]);
    await world.end(many[1]!);
    expect(world.begun.at(-1)).toBe(world.store.read(batch).response);
  });

  test('of a higher priority goes first, of the same the one that was due earlier', async () => {
    const world = newWorld();
    const busy = [world.add(), world.add()];
    const [low, first, second] = [
      world.add({ priority: 1 }),
      world.add({ dueAt: Start - 2 }),
      world.add({ dueAt: Start - 1 }),
    ];
    await settled();
    await world.end(busy[0]!);
    expect([low, first, second].map((id) => world.status(id!))).toEqual(['queued', 'running', 'queued']);
    await world.end(busy[1]!);
    expect([low, first, second].map((id) => world.status(id!))).toEqual(['queued', 'running', 'running']);
  });

  test('that failed for want of a node is tried again, later each time, and is dead after its last attempt', async () => {
    const world = newWorld();
    const id = world.add();
    const waits: number[] = [];
    for (let attempt = 1; attempt <= 3; attempt++) {
      await settled();
      await world.end(id, { status: 'failed', code: 'node_unavailable' });
      if (attempt === 3) break;
      expect(world.store.read(id)).toMatchObject({ status: 'scheduled', attempts: attempt });
      waits.push(world.runner.dueAt()! - world.now);
      await world.at(world.runner.dueAt()! - Start);
    }
    expect(waits[1]).toBeGreaterThan(waits[0]!);
    expect(world.store.read(id)).toMatchObject({ status: 'dead', attempts: 3, error: { code: 'node_unavailable' } });
    expect(world.runner.countWaiting(world.agent)).toBe(0);
  });

  test.for([
    [{ status: 'failed', code: 'insufficient_quota' }, 'insufficient_quota'],
    [{ status: 'incomplete' }, 'incomplete'],
  ] as const)('that failed for good (%j) is not tried again', async ([ending, code]) => {
    const world = newWorld();
    const id = world.add();
    await settled();
    await world.end(id, ending);
    expect(world.store.read(id)).toMatchObject({ status: 'failed', output: null, error: { code } });
  });

  test('whose giver may not act any more fails, and says so', async () => {
    const world = newWorld();
    world.refuse = err('invalid_api_key', 'The credential that gave this task is no longer valid.');
    const id = world.add();
    await settled();
    expect(world.store.read(id)).toMatchObject({ status: 'failed', error: { code: 'invalid_api_key' } });
  });

  test('that misses its deadline fails: while it waits at once, while it runs when its turn has been stopped', async () => {
    const world = newWorld();
    const running = world.add({ deadlineAt: Start + 5_000 });
    const waiting = world.add({ deadlineAt: Start + 5_000, dueAt: Start + 9_000 });
    await settled();
    await world.at(5_000);
    for (const id of [running, waiting]) {
      expect(world.store.read(id)).toMatchObject({ status: 'failed', error: { code: 'deadline_exceeded' } });
    }
    expect(world.cancelled).toEqual([running]);
  });

  test('that waits for a person takes no room, and goes on when it is told, in the same turn', async () => {
    const world = newWorld();
    const [asks, second, third] = [3, 2, 1].map((earlier) => world.add({ dueAt: Start - earlier }));
    await settled();
    await world.end(asks!, waiting);
    expect([asks, second, third].map((id) => world.status(id!))).toEqual(['waiting_approval', 'running', 'running']);
    expect(world.runner.dueAt()).toBeGreaterThan(world.now);
    world.runner.wake(asks!);
    await settled();
    expect(world.status(asks!)).toBe('running');
    await world.end(asks!);
    expect(world.store.read(asks!)).toMatchObject({ status: 'succeeded', attempts: 1 });
    expect(new Set(world.begun).size).toBe(3);
  });

  test('that is told to go on before it is known to wait does not wait', async () => {
    const world = newWorld();
    const id = world.add();
    await settled();
    world.runner.wake(id);
    await world.end(id, waiting);
    expect(world.status(id)).toBe('running');
    await world.end(id);
    expect(world.status(id)).toBe('succeeded');
  });

  test('that waits for a person is asked after, should nobody tell', async () => {
    const world = newWorld();
    const id = world.add();
    await settled();
    await world.end(id, waiting);
    for (let round = 0; round < 3 && !world.turns.has(world.store.read(id).response!); round++) {
      await world.at(world.runner.dueAt()! - Start);
    }
    await world.end(id);
    expect(world.status(id)).toBe('succeeded');
  });

  test('whose turn was lost sight of is not begun again: the same turn is looked for until its end is known', async () => {
    const world = newWorld();
    const id = world.add();
    await settled();
    const { response } = world.store.read(id);
    await world.end(id, null);
    expect([world.status(id), world.runner.dueAt()]).toEqual(['running', Start + 1_000]);
    await world.at(1_000);
    await world.end(id);
    expect(world.store.read(id)).toMatchObject({ status: 'succeeded', attempts: 1, response });
    expect(new Set(world.begun)).toEqual(new Set([response]));
  });

  test('that ran when its isolate died is found by the next one, in the same turn', async () => {
    const world = newWorld();
    const id = world.add();
    await settled();
    world.crash();
    expect(world.runner.dueAt()).toBeLessThanOrEqual(world.now);
    await world.at(1);
    await world.end(id);
    expect(world.store.read(id)).toMatchObject({ status: 'succeeded', attempts: 1 });
    expect(new Set(world.begun).size).toBe(1);
  });

  test('has exactly one end, whatever happens in whatever order', async () => {
    const step = fc.oneof(
      fc.record({
        do: fc.constant('add' as const),
        lane: fc.constantFrom<Lane>('interactive', 'standard', 'batch'),
        later: fc.nat(5_000),
      }),
      fc.record({
        do: fc.constant('end' as const),
        pick: fc.nat(50),
        how: fc.constantFrom('completed', 'failed', 'refused', 'lost'),
      }),
      fc.record({ do: fc.constant('wait' as const), ms: fc.nat(20_000) }),
      fc.record({ do: fc.constant('crash' as const) }),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 60 }), async (steps) => {
        const world = newWorld();
        const ids: TaskId[] = [];
        const endings = new Map<TaskId, number>();
        for (const each of steps) {
          if (each.do === 'add') ids.push(world.add({ lane: each.lane, dueAt: world.now + each.later }));
          if (each.do === 'wait') await world.at(world.now - Start + each.ms);
          if (each.do === 'crash') {
            world.crash();
            world.runner.pump();
          }
          if (each.do === 'end') {
            await settled();
            const open = ids.filter((id) => world.turns.has(world.store.read(id).response ?? ''));
            const id = open[each.pick % Math.max(1, open.length)];
            if (!id) continue;
            const code = each.how === 'failed' ? 'node_unavailable' : 'invalid_request';
            await world.end(
              id,
              each.how === 'lost'
                ? null
                : each.how === 'completed'
                  ? { status: 'completed' }
                  : { status: 'failed', code },
            );
          }
          await settled();
          expect(world.turns.size).toBeLessThanOrEqual(2);
          const taken = Map.groupBy(world.store.running(), ({ lane }) => lane);
          for (const tasks of taken.values()) expect(tasks.length).toBeLessThanOrEqual(2);
        }
        // In the end every task ends: the clock goes on, and every turn comes to an end.
        for (let round = 0; round < 400; round++) {
          const open = ids.filter((id) => !['succeeded', 'failed', 'dead'].includes(world.status(id)));
          if (open.length === 0) break;
          const due = world.runner.dueAt();
          await world.at(Math.max(world.now, due ?? world.now) - Start);
          for (const id of open) if (world.turns.has(world.store.read(id).response ?? '')) await world.end(id);
        }
        for (const event of world.events) {
          const [type, id] = event.split(' ') as [string, TaskId];
          if (/succeeded|failed|dead/.test(type)) endings.set(id, (endings.get(id) ?? 0) + 1);
        }
        expect(ids.map((id) => endings.get(id))).toEqual(ids.map(() => 1));
        expect(world.runner.countAllWaiting()).toBe(0);
        expect(new Set(world.begun).size).toBe(ids.reduce((sum, id) => sum + world.store.read(id).attempts, 0));
      }),
      { numRuns: 300 },
    );
  });
});
