/** Server-sent events: what is written is read back, however the bytes are cut. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  encodeSse,
  formatSse,
  keepAliveFrame,
  readSse,
  SseParser,
  type ServerSentEvent,
} from '../../../shared/core/sse.ts';

const word = fc
  .string({ unit: 'grapheme', maxLength: 20 })
  .filter((text) => !/[\r\n\0]/.test(text) && !text.startsWith(' '));
const event: fc.Arbitrary<ServerSentEvent> = fc.record(
  { data: word, event: word.filter((text) => text !== '') },
  { requiredKeys: ['data'] },
);

function cut<T extends { slice(from: number, to?: number): T; readonly length: number }>(
  whole: T,
  places: readonly number[],
): T[] {
  const at = [0, ...places.map((place) => place % (whole.length + 1)).sort((a, b) => a - b), whole.length];
  return at.slice(1).map((to, index) => whole.slice(at[index]!, to));
}

async function readAll(parts: readonly Uint8Array[]): Promise<ServerSentEvent[]> {
  const events: ServerSentEvent[] = [];
  for await (const each of readSse(stream(parts))) events.push(each);
  return events;
}
async function* stream(parts: readonly Uint8Array[]): AsyncGenerator<Uint8Array> {
  yield* parts;
}

describe('the parser', () => {
  test('gives the same events from text in any slices, with any line ends, and among comments', () => {
    fc.assert(
      fc.property(
        fc.array(event),
        fc.array(fc.nat(), { maxLength: 30 }),
        fc.constantFrom('\n', '\r\n', '\r'),
        fc.boolean(),
        (events, places, end, comments) => {
          const text = events
            .map((each) => (comments ? keepAliveFrame : '') + formatSse(each))
            .join('')
            .replaceAll('\n', end);
          const parser = new SseParser();
          // A lone carriage return at the very end may be half of a line end: the next byte tells.
          const read = cut(text, places)
            .flatMap((part) => parser.push(part))
            .concat(parser.push(': end\n'));
          expect(read).toEqual(events);
        },
      ),
    );
  });

  test('gives the same events from bytes cut inside a character', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(event), fc.array(fc.nat(), { maxLength: 30 }), async (events, places) => {
        const bytes = Buffer.concat(events.map((each) => Buffer.from(encodeSse(each))));
        expect(await readAll(cut<Uint8Array>(new Uint8Array(bytes), places))).toEqual(events);
      }),
    );
  });

  test.each<[string, ServerSentEvent[]]>([
    ['data: a\ndata: b\n\n', [{ data: 'a\nb' }]],
    ['data\n\n', [{ data: '' }]],
    ['data:a\n\n', [{ data: 'a' }]],
    ['data:  a\n\n', [{ data: ' a' }]],
    ['event: x\n\n', []],
    ['event: x\n\ndata: a\n\n', [{ data: 'a' }]],
    [
      'id: 1\ndata: a\n\ndata: b\n\n',
      [
        { data: 'a', id: '1' },
        { data: 'b', id: '1' },
      ],
    ],
    ['retry: 5\nunknown: x\ndata: a\n\n', [{ data: 'a' }]],
    [': nothing\n\n', []],
    ['data: unfinished\n', []],
    ['\n\n\n', []],
  ])('reads %j', (text, events) => {
    expect(new SseParser().push(text)).toEqual(events);
  });
});
