/** Tasks that ended long ago go, and their conversations with them. */
import type { Duty } from '../runtime/alarm-scheduler.ts';
import type { RunnableTask, TaskStore } from './task-store.ts';

export const KeepFinishedMs = 30 * 24 * 60 * 60 * 1000;
const BatchSize = 50;

export class TaskRetention {
  readonly duty: Duty;

  /** `erase`: the conversation of a task; throws where that could not be done now. */
  constructor(store: TaskStore, erase: (task: Pick<RunnableTask, 'conversationId' | 'principal'>) => Promise<void>) {
    this.duty = {
      name: 'task-retention',
      dueAt: () => {
        const oldest = store.oldestFinishedAt();
        return oldest === undefined ? undefined : oldest + KeepFinishedMs;
      },
      async run(now) {
        for (const task of store.finishedBefore(now - KeepFinishedMs, BatchSize)) {
          await erase(task);
          store.delete(task.id);
        }
      },
    };
  }
}
