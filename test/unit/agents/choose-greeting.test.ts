/** Which greeting a visitor meets. */
import { describe, expect, test } from 'vitest';
import { greeting } from '../../../shared/contracts/greeting.ts';
import { chooseGreeting, timeOfDayAt, type Encounter } from '../../../shared/agents/choose-greeting.ts';
import { readAcceptLanguage } from '../../../shared/core/accept-language.ts';

const noon = Date.UTC(2026, 5, 1, 12);
const meet = (partial: Partial<Encounter> = {}): Encounter => ({
  agentId: 'agt_1',
  visitorId: 'vis_1',
  environment: 'prod',
  languages: [],
  timeZone: undefined,
  at: noon,
  ...partial,
});
const rules = greeting.parse({
  default: 'Hello',
  cases: [
    { when: { environment: 'dev' }, say: 'dev' },
    { when: { language: 'de', time_of_day: 'morning' }, say: 'Guten Morgen' },
    { when: { language: 'de' }, say: 'Guten Tag' },
    { when: { language: 'pt-BR' }, say: 'Olá' },
    { when: { time_of_day: 'night' }, say: 'Good night' },
  ],
});

describe('a greeting', () => {
  test.for<[string, Partial<Encounter>, string]>([
    ['nothing that a case names', {}, 'Hello'],
    ['the environment', { environment: 'dev', languages: ['de'] }, 'dev'],
    ['a language', { languages: ['de'] }, 'Guten Tag'],
    ['a region of a language', { languages: ['de-AT'] }, 'Guten Tag'],
    ['a language when only another region of it is spoken', { languages: ['pt-PT'] }, 'Hello'],
    ['the dearest language that is spoken', { languages: ['fr', 'pt-br', 'de'] }, 'Olá'],
    ['language and time', { languages: ['de'], at: Date.UTC(2026, 5, 1, 7) }, 'Guten Morgen'],
    ["the visitor's own time", { timeZone: 'Asia/Tokyo', at: Date.UTC(2026, 5, 1, 14) }, 'Good night'],
    ["the agent's time where the visitor's is unknown", { at: Date.UTC(2026, 5, 1, 23) }, 'Good night'],
  ])('goes by %s', ([, partial, text]) => {
    expect(chooseGreeting(rules, meet(partial))).toEqual({ text, variant: null });
  });

  test('that is one text is said as it is', () => {
    expect(chooseGreeting('Hi', meet())).toEqual({ text: 'Hi', variant: null });
  });

  test('has its four times of day at their borders', () => {
    const at = (hour: number) => timeOfDayAt(Date.UTC(2026, 0, 1, hour, 59), 'UTC');
    expect([0, 4, 5, 11, 12, 17, 18, 21, 22, 23].map(at)).toEqual([
      'night',
      'night',
      'morning',
      'morning',
      'afternoon',
      'afternoon',
      'evening',
      'evening',
      'night',
      'night',
    ]);
  });

  test.for([
    ['a case that always holds', { default: 'a', cases: [{ when: {}, say: 'b' }] }],
    ['a time zone that is none', { default: 'a', timezone: 'Mars/Olympus' }],
    [
      'two variants of one name',
      {
        default: [
          { name: 'x', text: 'a' },
          { name: 'x', text: 'b' },
        ],
      },
    ],
    ['no variant at all', { default: [] }],
    ['an unknown member', { default: 'a', otherwise: 'b' }],
  ])('with %s is refused', ([, value]) => {
    expect(greeting.safeParse(value).success).toBe(false);
  });
});

describe('variants', () => {
  const variants = greeting.parse({
    default: [
      { name: 'a', text: 'A', weight: 3 },
      { name: 'b', text: 'B' },
    ],
  });

  test('are the same for the same visitor, at every time', () => {
    for (let visitor = 0; visitor < 100; visitor++) {
      const visitorId = `vis_${visitor}`;
      const first = chooseGreeting(variants, meet({ visitorId }));
      expect(chooseGreeting(variants, meet({ visitorId, at: noon + visitor * 3_600_000 }))).toEqual(first);
    }
  });

  test('are shared out by weight', () => {
    const count = { a: 0, b: 0 };
    for (let visitor = 0; visitor < 4_000; visitor++) {
      count[chooseGreeting(variants, meet({ visitorId: `vis_${visitor}` })).variant as 'a' | 'b']++;
    }
    expect(count.a).toBeGreaterThan(2_850);
    expect(count.a).toBeLessThan(3_150);
  });

  test('of two agents are drawn apart', () => {
    const drawn = (agentId: string) =>
      Array.from(
        { length: 64 },
        (_, at) => chooseGreeting(variants, meet({ agentId, visitorId: `vis_${at}` })).variant,
      );
    expect(drawn('agt_1')).not.toEqual(drawn('agt_2'));
  });
});

describe('Accept-Language', () => {
  test('is read by preference, and what is refused is left out', () => {
    expect(readAcceptLanguage('fr;q=0.5, de-AT, en;q=0.8, it;q=0, *;q=0.1')).toEqual(['de-AT', 'en', 'fr']);
  });

  test('of any form is no fault', () => {
    expect(readAcceptLanguage(null)).toEqual([]);
    expect(readAcceptLanguage(';;,,q=,<script>')).toEqual([]);
  });
});
