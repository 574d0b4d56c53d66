/**
 * The gate before an agent's memories: what says nothing, says what is known, or repeats what was itself recalled stays
 * out. Pure. Judges by words and not by vectors: a changed name, number or "not" hardly moves a vector and changes all.
 */
import { createHash } from 'node:crypto';
import { RecallHeading } from '../contracts/inference.ts';
import type { MemoryRefusal } from '../contracts/memories.ts';
import type { MemoryRecord } from './memory-chain.ts';

export type Candidate = Pick<MemoryRecord, 'text' | 'kind' | 'scope' | 'supersedes'>;

/** Words without which a sentence says the same. Not one of them negates, numbers or names. */
const emptyWords = new Set(
  'a an the is are was were be been am do does did has have had of to in on at and it its that this there'.split(' '),
);
/** Whole texts that are no memory, word by word. */
const pleasantries = new Set(
  (
    'hi hello hey thanks thank you ok okay yes no sure please bye goodbye good morning evening great nice cool well ' +
    'hallo danke ja nein bitte tschuess merci oui non bonjour gracias hola si ciao grazie'
  ).split(' '),
);
const MinLetters = 2;
/** A text this long that is made of so few different words says nothing. */
const RepetitiveWords = 12;
const MinVariety = 0.2;

/** `findSame`: the memory of the agent that has this gist. */
export function judgeMemory(
  candidate: Candidate,
  findSame: (gist: string) => string | undefined,
): MemoryRefusal | undefined {
  const words = wordsOf(candidate.text);
  if (words.join('').length < MinLetters) return { reason: 'too_short', memory: null };
  if (words.every((word) => pleasantries.has(word)) || isRepetitive(words)) {
    return { reason: 'low_information', memory: null };
  }
  if (candidate.text.includes(RecallHeading)) return { reason: 'recalled', memory: null };
  const same = candidate.supersedes === null ? findSame(gistOf(candidate)) : undefined;
  return same === undefined ? undefined : { reason: 'duplicate', memory: same };
}

/**
 * Equal for two memories that say the same in the same words: order, names, numbers and negations count; case, marks and
 * empty words do not. What is shared says something else than what one agent alone knows.
 */
export function gistOf({ text, kind, scope }: Omit<Candidate, 'supersedes'>): string {
  const words = wordsOf(text);
  const full = words.filter((word) => !emptyWords.has(word));
  const said = (full.length > 0 ? full : words).join(' ');
  return createHash('sha256').update(`${kind}/${scope}/${said}`, 'utf8').digest('base64url');
}

export function explainRefusal(refusal: MemoryRefusal): string {
  switch (refusal.reason) {
    case 'too_short':
      return `The text has less than ${MinLetters} letters or digits.`;
    case 'low_information':
      return 'The text says nothing that is worth remembering.';
    case 'recalled':
      return 'The text is a list of memories that were recalled: they are not remembered again.';
    case 'duplicate':
      return `The agent knows this already: ${refusal.memory}. To replace it, name it in "supersedes".`;
    case 'quota':
      return 'The agent has as many memories as it may have. Forget or consolidate some.';
  }
}

export function wordsOf(text: string): string[] {
  return (
    text
      .normalize('NFKC')
      .toLowerCase()
      .replaceAll(/(?<=\p{L})[’'](?=\p{L})/gu, '')
      .match(/[-+−]?\p{N}+(?:[.,:/]\p{N}+)*|[\p{L}\p{M}\p{N}]+|[\p{Sc}%<>=≠≤≥]/gu) ?? []
  );
}

function isRepetitive(words: readonly string[]): boolean {
  return words.length >= RepetitiveWords && new Set(words).size / words.length < MinVariety;
}
