/** The gate: junk and what is known stay out; nothing that says something else does. */
import { describe, expect, test } from 'vitest';
import { RecallHeading } from '../../../shared/contracts/inference.ts';
import { gistOf, judgeMemory, type Candidate } from '../../../shared/store/memory-gate.ts';

const candidate = (text: string, partial: Partial<Candidate> = {}): Candidate => ({
  text,
  kind: 'fact',
  scope: 'private',
  supersedes: null,
  ...partial,
});
const judge = (text: string, partial: Partial<Candidate> = {}, known: readonly string[] = []) => {
  const gists = new Map(known.map((each, at) => [gistOf(candidate(each)), `mem_${at}`]));
  return judgeMemory(candidate(text, partial), (gist) => gists.get(gist))?.reason;
};

describe('judgeMemory', () => {
  test.each([
    ['', 'too_short'],
    ['?', 'too_short'],
    ['x', 'too_short'],
    ['\u202e\u0000', 'too_short'],
    ['OK, thanks!', 'low_information'],
    ['Hello! Good morning.', 'low_information'],
    ['Danke', 'low_information'],
    ['la '.repeat(40), 'low_information'],
    [`${RecallHeading}\n[1] Ada likes tea.`, 'recalled'],
  ])('refuses %j as %s', (text, reason) => {
    expect(judge(text)).toBe(reason);
  });

  test.each([
    'Ada likes tea.',
    '猫が好き',
    'PIN: 12',
    'é'.repeat(4_000),
    'Hello is the name of our cat.',
    'Я живу в Риге',
  ])('lets %j pass', (text) => {
    expect(judge(text)).toBeUndefined();
  });

  test.each([
    ['The office closes at six.', 'the office CLOSES at six!!'],
    ['Ada likes tea', ' Ada likes the tea '],
    ["Ada's dog is called Rex", 'Ada’s dog is called Rex.'],
    ['Café opens 9:00', 'Cafe\u0301 opens 9:00'],
  ])('knows that %j says %j', (known, text) => {
    expect(judge(text, {}, [known])).toBe('duplicate');
  });

  test.each([
    ['Ada likes tea', 'Ada does not like tea'],
    ['Ada likes tea', "Ada doesn't likes tea"],
    ['Ada likes tea', 'Bob likes tea'],
    ['Ada beats Bob', 'Bob beats Ada'],
    ['The code is 1234', 'The code is 1235'],
    ['The limit is 5', 'The limit is -5'],
    ['The limit is 1.5', 'The limit is 15'],
    ['It costs 5 $', 'It costs 5 €'],
    ['x < 5', 'x > 5'],
    ['nobody was there', 'everybody was there'],
  ])('does not take %j for %j', (known, text) => {
    expect(judge(text, {}, [known])).toBeUndefined();
  });

  test('takes neither another kind nor what is shared for the same, and lets a correction pass', () => {
    const known = ['The office closes at six.'];
    expect(judge(known[0]!, { kind: 'event' }, known)).toBeUndefined();
    expect(judge(known[0]!, { scope: 'shared' }, known)).toBeUndefined();
    expect(judge(known[0]!, { supersedes: 'mem_0' }, known)).toBeUndefined();
  });
});
