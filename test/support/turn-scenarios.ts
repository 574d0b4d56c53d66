/**
 * Turns of every kind, with a model and receivers that answer by what they are told alone: wherever a turn is taken up,
 * the same is said to it. What comes of a turn is compared without its ids.
 */
import type { ResponseId } from '../../shared/core/ids.ts';
import { terminalStatuses } from '../../shared/contracts/responses.ts';
import { Crash } from './crashing-storage.ts';
import { toAnswer, type Receive, type Said, type TurnChange, type TurnWorld } from './turn-world.ts';

type Message = { readonly role: string; readonly content: unknown };
export type TurnScenario = {
  readonly name: string;
  readonly change: TurnChange;
  /** `told`: results of tools that the model has read; `times`: how often it was asked, over all processes. */
  readonly reply: (told: number, times: number) => string | Said;
  readonly receive?: Receive;
  /** What was said before, where the model's window is too small for it. */
  readonly past?: readonly string[];
  readonly contextWindow?: number;
};

const parameters = { type: 'object', properties: { run: { type: 'string' } }, required: ['run'] };
const tool = (name: string, more: object = {}) => ({
  type: 'http',
  name,
  method: 'POST',
  url: `https://shop.example.com/${name}`,
  parameters,
  ...more,
});
const call = (name: string, args: object | string = { run: 'a' }) => ({ name, arguments: args });
const limits = { maxSteps: 8, maxToolCalls: 32, maxTokens: null, maxCostMicros: null, approvalMs: 3_600_000 };
const withTools = (...tools: object[]): TurnChange => ({ definition: { tools } });
const inTurn =
  (...said: readonly (string | Said)[]) =>
  (told: number) =>
    said[Math.min(told, said.length - 1)]!;
const schema = { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] };

export const turnScenarios: readonly TurnScenario[] = [
  { name: 'text', change: {}, reply: () => 'All is well.' },
  {
    name: 'two tools, one after the other',
    change: withTools(tool('charge'), tool('book', { idempotent: true })),
    reply: inTurn(
      { text: 'I charge it.', calls: [call('charge')] },
      { text: 'And I book it.', calls: [call('book')] },
      'Done.',
    ),
  },
  {
    name: 'two calls in one step',
    change: withTools(tool('charge'), tool('book', { idempotent: true })),
    reply: inTurn({ calls: [call('charge'), call('book')] }, '', 'Both are done.'),
  },
  {
    name: 'arguments that do not fit, and no such tool',
    change: withTools(tool('charge')),
    reply: inTurn({ calls: [call('charge', { sum: 5 })] }, { calls: [call('no_such')] }, 'I cannot.'),
  },
  {
    name: 'the same call for ever',
    change: withTools(tool('charge')),
    reply: (told) => ({ text: `Again, after ${told}.`, calls: [call('charge')] }),
  },
  {
    name: 'a limit of steps',
    change: { ...withTools(tool('charge')), start: { limits: { ...limits, maxSteps: 3 } } },
    reply: (told) => (told >= 2 ? 'That is as far as I came.' : { calls: [call('charge', { run: `${told}` })] }),
  },
  {
    name: 'a limit of tool calls',
    change: { ...withTools(tool('charge')), start: { limits: { ...limits, maxToolCalls: 1 } } },
    reply: inTurn({ calls: [call('charge'), call('charge', { run: 'b' })] }, '', 'One of them is done.'),
  },
  {
    name: "a call of the client's beside one of the platform's",
    change: withTools(tool('charge'), { type: 'function', name: 'ask_user' }),
    reply: inTurn({ calls: [call('charge'), call('ask_user', {})] }),
  },
  {
    name: 'a receiver that fails',
    change: withTools(tool('charge'), tool('book', { idempotent: true })),
    reply: inTurn({ calls: [call('charge')] }, { calls: [call('book')] }, 'Neither is known.'),
    receive: async () => toAnswer(503, 'busy'),
  },
  {
    name: 'an answer that breaks off',
    change: withTools(tool('charge')),
    reply: (told, times) =>
      told === 0 && times === 1
        ? { text: 'I char', breaksOff: true }
        : inTurn({ text: 'I charge it.', calls: [call('charge')] }, 'Done.')(told),
  },
  {
    name: 'a call that waits for a person',
    change: withTools(tool('charge', { approval: 'always' }), tool('book')),
    reply: inTurn({ text: 'May I?', calls: [call('charge')] }, { calls: [call('book')] }, 'Done.'),
  },
  { name: 'an answer that is cut', change: {}, reply: () => ({ text: 'It is very', finish: 'length' }) },
  {
    name: 'an answer by a schema',
    change: { start: { sampling: { response_format: { type: 'json_schema', json_schema: { name: 'c', schema } } } } },
    reply: () => '{"city":"Oslo"}',
  },
  {
    name: 'a past that is too long',
    change: { ...withTools(tool('charge')), start: { context: { kind: 'thread' }, maxOutputTokens: 50 } },
    past: Array.from({ length: 6 }, (_, at) => `Message ${at}. ${'word '.repeat(100)}`),
    contextWindow: 700,
    reply: inTurn({ calls: [call('charge')] }, 'Done.'),
  },
];

/** Sets up what answers; `send` then begins the turn. */
export function prepare(world: TurnWorld, { reply, receive, contextWindow }: TurnScenario): void {
  world.answer = async (messages) => {
    const told = (messages as readonly Message[]).filter(({ role }) => role === 'tool').length;
    return reply(told, world.asked.length);
  };
  if (receive) world.receive = receive;
  world.contextWindow = contextWindow ?? null;
}

/** Until the turn has ended or its process has died: who is asked for an approval gives it. */
export async function playOut(world: TurnWorld, id: ResponseId, onRest: () => void = () => {}): Promise<void> {
  try {
    for (;;) {
      await Promise.race([world.atRest(id), world.died()]);
      if (world.isDead || terminalStatuses.has(world.store.findResponse(id)!.response.status)) return;
      onRest();
      for (const approval of world.turns.approvalsOf(id))
        if (approval.status === 'pending') world.settleApproval(approval.id, 'approved');
    }
  } catch (error) {
    if (!(error instanceof Crash)) throw error;
  }
}

/** What a turn has come to, with its ids numbered in the order of their appearance. */
export function outcomeOf(world: TurnWorld, id: ResponseId): unknown {
  const outcome = {
    asked: world.asked,
    sent: world.sent,
    effects: world.turns
      .effectsOf(id)
      .map(({ tool: name, status, attempts }) => `${name} ${status} ${attempts}`)
      .toSorted(),
    approvals: world.turns.approvalsOf(id).map(({ status, usedAt }) => ({ status, isUsed: usedAt !== null })),
    thread: world.thread(),
    events: world.events(id).map(({ type, sequence_number: number }) => `${number} ${type}`),
    response: world.store.findResponse(id)!.response,
    state: world.turns.findState(id),
  };
  const seen = new Map<string, string>();
  const numbered = JSON.stringify(outcome).replaceAll(/\b([a-z]{2,5})_[0-9a-z]{26,}\b/g, (whole, kind: string) => {
    const name = seen.get(whole) ?? `${kind}_${seen.size}`;
    seen.set(whole, name);
    return name;
  });
  return JSON.parse(numbered);
}
