/** The desk of the tasks of an object's agents: what is asked and done over RPC. */
import { RpcTarget } from 'cloudflare:workers';
import type { AgentId, TaskId } from '../../shared/core/ids.ts';
import { err, ok, type Result } from '../../shared/core/result.ts';
import type { List } from '../../shared/contracts/common.ts';
import type { Task, TaskQuery, TaskStatus } from '../../shared/contracts/tasks.ts';
import type { EventOutbox } from '../runtime/event-outbox.ts';
import { noteTasks } from './task-events.ts';
import type { TaskRunner } from './task-runner.ts';
import type { NewTask, TaskStore } from './task-store.ts';

/** Tasks that wait: of one agent, and of all agents that share an object. More are refused until some are done. */
export const MaxWaitingPerAgent = 10_000;
export const MaxWaiting = 100_000;
const RetryAfterMs = 5_000;

const noTask = () => err('not_found', 'There is no such task.');
const ended: readonly TaskStatus[] = ['succeeded', 'failed', 'dead', 'cancelled'];

export class TaskDesk extends RpcTarget {
  readonly #store: TaskStore;
  readonly #runner: TaskRunner;
  readonly #outbox: EventOutbox;
  readonly #now: () => number;

  constructor(store: TaskStore, runner: TaskRunner, outbox: EventOutbox, now: () => number) {
    super();
    this.#store = store;
    this.#runner = runner;
    this.#outbox = outbox;
    this.#now = now;
  }

  /** Durable when it answers. A task that is known already is answered as it stands. */
  create(task: NewTask): Result<Task> {
    const known = this.#store.find(task.agentId, task.id);
    if (known) return ok(known);
    const isFull =
      this.#runner.countWaiting(task.agentId) >= MaxWaitingPerAgent || this.#runner.countAllWaiting() >= MaxWaiting;
    if (isFull) {
      return err('rate_limit_exceeded', 'Too many tasks are waiting. Try again when some of them are done.', {
        retryAfterMs: RetryAfterMs,
      });
    }
    this.#store.insert(task, this.#now());
    this.#runner.noteWaits(task);
    const made = this.#store.find(task.agentId, task.id)!;
    noteTasks(this.#outbox, this.#store, 'task.created', [made]);
    this.#runner.pump();
    return ok(made);
  }

  find(agentId: AgentId, id: string): Result<Task> {
    const found = this.#store.find(agentId, id);
    return found ? ok(found) : noTask();
  }

  list(agentId: AgentId, query: TaskQuery): List<Task> {
    return this.#store.list(agentId, query);
  }

  /** One that waits is cancelled at once, one that runs as soon as its turn has stopped. An ended one stays as it is. */
  async cancel(agentId: AgentId, id: TaskId): Promise<Result<Task>> {
    const found = this.#store.find(agentId, id);
    if (!found) return noTask();
    if (found.status === 'queued' || found.status === 'scheduled') {
      this.#store.finish(id, 'cancelled', null, null, this.#now());
      this.#runner.noteGone(agentId);
      noteTasks(this.#outbox, this.#store, 'task.cancelled', [this.#store.find(agentId, id)!]);
      this.#runner.pump();
    } else if (!ended.includes(found.status)) {
      await this.#runner.cancelRunning(id);
    }
    return this.find(agentId, id);
  }

  /** Its conversation tells that the turn goes on after a person's decision. */
  wake(id: TaskId): void {
    this.#runner.wake(id);
  }

  /** Gives one that has ended all of its attempts again. */
  retry(agentId: AgentId, id: TaskId): Result<Task> {
    const found = this.#store.find(agentId, id);
    if (!found) return noTask();
    if (!ended.includes(found.status) || found.status === 'succeeded') {
      return err('conflict', `The task is ${found.status}: only one that failed or was cancelled can be tried again.`);
    }
    this.#store.queueAgain(id, this.#now());
    this.#runner.noteWaits({ agentId, lane: found.lane });
    const queued = this.#store.find(agentId, id)!;
    noteTasks(this.#outbox, this.#store, 'task.retrying', [queued]);
    this.#runner.pump();
    return ok(queued);
  }
}
