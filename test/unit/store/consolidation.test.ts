/** Which memories may be put together, and what is said by the one that stands for them. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { mintId } from '../../../shared/core/ids.ts';
import { consolidate, planConsolidation, traceOf } from '../../../shared/store/consolidation.ts';
import type { MemoryDraft, MemoryRecord } from '../../../shared/store/memory-chain.ts';
import { MaxMemoryChars } from '../../../shared/contracts/memories.ts';
import { memoryChain } from '../../support/memory-factory.ts';

const tenant = mintId('tenant', 0);
const agent = mintId('agent', 0);
const DayMs = 86_400_000;
const now = Date.UTC(2026, 5, 1);
const ago = (days: number) => now - days * DayMs;

const chain = (...partials: Partial<MemoryDraft>[]) => memoryChain(tenant, agent, partials);
const plan = (rows: readonly MemoryRecord[], goal = 1_000) => {
  const texts = new Map(rows.map(({ id, text }) => [id, text]));
  return planConsolidation(rows.map(traceOf), { nowMs: now, goal }).map(({ reason, ids }) => ({
    reason,
    texts: ids.map((id) => texts.get(id)!),
  }));
};

describe('near duplicates', () => {
  test('say the same in the same order, in other spelling', () => {
    const rows = chain(
      { text: 'Ada drinks two cups of tea.' },
      { text: 'Please note that Ada drinks two cups of tea!' },
      { text: 'ADA drink two cup of tea' },
      { text: 'Adá drinks two cups of tea' },
    );
    const [found, ...others] = plan(rows);
    expect([found!.reason, others.length]).toEqual(['near_duplicates', 0]);
    expect(found!.texts.toSorted()).toEqual(rows.map(({ text }) => text).toSorted());
  });

  test.each([
    ['Ada likes tea.', 'Bob likes tea.'],
    ['Ada likes tea.', 'Ada does not like tea.'],
    ['Ada likes tea.', 'Ada likes green tea.'],
    ['The code is 4711.', 'The code is 4712.'],
    ['Dogs bite men.', 'Men bite dogs.'],
    ['The price is 5 €.', 'The price is 5 $.'],
    ['It was -5 degrees.', 'It was 5 degrees.'],
  ])('are not "%s" and "%s"', (a, b) => {
    expect(plan(chain({ text: a }, { text: b }))).toEqual([]);
  });

  test.each<[string, Partial<MemoryDraft>]>([
    ['another kind', { kind: 'instruction' }],
    ['another scope', { scope: 'shared', readers: ['*'] }],
    ['another subject', { subject: 'bob' }],
    ['another visitor', { visitor: 'vis_2' }],
    ['another end', { validUntil: now }],
  ])('are not the same words with %s', (_, other) => {
    const text = 'Ada likes tea.';
    expect(plan(chain({ text }, { text, ...other }))).toEqual([]);
  });

  test('become the newest of them as it stands, with the tags of all and the best confidence', () => {
    const rows = chain(
      { text: 'ada likes tea', createdAt: ago(9), tags: ['a'], confidence: 0.9 },
      { text: 'Ada likes tea.', createdAt: ago(2), tags: ['b'], confidence: 0.5, validFrom: ago(3) },
    );
    const stated = { text: 'Ada likes tea.', kind: 'fact', confidence: 0.9, tags: ['a', 'b'], validFrom: ago(3) };
    expect(consolidate('near_duplicates', rows)).toMatchObject(stated);
  });
});

describe('an episode', () => {
  const event = (text: string, days: number, partial: Partial<MemoryDraft> = {}) =>
    ({ text, kind: 'event', createdAt: ago(days), subject: 'trip', ...partial }) as const;

  test('is three events or more about the same, each within a day of the one before, a month ago', () => {
    const rows = chain(
      event('Left Riga.', 60),
      event('Reached Oslo.', 59.5),
      event('Saw the fjord.', 58.6),
      event('Flew home.', 50),
      event('Bought shoes.', 59.4, { subject: 'shopping' }),
      event('Left again.', 3),
      event('Saw snow.', 2.5),
      event('Came back.', 2.4),
    );
    expect(plan(rows)).toEqual([{ reason: 'episode', texts: ['Left Riga.', 'Reached Oslo.', 'Saw the fjord.'] }]);
    expect(consolidate('episode', rows.slice(0, 3))).toMatchObject({
      kind: 'summary',
      subject: 'trip',
      validFrom: ago(58.6),
      text: '3 memories, 2026-04-02 to 2026-04-03:\n- Left Riga.\n- Reached Oslo.\n- Saw the fjord.',
    });
  });

  test('is cut where a summary could not quote all of it', () => {
    const long = (at: number) => event(`${at} `.repeat(1_200), 60 - at / 100);
    const [first, ...others] = plan(chain(long(1), long(2), long(3), long(4)));
    expect([first!.texts.length, others.length]).toEqual([3, 0]);
  });
});

describe('decay', () => {
  test('takes the least certain and oldest facts and events, and no more of them than there are too many', () => {
    const rows = chain(
      ...Array.from({ length: 40 }, (_, at) => ({ text: `The number ${at} is old.`, createdAt: ago(400 - at) })),
      ...Array.from({ length: 20 }, (_, at) => ({ text: `The number ${at} is new.`, createdAt: ago(20 - at) })),
      { text: 'Be polite.', kind: 'instruction' as const, createdAt: ago(900) },
    );
    expect(plan(rows, 61)).toEqual([]);
    const [first, ...others] = plan(rows, 60);
    expect([first!.reason, first!.texts.length, others.length]).toEqual(['decay', 20, 0]);
    expect(first!.texts[0]).toBe('The number 0 is old.');
    expect(plan(rows, 30).flatMap(({ texts }) => texts)).not.toContain('Be polite.');
    expect(plan(rows, 30)).toHaveLength(2);
    // What near duplicates save is saved already.
    const twice = chain({ text: 'The number 0 is old.', createdAt: ago(500) }, { text: 'The number 0 is old.' });
    expect(plan([...rows, ...twice], 61).map(({ reason }) => reason)).toEqual(['near_duplicates']);
  });
});

test('whatever there is: no memory is in two groups, no summary is too long, nothing of its sources is lost', () => {
  const partial = fc.record({
    text: fc.oneof(
      fc.string({ minLength: 1, maxLength: 300 }),
      fc.nat(9).map((at) => `${at}`.repeat(2_000)),
      fc.constantFrom('Ada likes tea.', 'ada likes tea'),
    ),
    kind: fc.constantFrom('fact', 'event', 'instruction', 'summary'),
    createdAt: fc.integer({ min: ago(400), max: now }),
    subject: fc.constantFrom(null, 'ada', 'bob'),
    confidence: fc.double({ min: 0, max: 1, noNaN: true }),
    validUntil: fc.constantFrom(null, now),
  });
  fc.assert(
    fc.property(fc.array(partial, { maxLength: 120 }), fc.nat(120), (partials, goal) => {
      const rows = chain(...(partials as Partial<MemoryDraft>[]));
      const byId = new Map(rows.map((row) => [row.id, row]));
      const groups = planConsolidation(rows.map(traceOf), { nowMs: now, goal });
      const ids = groups.flatMap((group) => group.ids);
      expect(new Set(ids).size).toBe(ids.length);
      for (const { reason, ids: of } of groups) {
        const sources = of.map((id) => byId.get(id)!);
        expect(new Set(sources.map(({ subject }) => subject)).size).toBe(1);
        const { text } = consolidate(reason, sources);
        expect(text.length).toBeLessThanOrEqual(MaxMemoryChars);
        if (reason === 'near_duplicates') expect(sources.map((each) => each.text)).toContain(text);
        else for (const each of sources) expect(text).toContain(each.text.replaceAll(/\s+/g, ' '));
      }
    }),
  );
});
