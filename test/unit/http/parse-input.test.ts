/** Input: the first fault is named by its field, and a fault's text is bounded whatever was sent. */
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { createAgent } from '../../../shared/contracts/agents.ts';
import { createItems } from '../../../shared/contracts/conversations.ts';
import { parseInput } from '../../../workers/http/parse-input.ts';
import type { RequestContext } from '../../../workers/edge/request-context.ts';

function parse(body: z.ZodType, text: string, url = 'http://x/', query?: z.ZodType) {
  const request = new Request(url, { method: 'POST', body: text, headers: { 'content-type': 'application/json' } });
  const context = { request, platform: { MAX_BODY_BYTES: '1000000' } } as unknown as RequestContext;
  return parseInput(context, { body, ...(query ? { query } : {}) } as Parameters<typeof parseInput>[1], {});
}

describe('parseInput', () => {
  test.each([
    ['{"name":"x"}', 'slug'],
    ['{"slug":"A","name":"x"}', 'slug'],
    ['{"slug":"a","name":"x","role":"admin"}', 'role'],
    ['{"slug":"a","name":"x","__proto__":{}}', '__proto__'],
    ['{"slug":"a","name":"x","definition":{"limits":{"recall":99}}}', 'definition.limits.recall'],
    ['{"slug":"a","name":"x","definition":{"limits":{"other":1}}}', 'definition.limits.other'],
    ['[]', 'body'],
    ['null', 'body'],
    ['"x"', 'body'],
  ])('of %s names %s', async (text, param) => {
    expect(await parse(createAgent, text)).toMatchObject({ ok: false, failure: { code: 'invalid_request', param } });
  });

  test('names the member inside the branch that got furthest', async () => {
    expect(await parse(createItems, '{"items":[{"role":"user","content":[{"type":"input_text"}]}]}')).toMatchObject({
      failure: { param: 'items.0.content.0.text' },
    });
  });

  test('takes no body for an empty object', async () => {
    expect(await parse(z.strictObject({ a: z.number().default(1) }), '')).toMatchObject({
      ok: true,
      value: { body: { a: 1 } },
    });
  });

  test('keeps the last of a repeated query parameter', async () => {
    const query = z.object({ limit: z.coerce.number() });
    expect(await parse(z.unknown(), '{}', 'http://x/?limit=1&limit=2', query)).toMatchObject({
      value: { query: { limit: 2 } },
    });
  });

  test('bounds what it says of a hostile name', async () => {
    const result = await parse(createAgent, JSON.stringify({ slug: 'a', name: 'x', ['k'.repeat(100_000)]: 1 }));
    expect(result.ok).toBe(false);
    if (!result.ok) expect(result.failure.message.length + result.failure.param!.length).toBeLessThanOrEqual(700);
  });
});
