/** What a task's events say. */
import type { EventType } from '../../shared/contracts/events.ts';
import type { Task } from '../../shared/contracts/tasks.ts';
import type { EventOutbox } from '../runtime/event-outbox.ts';
import type { TaskStore } from './task-store.ts';

export type TaskEventType = EventType & `task.${string}`;

/** `ranMs`: of the attempt that has just ended. */
export function noteTasks(
  outbox: EventOutbox,
  store: TaskStore,
  type: TaskEventType,
  tasks: readonly Task[],
  ranMs: number | null = null,
): void {
  outbox.enter(
    ...tasks.map(({ id, status, lane, attempts, conversation, response, schedule, error, agent }) => {
      const data = { id, status, lane, attempts, conversation, response, schedule, error, ran_ms: ranMs };
      return { type, data, agent, traceparent: store.traceOf(id) };
    }),
  );
}
