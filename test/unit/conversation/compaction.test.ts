/** What a model reads fits its window, and what gave way is named. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { activeItems, compact, shortenResults } from '../../../durable-objects/conversation/compaction.ts';
import { toMessages } from '../../../durable-objects/conversation/prompt.ts';
import type { Item } from '../../../shared/contracts/conversations.ts';

const say = (id: string, role: 'user' | 'assistant', text: string): Item => ({
  id,
  type: 'message',
  status: 'completed',
  role,
  content: [{ type: 'input_text', text }],
});
const talk = (count: number, words = 40): Item[] =>
  Array.from({ length: count }, (_, at) =>
    say(`m${at}`, at % 2 === 0 ? 'user' : 'assistant', `Say ${at}. ${'word '.repeat(words)}`),
  );
const window = { tokens: 1_000, reserve: 200, fixedChars: 100 };
const none = new Set<string>();

describe('a past that fits', () => {
  test('stays as it is, and so does one whose window nobody knows', () => {
    expect(compact(talk(4), none, window, () => 's')).toBeUndefined();
    expect(compact(talk(400), none, { ...window, tokens: null }, () => 's')).toBeUndefined();
  });
});

describe('an image in it', () => {
  test('does not count by its bytes', () => {
    const image = { type: 'input_image', image_url: `data:image/png;base64,${'A'.repeat(400_000)}` } as const;
    const looked: Item = { ...say('m0', 'user', 'Look.'), content: [image] } as Item;
    expect(compact([looked, ...talk(3)], none, { ...window, tokens: 8_192 }, () => 's')).toBeUndefined();
  });
});

describe('a past that does not fit', () => {
  test('gives way from its oldest item on; the summary names each, quotes it, and the last question stays', () => {
    const items = talk(41);
    const summary = compact(items, none, window, () => 's')!;
    const kept = activeItems([...items, summary]).map(({ id }) => id);
    expect([...summary.replaces, ...kept]).toEqual(items.map(({ id }) => id));
    expect(kept).toContain('m40');
    expect(summary.summary).toContain(`[${summary.replaces.at(-1)!}]`);
    const messages = toMessages([...items, summary]);
    expect(messages[0]).toMatchObject({ role: 'system' });
    expect(JSON.stringify(messages).length).toBeLessThan(2_400);
  });

  test('gives way again later: the new summary stands for the old one too', () => {
    const first = talk(41);
    const summary = compact(first, none, window, () => 's1')!;
    const items = [...first, summary, ...talk(41).map((item) => ({ ...item, id: `n${item.id}` }))];
    const next = compact(items, none, window, () => 's2')!;
    expect(next.replaces).toEqual(expect.arrayContaining([...summary.replaces, 's1']));
    expect(new Set(next.replaces).size).toBe(next.replaces.length);
  });

  test('keeps a call and its result together, and what this turn has made', () => {
    fc.assert(
      fc.property(fc.integer({ min: 3, max: 30 }), (count) => {
        const items = Array.from({ length: count }, (_, at): Item[] => [
          say(`u${at}`, 'user', 'x'.repeat(200)),
          { id: `c${at}`, type: 'function_call', status: 'completed', call_id: `k${at}`, name: 'f', arguments: '{}' },
          {
            id: `o${at}`,
            type: 'function_call_output',
            status: 'completed',
            call_id: `k${at}`,
            output: 'y'.repeat(200),
          },
        ]).flat();
        const own = new Set([`o${count - 1}`]);
        const summary = compact(items, own, window, () => 's');
        const kept = activeItems(summary ? [...items, summary] : items).map(({ id }) => id);
        for (let at = 0; at < count; at++) expect(kept.includes(`o${at}`)).toBe(kept.includes(`c${at}`));
        expect(kept).toContain(`o${count - 1}`);
        expect(kept).toContain(`u${count - 1}`);
      }),
    );
  });

  test('has the results of tools shortened, the oldest first', () => {
    const call = (id: string): Item => ({
      id,
      type: 'mcp_call',
      status: 'completed',
      server_label: 'http',
      name: 'f',
      arguments: '{}',
      output: 'z'.repeat(2_000),
      error: null,
      approval_request_id: null,
    });
    const items = shortenResults([call('a'), call('b')], window);
    expect(JSON.stringify(items[0]).length).toBeLessThan(JSON.stringify(items[1]).length);
    expect(JSON.stringify(items).length).toBeLessThan(2_700);
  });
});
