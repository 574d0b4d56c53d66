/**
 * Runs the tasks of an object's agents. An agent takes what is due at once, of each lane as much as it may run; of what is
 * taken, as many turns run at once as there is room for, by lane and priority, no agent above its own limit. An attempt is
 * known by its response before it begins, so whoever comes after a crash finds that turn again and never begins a second.
 * Only the end of a turn decides; a connection that breaks decides nothing. A turn that waits for a person takes no room.
 */
import type { AgentId, ConversationId, ResponseId, TaskId } from '../../shared/core/ids.ts';
import type { Result } from '../../shared/core/result.ts';
import { lanes } from '../../shared/contracts/tasks.ts';
import { terminalStatuses, type Response as ResponseBody } from '../../shared/contracts/responses.ts';
import {
  isHeld,
  nextLane,
  noCredits,
  noShortage,
  noteShortage,
  type LaneCredits,
  type Shortage,
} from './task-lanes.ts';
import type { TaskEventType } from './task-events.ts';
import { ReadyTasks } from './ready-tasks.ts';
import { Tally } from './tally.ts';
import { deadlinePassed, decideOutcome, neverBegun, type EndedTurn } from './task-outcome.ts';
import type { DueLane, RunnableTask, TaskStore } from './task-store.ts';

/** Turns of one object that run at once: on one's own workerd, conversations awake at once are the limit. */
export const MaxRunning = 64;
/** Taken in one go; more are taken right after, so that nobody else who asks the object waits for long. */
const MaxTakenAtOnce = 2_000;
const MaxTakenOfLane = 64;
/** Turns of one object whose beginning is under way: what is taken a moment later may still go before the others. */
const MaxBeginning = 4;
/** After so long a task whose turn was lost sight of is looked for again. */
const LookAgainMs = 1_000;
/** A turn that waits for a person is asked after so seldom, because its conversation tells when it goes on. */
const AskParkedMs = 10 * 60_000;
/** While tasks run there is an alarm, so that a dead isolate's are found. */
const WatchMs = 15_000;

export type TaskDeps = {
  readonly now: () => number;
  readonly random: () => number;
  readonly mintResponse: (conversation: ConversationId) => ResponseId;
  /** Begins the turn of this attempt, or finds it: as often as it is asked. `isNew`: it cannot have begun before. */
  readonly begin: (task: RunnableTask, isNew: boolean) => Promise<Result<undefined>>;
  /** The response once its turn is over or waits for a person; undefined where that could not be learnt now. */
  readonly awaitRest: (task: RunnableTask) => Promise<ResponseBody | undefined>;
  readonly cancel: (task: RunnableTask) => Promise<ResponseBody | undefined>;
  /**
   * Leave to begin a turn, to be given back once it has begun; undefined: others are beginning, and the runner is to be
   * asked to `beginReady` again in a while.
   */
  readonly mayBegin: () => (() => void) | undefined;
  /** In the same transaction as the change. */
  readonly note: (event: TaskEventType, ids: readonly TaskId[], ranMs?: number) => void;
  /** Something is due at another time than before. */
  readonly changed: () => void;
};

export class TaskRunner {
  readonly #store: TaskStore;
  readonly #deps: TaskDeps;
  /** All that are taken and have not ended. */
  readonly #running = new Map<TaskId, RunnableTask>();
  /** Of those: whose turns are to begin, or to be found again by an isolate that knows nothing of them yet. */
  readonly #ready = new ReadyTasks();
  /** Of those: taken here, so that it is known that their turns have not begun. */
  readonly #unbegun = new Set<TaskId>();
  /** Those whose turns are awaited here. What has begun takes room, awaited or not. */
  readonly #attended = new Set<TaskId>();
  readonly #begunAt = new Map<TaskId, number>();
  readonly #parked = new Set<TaskId>();
  /** Told to go on before it was known here that they wait. */
  readonly #woken = new Set<TaskId>();
  readonly #waiting = new Tally<AgentId>();
  /** Taken by lane and agent, and begun by agent; without those that wait for a person. */
  readonly #taken = new Tally<string>();
  readonly #begun = new Tally<AgentId>();
  /** Lanes of agents that may have tasks to take. */
  readonly #due = new Map<string, DueLane>();
  #credits: LaneCredits = noCredits;
  #shortage: Shortage = noShortage;
  #lookAt: number | undefined;
  #beginning = 0;
  /** Others of the isolate are beginning: `beginReady` comes again. */
  #isKeptBack = false;

  constructor(store: TaskStore, deps: TaskDeps) {
    this.#store = store;
    this.#deps = deps;
    for (const { agentId, waiting } of store.countWaiting()) this.#waiting.add(agentId, waiting);
    for (const due of store.queuedLanes()) this.#noteDue(due);
    // Another isolate left them running.
    for (const task of store.running()) this.#take(task);
  }

