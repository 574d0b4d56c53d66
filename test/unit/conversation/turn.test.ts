/**
 * The grammar of a turn's events, over any sequence of chunks and any end: one terminal event, the last; whatever was
 * added is done; what the deltas say is what the items hold.
 */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { MaxArgumentChars, MaxCallsPerStep, Turn } from '../../../durable-objects/conversation/turn.ts';
import {
  response as responseSchema,
  terminalStatuses,
  type ResponseEvent,
} from '../../../shared/contracts/responses.ts';
import type { ChatCompletionChunk, FinishReason } from '../../../shared/contracts/chat-completions.ts';
import { blankResponse } from '../../support/response-factory.ts';

type Choice = ChatCompletionChunk['choices'][number];

const chunkOf = (choices: readonly Choice[], usage?: ChatCompletionChunk['usage']): ChatCompletionChunk => ({
  id: 'c',
  object: 'chat.completion.chunk',
  created: 0,
  model: 'm',
  choices,
  ...(usage === undefined ? {} : { usage }),
});
const count = fc.integer({ min: 0, max: 1_000 });
const toolCall = fc.record(
  {
    index: fc.nat(3),
    id: fc.string(),
    function: fc.record({ name: fc.string(), arguments: fc.string() }, { requiredKeys: [] }),
  },
  { requiredKeys: ['index'] },
);
const delta = fc.record(
  {
    role: fc.constant('assistant' as const),
    content: fc.option(fc.string()),
    tool_calls: fc.option(fc.array(toolCall, { maxLength: 3 })),
  },
  { requiredKeys: [] },
);
const choice = fc.record({
  index: fc.constantFrom(0, 0, 0, 1),
  delta,
  finish_reason: fc.option(
    fc.constantFrom<FinishReason>('stop', 'length', 'tool_calls', 'content_filter', 'function_call'),
    { freq: 4 },
  ),
});
const usage = fc.option(fc.record({ prompt_tokens: count, completion_tokens: count, total_tokens: count }), {
  nil: undefined,
  freq: 3,
});
const chunks = fc.array(
  fc.tuple(fc.array(choice, { maxLength: 2 }), usage).map(([choices, used]) => chunkOf(choices as Choice[], used)),
  { maxLength: 20 },
);
const end = fc.constantFrom<(turn: Turn) => ResponseEvent[]>(
  (turn) => finished(turn),
  (turn) => turn.end({ status: 'failed', code: 'upstream_cut', message: 'cut' }, null, 5_000),
  (turn) => turn.end({ status: 'cancelled' }, null, 5_000),
);

/** As the engine ends a turn that has no tools of its own. */
function finished(turn: Turn): ResponseEvent[] {
  const { finish } = turn.answer();
  if (finish === undefined) return turn.end({ status: 'failed', code: 'upstream_cut', message: 'cut' }, null, 5_000);
  if (finish === 'length') return turn.end({ status: 'incomplete', reason: 'max_output_tokens' }, null, 5_000);
  if (finish === 'content_filter') return turn.end({ status: 'incomplete', reason: 'content_filter' }, null, 5_000);
  return turn.end({ status: 'completed' }, null, 5_000);
}

function newTurn(): Turn {
  let serial = 0;
  return new Turn(blankResponse(), (kind) => `${kind}-${serial++}`);
}

function play(
  turn: Turn,
  parts: readonly ChatCompletionChunk[],
  finish: (turn: Turn) => ResponseEvent[],
): ResponseEvent[] {
  return [...turn.created(), ...turn.started([]), ...parts.flatMap((part) => turn.chunk(part)), ...finish(turn)];
}

const ended = new Set<string>(['response.completed', 'response.incomplete', 'response.failed', 'response.cancelled']);
type ItemEvent = Extract<ResponseEvent, { readonly item: unknown }>;
const doneItems = (events: readonly ResponseEvent[]) =>
  events.filter((event): event is ItemEvent => event.type === 'response.output_item.done').map(({ item }) => item);
