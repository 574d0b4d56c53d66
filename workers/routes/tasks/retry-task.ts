import { commandRoute } from './command-task.ts';

export const retryTask = commandRoute({
  verb: 'retry',
  operation: 'retryTask',
  summary: 'Give a task that failed all of its attempts again.',
});
