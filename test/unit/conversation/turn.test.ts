/**
 * The grammar of a turn's events, over any sequence of chunks and any end: one terminal event, the last; whatever was
 * added is done; what the deltas say is what the items hold.
 */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Turn } from '../../../durable-objects/conversation/turn.ts';
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
  (turn) => turn.finished(5_000),
  (turn) => turn.failed('upstream_cut', 'cut', 5_000),
  (turn) => turn.cancelled(5_000),
);

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
          } else {
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

  test('is completed only where a finish reason came, and bills the last usage that was told', () => {
    fc.assert(
      fc.property(chunks, (parts) => {
        const turn = newTurn();
        play(turn, parts, (each) => each.finished(5_000));
        const reasons = parts.flatMap(({ choices }) => choices.find(({ index }) => index === 0)?.finish_reason ?? []);
        const cut = ['length', 'content_filter'].includes(reasons.at(-1) ?? '');
        expect(turn.response.status).toBe(reasons.length === 0 ? 'failed' : cut ? 'incomplete' : 'completed');
        const told = parts.findLast((part) => part.usage)?.usage;
        expect(turn.response.usage?.output_tokens).toBe(told?.completion_tokens);
        expect(turn.response.usage?.input_tokens).toBe(told?.prompt_tokens);
      }),
    );
  });

  test('ends once: a second end is a bug and throws', () => {
    const turn = newTurn();
    turn.cancelled(0);
    expect(() => turn.failed('upstream_cut', 'x', 0)).toThrow();
  });
});