const ofType = <T extends ResponseEvent['type']>(events: readonly ResponseEvent[], type: T) =>
  events.filter((event): event is Extract<ResponseEvent, { type: T }> => event.type === type);

describe('a turn', () => {
  test('ends in exactly one terminal event, the last, whose response is over and valid', () => {
    fc.assert(
      fc.property(chunks, end, (parts, finish) => {
        const turn = newTurn();
        const events = play(turn, parts, finish);
        expect(events.filter(({ type }) => ended.has(type))).toHaveLength(1);
        const last = events.at(-1)!;
        expect(ended.has(last.type)).toBe(true);
        expect(turn.isOver).toBe(true);
        expect('response' in last && terminalStatuses.has(last.response.status)).toBe(true);
        expect(last.type).toBe(`response.${turn.response.status}`);
        expect(() => responseSchema.parse(turn.response)).not.toThrow();
        expect(turn.response.completed_at).toBe(5);
      }),
    );
  });

  test('marks every item that it added as done, once, in its place, and adds before it says anything of it', () => {
    fc.assert(
      fc.property(chunks, end, (parts, finish) => {
        const turn = newTurn();
        const events = play(turn, parts, finish);
        const added = events.filter(({ type }) => type === 'response.output_item.added') as {
          output_index: number;
          item: { id: string };
        }[];
        const done = events.filter(({ type }) => type === 'response.output_item.done') as typeof added;
        expect(added.map(({ output_index: index }) => index)).toEqual(added.map((_, at) => at));
        const places = (all: typeof added) => all.map(({ output_index: index, item }) => `${index} ${item.id}`).sort();
        expect(places(done)).toEqual(places(added));
        expect(turn.response.output).toHaveLength(added.length);
        for (const { output_index: index, item } of done) expect(turn.response.output[index]).toEqual(item);
        const open = new Set<number>();
        for (const event of events) {
          if (event.type === 'response.output_item.added') open.add(event.output_index);
          else if ('output_index' in event) expect(open.has(event.output_index)).toBe(true);
          if (event.type === 'response.output_item.done') open.delete(event.output_index);
        }
        expect(open.size).toBe(0);
      }),
    );
  });

  test('says in its deltas exactly what its items hold', () => {
    fc.assert(
      fc.property(chunks, end, (parts, finish) => {
        const turn = newTurn();
        const events = play(turn, parts, finish);
        const said = ofType(events, 'response.output_text.delta')
          .map((event) => event.delta)
          .join('');
        const sent = parts.map(({ choices }) => choices.find(({ index }) => index === 0)?.delta.content ?? '').join('');
        expect(said).toBe(sent);
        for (const [index, item] of turn.response.output.entries()) {
          if (item.type === 'message') {
            expect(item.content).toEqual([{ type: 'output_text', text: said, annotations: [], logprobs: [] }]);
            expect(ofType(events, 'response.output_text.done')[0]?.text).toBe(said);
          } else if (item.type === 'function_call') {
            const written = ofType(events, 'response.function_call_arguments.delta').filter(
              (event) => event.output_index === index,
            );
            expect(item.arguments).toBe(written.map((event) => event.delta).join(''));
            expect(
              ofType(events, 'response.function_call_arguments.done').find((event) => event.output_index === index)
                ?.arguments,
            ).toBe(item.arguments);
          }
        }
      }),
    );
  });

  test('answers with the last finish reason and usage that were told, and with the calls that the platform is to make', () => {
    fc.assert(
      fc.property(chunks, (parts) => {
        let serial = 0;
        const turn = new Turn(
          blankResponse(),
          (kind) => `${kind}-${serial++}`,
          (name) => (name < 'n' ? null : 'http'),
        );
        for (const part of parts) turn.chunk(part);
        const answer = turn.answer();
        const reasons = parts.flatMap(({ choices }) => choices.find(({ index }) => index === 0)?.finish_reason ?? []);
        expect(answer.finish).toBe(reasons.at(-1));
        expect(answer.usage).toEqual(parts.findLast((part) => part.usage)?.usage);
        const calls = turn.response.output.filter((item) => item.type === 'mcp_call');
        expect(answer.calls.map(({ id }) => id)).toEqual(calls.map(({ id }) => id));
      }),
    );
  });

  test('made again out of its frames at any point, it goes on as if nothing had happened', () => {
    fc.assert(
      fc.property(chunks, fc.nat(), (parts, at) => {
        const labels = (name: string) => (name < 'n' ? null : 'http');
        let serial = 0;
        const mint = (kind: string) => `${kind}-${serial++}`;
        const first = new Turn(blankResponse(), mint, labels);
        const shown = [...first.created(), ...first.started([]), ...parts.flatMap((part) => first.chunk(part))];
        const cut = shown.slice(0, at % (shown.length + 1));
        const second = new Turn(blankResponse(), mint, labels);
        second.replay(cut.map((event) => JSON.stringify(event)));
        const rest = [...second.reopenStep(), ...parts.flatMap((part) => second.chunk(part)), ...finished(second)];
        const events = [...cut, ...rest];
        const placesOf = (type: ItemEvent['type']) =>
          events.filter((event): event is ItemEvent => event.type === type).map(({ output_index: index }) => index);
        const added = placesOf('response.output_item.added');
        const done = placesOf('response.output_item.done');
        expect(added).toEqual(added.map((_, place) => place));
        const pending = second.response.output.filter(
          (item) => item.type === 'mcp_call' && item.status === 'in_progress',
        );
        expect(new Set(done).size).toBe(done.length);
        expect(done.length + pending.length).toBe(added.length);
        // The same text again is not shown again: what whole messages say is said once.
        const said = parts.map(({ choices }) => choices.find(({ index }) => index === 0)?.delta.content ?? '').join('');
        const whole = second.response.output.flatMap((item) =>
          item.type === 'message' && doneItems(events).some(({ id }) => id === item.id)
            ? item.content.map((part) => ('text' in part ? String(part.text) : ''))
            : [],
        );
        expect(whole.join('')).toBe(said);
      }),
    );
  });

  test('says another thing in its second attempt as another item, and ends the first one as incomplete', () => {
    const turn = newTurn();
    const say = (content: string) => turn.chunk(chunkOf([{ index: 0, delta: { content }, finish_reason: null }]));
    say('The answer is 41');
    turn.reopenStep();
    expect(say('The answer ')).toEqual([]);
    const diverged = say('may be 42');
    expect(doneItems(diverged)[0]).toMatchObject({ status: 'incomplete' });
    expect(
      ofType(diverged, 'response.output_text.delta')
        .map(({ delta: text }) => text)
        .join(''),
    ).toBe('The answer may be 42');
  });

  test('opens no more calls in one step than it may, and counts the others', () => {
    const turn = newTurn();
    for (let index = 0; index < 10_000; index++) {
      const calls = [{ index, id: `c${index}`, function: { name: 'f', arguments: '{}' } }];
      turn.chunk(chunkOf([{ index: 0, delta: { tool_calls: calls }, finish_reason: null }]));
    }
    expect(turn.response.output).toHaveLength(MaxCallsPerStep);
    expect(turn.answer().surplus).toBeGreaterThan(0);
  });

  test('keeps a megabyte of arguments out, and gives a client no call that was cut', () => {
    const turn = newTurn();
    for (let at = 0; at < 64; at++) {
      const calls = [{ index: 0, id: 'c', function: { name: 'f', arguments: 'x'.repeat(16_384) } }];
      turn.chunk(chunkOf([{ index: 0, delta: { tool_calls: calls }, finish_reason: null }]));
    }
    expect(JSON.stringify(turn.response.output).length).toBeLessThan(MaxArgumentChars * 2);
    expect(turn.answer().oversized).toBe(true);
  });

  test('ends once: a second end is a bug and throws', () => {
    const turn = newTurn();
    turn.end({ status: 'cancelled' }, null, 0);
    expect(() => turn.end({ status: 'cancelled' }, null, 0)).toThrow();
  });
});
