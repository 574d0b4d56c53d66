import { commandRoute } from './command-task.ts';

export const cancelTask = commandRoute({
  verb: 'cancel',
  operation: 'cancelTask',
  summary: 'Cancel a task. One that runs is stopped.',
});
