/** Reading a body: what is too large, no JSON, too deep or no text is refused; everything else is what was sent. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseJson } from '../../../shared/core/parse-json.ts';
import { isJson, readText } from '../../../workers/edge/read-body.ts';

const post = (body: BodyInit, headers: Record<string, string> = {}) =>
  new Request('http://x/', { method: 'POST', body, headers, duplex: 'half' } as RequestInit);
const chunked = (parts: readonly Uint8Array[]) =>
  post(
    new ReadableStream({
      start: (controller) => (parts.forEach((part) => controller.enqueue(part)), controller.close()),
    }),
  );

describe('readText', () => {
  test('gives back any text, in any chunks, and counts bytes, not characters', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.string({ unit: 'grapheme', maxLength: 200 }),
        fc.integer({ min: 1, max: 7 }),
        async (text, size) => {
          const bytes = new TextEncoder().encode(text);
          const parts = Array.from({ length: Math.ceil(bytes.length / size) }, (_, at) =>
            bytes.slice(at * size, (at + 1) * size),
          );
          const withoutMark = text.replace(/^\ufeff/, '');
          expect(await readText(chunked(parts), bytes.length)).toEqual({ ok: true, value: withoutMark });
          if (bytes.length > 0)
            expect(await readText(chunked(parts), bytes.length - 1)).toMatchObject({
              failure: { code: 'payload_too_large' },
            });
        },
      ),
    );
  });

  test('refuses a declared length before anything is read', async () => {
    expect(await readText(post('x', { 'content-length': '11' }), 10)).toMatchObject({
      failure: { code: 'payload_too_large' },
    });
  });

  test.each([[[0xff]], [[0xc0, 0xa2]], [[0xed, 0xa0, 0x80]], [[0xf5, 0x80, 0x80, 0x80]], [[0xe2, 0x82]]])(
    'refuses %j, which is no UTF-8',
    async (bytes) => {
      expect(await readText(chunked([new Uint8Array(bytes)]), 100)).toMatchObject({
        failure: { code: 'invalid_json' },
      });
    },
  );
});

describe('parseJson', () => {
  test('gives back any value up to 64 levels', () => {
    fc.assert(
      fc.property(fc.jsonValue({ stringUnit: 'grapheme' }), (value) => {
        expect(parseJson(JSON.stringify(value))).toEqual({ ok: true, value: JSON.parse(JSON.stringify(value)) });
      }),
    );
  });

  test('counts levels outside strings alone', () => {
    const nested = (depth: number) => '['.repeat(depth) + ']'.repeat(depth);
    expect(parseJson(nested(64)).ok).toBe(true);
    expect(parseJson(nested(65)).ok).toBe(false);
    expect(parseJson(JSON.stringify(nested(1_000))).ok).toBe(true);
    expect(parseJson(`"\\"${'['.repeat(1_000)}"`).ok).toBe(true);
    expect(parseJson(`["a\\\\",${nested(64)}]`).ok).toBe(false);
  });

  test.each(['"\\ud800"', '"\\udc00\\ud800"', '{"\\uDBFF":1}', '[{"a":["x\\uD83D"]}]'])(
    'refuses %s: half of a surrogate pair',
    (text) => {
      expect(parseJson(text)).toMatchObject({ failure: { code: 'invalid_json' } });
    },
  );

  test.each(['"\\ud83d\\udca5"', '"\\\\ud800"', '"💥"', '"\\ufeff"'])('takes %s', (text) => {
    expect(parseJson(text).ok).toBe(true);
  });

  test.each(['', '{', '{}{}', "{'a':1}", '{"a":1,}', 'NaN', '01', '"\u0000"'])('refuses %j', (text) => {
    expect(parseJson(text).ok).toBe(false);
  });
});

test.each([
  [undefined, true],
  ['application/json', true],
  ['APPLICATION/JSON; charset=utf-8', true],
  ['application/vnd.api+json', true],
  ['text/plain', false],
  ['application/jsonx', false],
  ['multipart/form-data', false],
  ['text/plain; application/json', false],
])('a body of type %s is JSON: %s', (type, expected) => {
  const request = new Request('http://x/', {
    method: 'POST',
    ...(type === undefined ? {} : { headers: { 'content-type': type } }),
  });
  expect(isJson(request)).toBe(expected);
});
