/**
 * AgentObject: what an agent is and does between its conversations: its memories' chain, its tasks, its schedules, its state. Hosts
 * one agent or a bucket of a tenant's agents, so every call names the agent. Each kind of thing has its desk; what is due
 * later is a duty of the one alarm.
 */
import { DurableObject } from 'cloudflare:workers';
import { systemClock, type Clock } from '../../shared/core/clock.ts';
import { conversationOfResponse, isId, mintResponseId, type AgentId, type TenantId } from '../../shared/core/ids.ts';
import { describeError, jsonLogger } from '../../shared/core/log.ts';
import { AlarmScheduler } from '../runtime/alarm-scheduler.ts';
import { nodeWays } from '../node-ways.ts';
import { EventOutbox } from '../runtime/event-outbox.ts';
import { Holding } from '../runtime/holding.ts';
import { migrate } from '../runtime/migrate.ts';
import { Pace, PacedObject } from '../runtime/pace.ts';
import { requireObjectName, requireOwnTenant } from '../runtime/object-identity.ts';
import { Objects, reached, type Platform } from '../stubs.ts';
import { agentMigrations } from './agent-migrations.ts';
import { AgentStore } from './agent-store.ts';
import { Behaviour } from './behaviour.ts';
import { ConsolidationStore } from './consolidation-store.ts';
import { embedTexts } from './embed-texts.ts';
import { HookDesk } from './hook-desk.ts';
import { HookStore } from './hook-store.ts';
import { MemoryDesk } from './memory-desk.ts';
import { OwnWorkDesk } from './own-work-desk.ts';
import { ScheduleDesk } from './schedule-desk.ts';
import { ScheduleStore } from './schedule-store.ts';
import { SpaceStore } from './space-store.ts';
import { StateDesk } from './state-desk.ts';
import { StateHistory } from './state-history.ts';
import { StateStore } from './state-store.ts';
import { taskWays } from './task-deps.ts';
import { TaskDesk } from './task-desk.ts';
import { noteTasks } from './task-events.ts';
import { TaskRetention } from './task-retention.ts';
import { TaskRunner } from './task-runner.ts';
import { TaskStore } from './task-store.ts';

/** Turns of tasks that begin at once, whichever object's they are. */
const beginnings = new Pace(4);

export class AgentObject extends DurableObject<Platform> {
  clock: Clock = systemClock;
  readonly #tenantId: TenantId;
  readonly #alarms: AlarmScheduler;
  readonly #memories: MemoryDesk;
  readonly #tasks: TaskDesk;
  readonly #schedules: ScheduleDesk;
  readonly #ownWork: OwnWorkDesk;
  readonly #hooks: HookDesk;
  readonly #state: StateDesk;
  readonly #holding: Holding;

  constructor(state: DurableObjectState, env: Platform) {
    super(state, env);
    this.#tenantId = requireOwnTenant(state);
    migrate(state.storage, agentMigrations);
    const { sql } = state.storage;
    const objects = new Objects(env);
    const now = () => this.clock.now();
    const name = requireObjectName(state);
    const changed = () => this.#alarms.arm();
    const agentStore = new AgentStore(sql);
    const stateStore = new StateStore(sql);
    const taskStore = new TaskStore(sql);
    const behaviour = new Behaviour({
      trace: (agentId, event) => stateStore.addTrace(agentId, event),
      setOff: (...fact) => this.#hooks.setOff(...fact),
      hasEnded: (agentId) => agentStore.hasEnded(agentId),
      isHooks: (agentId, conversation) => isId('protocolHook', taskStore.originOf(agentId, conversation)),
      conversationOfMemory: (agentId, id) => {
        const ref = agentStore.findPending(agentId, id)?.sourceRef;
        return isId('response', ref) ? conversationOfResponse(ref) : undefined;
      },
    });
    const outbox = new EventOutbox(
      sql,
      now,
      (events) => reached(objects.tenant(this.#tenantId).events.carry(events, { name, bytes: sql.databaseSize })),
      (event) => behaviour.observe(event.agent as AgentId, event),
    );
    this.#memories = new MemoryDesk({
      tenantId: this.#tenantId,
      storage: state.storage,
      store: agentStore,
      runs: new ConsolidationStore(sql),
      spaces: new SpaceStore(sql),
      register: () => objects.spaceRegister(),
      embed: embedTexts(nodeWays(env, this.#tenantId, { now })),
      outbox,
      memories: () => objects.memories(),
      vectorIndex: (space) => objects.vectorIndex(this.#tenantId, space),
      now,
      changed,
    });
    const ways = taskWays(objects, this.#tenantId, { now });
    const paced = new PacedObject(beginnings, now, () => runner.beginReady());
    const runner = new TaskRunner(taskStore, {
      ...ways,
      now,
      random: Math.random,
      mayBegin: () => paced.enter(),
      mintResponse: (conversation) => mintResponseId(conversation, now()),
      note: (event, ids, ranMs) => noteTasks(outbox, taskStore, event, taskStore.readAll(ids), ranMs),
      changed: () => {
        void outbox.deliver();
        void changed();
      },
    });
    this.#tasks = new TaskDesk(taskStore, runner, outbox, now);
    const scheduleStore = new ScheduleStore(sql);
    this.#schedules = new ScheduleDesk(scheduleStore, this.#tasks, now, changed);
    const [tasks, schedules] = [this.#tasks, this.#schedules];
    this.#ownWork = new OwnWorkDesk({ tasks, taskStore, schedules, scheduleStore, now });
    const history = new StateHistory(stateStore, outbox, now);
    this.#hooks = new HookDesk({
      store: new HookStore(sql),
      history,
      tasks,
      outbox,
      now,
      changed: () => void changed(),
    });
    this.#state = new StateDesk({ store: stateStore, hooks: this.#hooks, behaviour, history, now });
    this.#holding = new Holding(state.storage, agentMigrations, { changed });
    const log = jsonLogger(now, { tenant: this.#tenantId });
    this.#alarms = new AlarmScheduler(
      state.storage,
      () => this.clock,
      [
        this.#schedules.duty,
        { name: 'tasks', dueAt: () => runner.dueAt(), run: () => runner.pump() },
        ...this.#memories.duties,
        this.#hooks.duty,
        outbox.duty,
        new TaskRetention(taskStore, ways.erase).duty,
      ],
      (duty, error) => log.error('agent.duty_failed', { duty, reason: describeError(error) }),
    );
  }

  get memories(): MemoryDesk {
    return this.#memories;
  }

  get tasks(): TaskDesk {
    return this.#tasks;
  }

  get schedules(): ScheduleDesk {
    return this.#schedules;
  }

  get ownWork(): OwnWorkDesk {
    return this.#ownWork;
  }

  get state(): StateDesk {
    return this.#state;
  }

  get hooks(): HookDesk {
    return this.#hooks;
  }

  /** Everything here, for export, restoration and erasure. */
  get holding(): Holding {
    return this.#holding;
  }

  override alarm(): Promise<void> {
    return this.#alarms.ring();
  }
}
