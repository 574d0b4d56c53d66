/**
 * The engine over any sequence of inputs: it always comes to an end within its limits, ends once, and makes no call that a
 * limit forbids.
 */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  decide,
  MaxAttempts,
  MaxRepairs,
  MaxRepeats,
  MaxResumes,
  newTurnState,
  nextAction,
  type TurnInput,
  type TurnState,
} from '../../../durable-objects/conversation/turn-engine.ts';
import type { TurnLimits } from '../../../shared/contracts/turn-start.ts';

const Now = 1_000_000;
const noUsage = { input: 0, cached: 0, output: 0, reasoning: 0, costMicros: 0 };
const limitsOf = (change: Partial<TurnLimits> = {}): TurnLimits => ({
  maxSteps: 5,
  maxToolCalls: 6,
  maxTokens: null,
  maxCostMicros: null,
  approvalMs: 1_000,
  ...change,
});

function play(inputs: readonly TurnInput[], limits = limitsOf()): TurnState {
  return inputs.reduce<TurnState>((state, input) => decide(state, input, limits, Now), newTurnState);
}

const begun: TurnInput = { kind: 'begun', timeoutMs: 60_000 };
const prepared: TurnInput = { kind: 'prepared', recalled: [], listed: [], self: undefined };
const answered = (
  calls: readonly { name: string; arguments: string }[],
  change: Partial<Extract<TurnInput, { kind: 'answered' }>> = {},
): TurnInput => ({
  kind: 'answered',
  finish: calls.length > 0 ? 'tool_calls' : 'stop',
  calls: calls.map((call, at) => ({ id: `c${at}`, ...call })),
  surplus: 0,
  awaitsClient: false,
  misfit: null,
  usage: noUsage,
  ...change,
});
const settled = (id: string): TurnInput => ({
  kind: 'settled',
  id,
  tokens: 0,
  costMicros: 0,
  toolCalls: 0,
  full: false,
});

/** A model that answers with whatever it likes; whatever the engine asks for is done. */
function run(model: (step: number) => readonly { name: string; arguments: string }[], limits: TurnLimits) {
  let state = newTurnState;
  let made = 0;
  let asked = 0;
  for (let turns = 0; turns < 10_000; turns++) {
    const action = nextAction(state);
    if (action.kind === 'finish') return { state, made, asked, end: action.end };
    if (action.kind === 'begin') state = decide(state, begun, limits, Now);
    else if (action.kind === 'prepare') state = decide(state, prepared, limits, Now);
    else if (action.kind === 'ask') state = decide(state, answered(model(++asked)), limits, Now);
    else
      for (const call of action.calls) {
        if (call.refusal === null) made++;
        state = decide(state, settled(call.id), limits, Now);
      }
  }
  throw new Error('the turn never ended');
}

