/** What of an agent's events goes into its trace, and what sets off its hooks. */
import { describe, expect, test } from 'vitest';
import { Behaviour } from '../../../durable-objects/agent/behaviour.ts';
import { mintId, type AgentId } from '../../../shared/core/ids.ts';
import type { CarriedEvent } from '../../../shared/contracts/events.ts';

const agent: AgentId = mintId('agent', 0);
const event = (type: string, data: object = {}) =>
  ({ id: mintId('event', 0), at: 0, type, data: { id: 'x', ...data }, agent }) as unknown as CarriedEvent;

function newBehaviour(given: { ended?: boolean; hooks?: readonly string[]; memories?: Record<string, string> } = {}) {
  const traced: string[] = [];
  const setOff: string[] = [];
  const behaviour = new Behaviour({
    trace: (_, { id }) => !traced.includes(id) && traced.push(id) > 0,
    setOff: (_, moment) => setOff.push(moment),
    hasEnded: () => given.ended ?? false,
    isHooks: (_, conversation) => given.hooks?.includes(conversation) ?? false,
    conversationOfMemory: (_, id) => given.memories?.[id],
  });
  return { traced, setOff, observe: (seen: CarriedEvent) => behaviour.observe(agent, seen) };
}

describe('what an agent does', () => {
  test.each([
    ['response.completed', 'after_turn'],
    ['response.failed', 'after_turn'],
    ['tool.called', 'on_tool_called'],
    ['task.succeeded', 'on_task_succeeded'],
    ['task.failed', 'on_task_failed'],
    ['task.dead', 'on_task_failed'],
    ['memory.written', 'on_memory_written'],
  ])('%s is in the trace, and the moment %s', (type, moment) => {
    const world = newBehaviour();
    world.observe(event(type));
    expect([world.traced.length, world.setOff]).toEqual([1, [moment]]);
  });

  test('changes of its state and firings of its hooks are in the trace, and are no moment', () => {
    const world = newBehaviour();
    for (const type of ['agent.state_changed', 'agent.hook_fired', 'memory.forgotten']) world.observe(event(type));
    expect([world.traced.length, world.setOff]).toEqual([3, []]);
  });

  test('what is told of every task on its way is in neither', () => {
    const world = newBehaviour();
    for (const type of ['task.created', 'task.started', 'task.retrying']) world.observe(event(type));
    expect([world.traced, world.setOff]).toEqual([[], []]);
  });

  test('an event that comes twice sets off once', () => {
    const world = newBehaviour();
    const seen = event('response.completed', { conversation: 'c' });
    world.observe(seen);
    world.observe(seen);
    expect(world.setOff).toEqual(['after_turn']);
  });

  test('what the task of a hook does is traced, and sets off nothing: not its turn, its end, nor its memories', () => {
    const world = newBehaviour({ hooks: ['own'], memories: { m: 'own', n: 'another' } });
    world.observe(event('response.completed', { conversation: 'own' }));
    world.observe(event('task.failed', { conversation: 'own' }));
    world.observe(event('memory.written', { id: 'm' }));
    expect([world.traced.length, world.setOff]).toEqual([3, []]);
    world.observe(event('memory.written', { id: 'n' }));
    expect(world.setOff).toEqual(['on_memory_written']);
  });

  test('a deleted agent leaves no more trace', () => {
    const world = newBehaviour({ ended: true });
    world.observe(event('response.completed'));
    expect([world.traced, world.setOff]).toEqual([[], []]);
  });
});