  countWaiting(agentId: AgentId): number {
    return this.#waiting.of(agentId);
  }

  countAllWaiting(): number {
    return this.#waiting.total;
  }

  /** A task waits, to be taken when it is due. */
  noteWaits(task: DueLane): void {
    this.#waiting.add(task.agentId, 1);
    this.#noteDue(task);
  }

  /** A task that waited was taken back. */
  noteGone(agentId: AgentId): void {
    this.#waiting.add(agentId, -1);
  }

  /** When there is something to do next. */
  dueAt(): number | undefined {
    const times = [this.#store.nextDueAt(), this.#store.nextDeadlineAt(), this.#lookAt, this.#nextStartAt()];
    return times.reduce(
      (least, at) => (at === undefined || (least !== undefined && least <= at) ? least : at),
      undefined,
    );
  }

  /** Takes what is due, and begins whatever may run now. */
  pump(): void {
    const now = this.#deps.now();
    if (this.#lookAt !== undefined && this.#lookAt <= now) this.#lookAgain(now);
    this.#endOverdue(now);
    for (const due of this.#store.queueDue(now)) this.#noteDue(due);
    this.#takeDue(now);
    this.beginReady(now);
    this.#deps.changed();
  }

  #noteDue({ agentId, lane }: DueLane): void {
    this.#due.set(keyOf({ agentId, lane }), { agentId, lane });
  }

  /** All in a few statements: so many are often due at once. */
  #takeDue(now: number): void {
    const attempts: Pick<RunnableTask, 'id' | 'responseId'>[] = [];
    for (const [key, due] of this.#due) {
      if (isHeld(due.lane, this.#shortage, now)) continue;
      const most = Math.min(MaxTakenOfLane, MaxTakenAtOnce - attempts.length);
      if (most === 0) break;
      const first = this.#store.firstQueued(due, this.#taken.of(key), most);
      for (const { id, conversationId } of first)
        attempts.push({ id, responseId: this.#deps.mintResponse(conversationId) });
      // Either nothing is left, or the agent has its fill: then the end of one of them brings it back.
      if (first.length < most) this.#due.delete(key);
    }
    const taken = this.#store.assign(attempts, now);
    for (const task of taken) {
      this.noteGone(task.agentId);
      this.#unbegun.add(task.id);
      this.#take(task);
    }
    if (taken.length > 0)
      this.#deps.note(
        'task.started',
        taken.map(({ id }) => id),
      );
  }

  #take(task: RunnableTask): void {
    this.#running.set(task.id, task);
    this.#taken.add(keyOf(task), 1);
    this.#ready.add(task);
    this.#lookAt ??= this.#deps.now() + WatchMs;
  }

  /** Begins what there is room for. */
  beginReady(now = this.#deps.now()): void {
    const mayBegin = ({ agentId, agentLimit }: RunnableTask) => this.#begun.of(agentId) < agentLimit;
    this.#isKeptBack = false;
    while (this.#begun.total < MaxRunning && this.#beginning < MaxBeginning) {
      const next = nextLane(
        this.#credits,
        (lane) => !isHeld(lane, this.#shortage, now) && this.#ready.has(lane, mayBegin),
      );
      if (!next) return;
      const leave = this.#deps.mayBegin();
      this.#isKeptBack = leave === undefined;
      const task = leave && this.#ready.take(next.lane, mayBegin);
      if (!task) return;
      this.#credits = next.credits;
      const isNew = this.#unbegun.delete(task.id);
      this.#begun.add(task.agentId, 1);
      this.#begunAt.set(task.id, now);
      this.#beginning += 1;
      this.#attend(task, isNew, () => {
        leave();
        this.#beginning -= 1;
        this.beginReady();
      });
    }
  }

  /** The turn of a task goes on, or has ended: told by its conversation, and asked after here. */
  wake(id: TaskId): void {
    const task = this.#running.get(id);
    if (!task) return;
    if (!this.#parked.delete(id)) return void this.#woken.add(id);
    this.#taken.add(keyOf(task), 1);
    this.#begun.add(task.agentId, 1);
    this.#store.setParked(id, false);
    if (!this.#attended.has(id)) this.#attend(task);
  }

  /** The end of a running task's turn, whoever learnt of it first. */
  async cancelRunning(id: TaskId): Promise<void> {
    const task = this.#running.get(id);
    const ended = task && (this.#unbegun.has(id) ? neverBegun : await this.#deps.cancel(task));
    if (task && ended) this.#settle(task, { ok: true, value: ended });
  }

  /** `hasBegun`: its turn has begun, or was found. */
  #attend(task: RunnableTask, isNew = false, hasBegun = () => {}): void {
    this.#attended.add(task.id);
    void this.#run(task, isNew, hasBegun).finally(() => {
      this.#attended.delete(task.id);
      this.pump();
    });
  }

  async #run(task: RunnableTask, isNew: boolean, hasBegun: () => void): Promise<void> {
    const begun = await this.#deps.begin(task, isNew).finally(hasBegun);
    if (!begun.ok) return this.#settle(task, begun);
    let rested: ResponseBody | undefined;
    do {
      rested = await this.#deps.awaitRest(task);
      if (rested && terminalStatuses.has(rested.status)) return this.#settle(task, { ok: true, value: rested });
    } while (rested && this.#woken.delete(task.id));
    if (rested?.output.some(isUndecided)) return this.#park(task);
    this.#lookAt = this.#deps.now() + LookAgainMs;
  }

  #park(task: RunnableTask): void {
    if (!this.#running.has(task.id)) return;
    this.#parked.add(task.id);
    this.#leaveRoom(task);
    this.#store.setParked(task.id, true);
  }

  /** What has ended or waits for a person makes room for another of its agent. */
  #leaveRoom(task: RunnableTask): void {
    this.#taken.add(keyOf(task), -1);
    if (this.#begunAt.has(task.id)) this.#begun.add(task.agentId, -1);
    else this.#ready.remove(task);
    this.#noteDue(task);
  }

  #settle(task: RunnableTask, answer: Result<EndedTurn>): void {
    const now = this.#deps.now();
    if (this.#running.get(task.id)?.responseId !== task.responseId) return;
    this.#running.delete(task.id);
    if (!this.#parked.delete(task.id)) this.#leaveRoom(task);
    this.#woken.delete(task.id);
    this.#unbegun.delete(task.id);
    const ranMs = Math.max(0, now - (this.#begunAt.get(task.id) ?? now));
    this.#begunAt.delete(task.id);
    const outcome = decideOutcome(task, answer, now, this.#deps.random);
    switch (outcome.kind) {
      case 'succeeded':
        this.#shortage = noShortage;
        this.#store.finish(task.id, 'succeeded', outcome.output, null, now);
        return this.#deps.note('task.succeeded', [task.id], ranMs);
      case 'again':
        if (outcome.isShortage) this.#shortage = noteShortage(this.#shortage, now, outcome.dueAt - now);
        this.#waiting.add(task.agentId, 1);
        this.#store.tryAgainAt(task.id, outcome.dueAt, outcome.error);
        return this.#deps.note('task.retrying', [task.id], ranMs);
      case 'failed':
      case 'dead':
      case 'cancelled':
        this.#store.finish(task.id, outcome.kind, null, outcome.error, now);
        return this.#deps.note(`task.${outcome.kind}`, [task.id], ranMs);
    }
  }

  /** Takes up the turns of tasks that nobody attends to: after a crash, or after a connection broke. */
  #lookAgain(now: number): void {
    const isParkedOnly = this.#running.size === this.#parked.size;
    this.#lookAt = this.#running.size > 0 ? now + (isParkedOnly ? AskParkedMs : WatchMs) : undefined;
    for (const task of this.#running.values()) {
      const isLost = this.#begunAt.has(task.id) && !this.#attended.has(task.id);
      if (isLost && (isParkedOnly || !this.#parked.has(task.id))) this.#attend(task);
    }
  }

  #endOverdue(now: number): void {
    for (const { id, agentId, isRunning } of this.#store.overdue(now)) {
      if (isRunning) void this.cancelRunning(id);
      else {
        this.#store.finish(id, 'failed', null, deadlinePassed, now);
        this.#deps.note('task.failed', [id]);
        this.noteGone(agentId);
      }
    }
  }

  /** Tasks that wait for room need no alarm: the end of a begun one makes it. Those that wait for nodes do. */
  #nextStartAt(): number | undefined {
    const now = this.#deps.now();
    const waiting = [...this.#due.values()].map(({ lane }) => lane);
    if (waiting.some((lane) => !isHeld(lane, this.#shortage, now))) return now;
    const isHeldUp = waiting.length > 0 || lanes.some((lane) => this.#ready.isWaiting(lane));
    if (isHeldUp && now < this.#shortage.until) return this.#shortage.until;
    return isHeldUp && this.#begun.total === 0 && !this.#isKeptBack ? now : undefined;
  }
}

/** A lane of an agent. */
function keyOf({ agentId, lane }: DueLane): string {
  return `${agentId} ${lane}`;
}

/** What the turn waits for: a person's leave for one call. */
function isUndecided({ type }: { readonly type: string }): boolean {
  return type === 'mcp_approval_request';
}