describe('a turn', () => {
  test('of any model ends within its steps and its tool calls', () => {
    const call = fc.record({ name: fc.constantFrom('a', 'b'), arguments: fc.constantFrom('{}', '{"x":1}', 'no json') });
    const answers = fc.array(fc.array(call, { maxLength: 16 }), { minLength: 1, maxLength: 30 });
    const limits = fc.record({
      maxSteps: fc.integer({ min: 1, max: 8 }),
      maxToolCalls: fc.integer({ min: 0, max: 20 }),
    });
    fc.assert(
      fc.property(answers, limits, (script, change) => {
        const bound = limitsOf(change);
        const { made, asked, end } = run((step) => script[(step - 1) % script.length]!, bound);
        expect(made).toBeLessThanOrEqual(bound.maxToolCalls);
        expect(asked).toBeLessThanOrEqual(bound.maxSteps);
        expect(['completed', 'incomplete']).toContain(end.status);
      }),
    );
  });

  test('that makes the same call again and again is refused it, is asked to answer without tools, and then ends', () => {
    const same = () => [{ name: 'a', arguments: '{"x":1,"y":2}' }];
    const { made, end } = run(same, limitsOf({ maxSteps: 60, maxToolCalls: 200 }));
    expect(made).toBe(MaxRepeats);
    expect(end).toEqual({ status: 'incomplete', reason: 'tool_loop' });
  });

  test('takes the same arguments in another order for the same call', () => {
    const spellings = ['{"x":1,"y":2}', '{ "y": 2, "x": 1 }'];
    const { made } = run(
      (step) => [{ name: 'a', arguments: spellings[step % 2]! }],
      limitsOf({ maxSteps: 60, maxToolCalls: 200 }),
    );
    expect(made).toBe(MaxRepeats);
  });

  test('is asked for its last step without tools', () => {
    let state = play([begun, prepared], limitsOf({ maxSteps: 2 }));
    expect(nextAction(state)).toEqual({ kind: 'ask', withTools: true });
    state = decide(state, answered([{ name: 'a', arguments: '{}' }]), limitsOf({ maxSteps: 2 }), Now);
    state = decide(state, settled('c0'), limitsOf({ maxSteps: 2 }), Now);
    expect(nextAction(state)).toEqual({ kind: 'ask', withTools: false });
  });

  test('whose model writes ten thousand calls in one step makes no more than it may, and closes', () => {
    const calls = Array.from({ length: 16 }, (_, at) => ({ name: 'a', arguments: `{"at":${at}}` }));
    const state = play([begun, prepared, answered(calls, { surplus: 1_000 })]);
    expect(state.calls.filter((call) => call.refusal === null)).toHaveLength(6);
    expect(state.closing).toBe('max_tool_calls');
  });

  test('does not ask where the answer could cost more than is left, and holds what a lost attempt may have cost', () => {
    const limits = limitsOf({ maxCostMicros: 100 });
    const asking: TurnInput = { kind: 'asking', maxMicros: 40, maxTokens: 1 };
    const lost: TurnInput = { kind: 'lost', message: 'cut' };
    expect(play([begun, prepared, asking], limits).phase).toBe('generating');
    expect(play([begun, prepared, asking, lost, asking], limits).phase).toBe('generating');
    expect(play([begun, prepared, asking, lost, asking, lost, asking], limits).end).toEqual({
      status: 'incomplete',
      reason: 'max_cost',
    });
    const used = answered([{ name: 'a', arguments: '{}' }], { usage: { ...noUsage, costMicros: 10 } });
    expect(play([begun, prepared, asking, used, settled('c0'), asking], limits).phase).toBe('generating');
  });

  test('does not ask once its tokens are used up, those of the agents it asked included', () => {
    const limits = limitsOf({ maxTokens: 100 });
    const used = answered([{ name: 'a', arguments: '{}' }], { usage: { ...noUsage, input: 40, output: 10 } });
    const asked: TurnInput = { kind: 'settled', id: 'c0', tokens: 50, costMicros: 0, toolCalls: 0, full: false };
    const asking: TurnInput = { kind: 'asking', maxMicros: 0, maxTokens: 1 };
    expect(play([begun, prepared, used, asked, asking], limits).end).toEqual({
      status: 'incomplete',
      reason: 'max_tokens',
    });
  });

  test('counts the tool calls of the agents that it asked as its own', () => {
    const asked: TurnInput = { kind: 'settled', id: 'c0', tokens: 0, costMicros: 0, toolCalls: 5, full: false };
    const state = play([begun, prepared, answered([{ name: 'a', arguments: '{}' }]), asked]);
    const next = decide(state, answered([{ name: 'b', arguments: '{}' }]), limitsOf(), Now);
    expect(next.calls[0]?.refusal).toBe('too_many');
  });

  test('ends where a client is to execute, once its own calls are settled', () => {
    const both = answered([{ name: 'a', arguments: '{}' }], { awaitsClient: true });
    const state = play([begun, prepared, both]);
    expect(state.phase).toBe('calling');
    expect(decide(state, settled('c0'), limitsOf(), Now).end).toEqual({ status: 'completed' });
  });

  test('that loses its bridge is asked again, but not for ever; one that dies again and again is given up', () => {
    const lost: TurnInput = { kind: 'lost', message: 'cut' };
    expect(play([begun, prepared, ...Array<TurnInput>(MaxAttempts - 1).fill(lost)]).phase).toBe('generating');
    expect(play([begun, prepared, ...Array<TurnInput>(MaxAttempts).fill(lost)]).end).toMatchObject({
      status: 'failed',
    });
    const resumed: TurnInput = { kind: 'resumed' };
    expect(play([begun, ...Array<TurnInput>(MaxResumes).fill(resumed)]).phase).toBe('recalling');
    expect(play([begun, ...Array<TurnInput>(MaxResumes + 1).fill(resumed)]).end).toMatchObject({ status: 'failed' });
  });

  test('gets its time anew when a person has decided', () => {
    const waited: TurnInput = { kind: 'waited', timeoutMs: 60_000 };
    const state = play([begun, prepared, answered([{ name: 'a', arguments: '{}' }])]);
    expect(decide(state, waited, limitsOf(), Now + 10_000_000).deadlineAt).toBe(Now + 10_060_000);
  });

  test('asks for an answer that does not fit without tools, and not for ever', () => {
    const misfit = { text: 'no', reason: 'It is no JSON.', isRevocable: true };
    const unfit = answered([], { misfit });
    const asked = play([begun, prepared, unfit]);
    expect(nextAction(asked)).toEqual({ kind: 'ask', withTools: false });
    expect(asked.step).toBe(2);
    const last = play([begun, prepared, ...Array<TurnInput>(MaxRepairs).fill(unfit)], limitsOf({ maxSteps: 60 }));
    expect(last.phase).toBe('generating');
    expect(decide(last, unfit, limitsOf({ maxSteps: 60 }), Now).end).toMatchObject({ code: 'upstream_invalid' });
    expect(play([begun, prepared, unfit], limitsOf({ maxSteps: 1 })).end).toMatchObject({ code: 'upstream_invalid' });
  });

  test('that is over takes no input', () => {
    const over = play([begun, { kind: 'cancelled' }]);
    expect(() => decide(over, prepared, limitsOf(), Now)).toThrow();
  });

  test('keeps a state that fits its row, whatever the model writes', () => {
    const calls = Array.from({ length: 16 }, (_, at) => ({ name: 'a', arguments: `"${String(at).repeat(32_000)}"` }));
    expect(JSON.stringify(play([begun, prepared, answered(calls)])).length).toBeLessThan(1_200_000);
  });
});
