/**
 * Tasks that are assigned and wait for room to begin: by lane, inside a lane the higher priority first, then the one that
 * was due earlier. Pure.
 */
import type { TaskId } from '../../shared/core/ids.ts';
import { lanes, type Lane } from '../../shared/contracts/tasks.ts';
import type { RunnableTask } from './task-store.ts';

type MayBegin = (task: RunnableTask) => boolean;

export class ReadyTasks {
  readonly #byLane: Readonly<Record<Lane, RunnableTask[]>> = { interactive: [], standard: [], batch: [] };

  get isEmpty(): boolean {
    return lanes.every((lane) => this.#byLane[lane].length === 0);
  }

  isWaiting(lane: Lane): boolean {
    return this.#byLane[lane].length > 0;
  }

  add(task: RunnableTask): void {
    const queue = this.#byLane[task.lane];
    let [low, high] = [0, queue.length];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (isBefore(task, queue[middle]!)) high = middle;
      else low = middle + 1;
    }
    queue.splice(low, 0, task);
  }

  has(lane: Lane, mayBegin: MayBegin): boolean {
    return this.#byLane[lane].some(mayBegin);
  }

  take(lane: Lane, mayBegin: MayBegin): RunnableTask | undefined {
    const at = this.#byLane[lane].findIndex(mayBegin);
    return at < 0 ? undefined : this.#byLane[lane].splice(at, 1)[0];
  }

  remove({ id, lane }: { readonly id: TaskId; readonly lane: Lane }): void {
    this.take(lane, (task) => task.id === id);
  }
}

function isBefore(one: RunnableTask, other: RunnableTask): boolean {
  if (one.priority !== other.priority) return one.priority > other.priority;
  if (one.dueAt !== other.dueAt) return one.dueAt < other.dueAt;
  return one.id < other.id;
}
