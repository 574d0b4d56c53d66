/**
 * How well a passage answers a question, by its words alone: the share of the question's words that it holds, weighed by
 * rarity (as in BM25), and the likeness of the letters (so that a typing error still finds). Pure and deterministic.
 */
import { embedByHash } from '../../shared/core/hash-embedding.ts';
import type { Passage } from './passages.ts';
import { splitTerms, splitWords } from './words.ts';

export type RankedPassage = { readonly passage: Passage; readonly score: number; readonly terms: ReadonlySet<string> };

/** Below this a passage is not about the question. */
export const MatchThreshold = 0.3;

const Saturation = 1.2;
const LengthShare = 0.4;

export function rankPassages(passages: readonly Passage[], question: string): RankedPassage[] {
  const asked = [...new Set(splitTerms(question))];
  if (asked.length === 0 || passages.length === 0) return [];
  const documents = passages.map((passage) =>
    splitTerms(passage.text).map((term) => asked.find((each) => isAlmostSame(each, term)) ?? term),
  );
  const meanLength = documents.reduce((sum, terms) => sum + terms.length, 0) / documents.length || 1;
  const rarity = new Map(asked.map((term) => [term, inverseFrequency(documents, term)]));
  const most = asked.reduce((sum, term) => sum + rarity.get(term)! * (Saturation + 1), 0);
  const questionVector = embedByHash(
    splitWords(question)
      .filter((word) => splitTerms(word).length > 0)
      .join(' '),
  );
  const defines = findDefined(question);
  return passages
    .map((passage, place) => {
      const terms = documents[place]!;
      const slack = Saturation * (1 - LengthShare + (LengthShare * terms.length) / meanLength);
      const held = asked.filter((term) => terms.includes(term));
      const weight = held.reduce((sum, term) => {
        const count = terms.filter((each) => each === term).length;
        return sum + (rarity.get(term)! * count * (Saturation + 1)) / (count + slack);
      }, 0);
      const likeness = cosine(questionVector, embedByHash(passage.text));
      const words = Math.min(1, weight / (most * 0.75));
      const bonus = defines !== undefined && words > 0 && isDefinition(passage.text, defines) ? 0.3 : 0;
      // A memory was chosen for this question; a sentence of the instructions is only there.
      const score = (0.8 * words + 0.6 * likeness + bonus) * (passage.memory === undefined ? 0.85 : 1);
      return { passage, score, terms: new Set(held) };
    })
    .sort((a, b) => b.score - a.score);
}

/** The same word, or a longer one with a single letter missing, too many or wrong. */
function isAlmostSame(one: string, other: string): boolean {
  if (one === other) return true;
  const [short, long] = one.length <= other.length ? [one, other] : [other, one];
  if (short.length < 5 || long.length - short.length > 1) return false;
  let at = 0;
  while (at < short.length && short[at] === long[at]) at++;
  return short.slice(long.length === short.length ? at + 1 : at) === long.slice(at + 1);
}

function inverseFrequency(documents: readonly (readonly string[])[], term: string): number {
  const holding = documents.filter((terms) => terms.includes(term)).length;
  return Math.log(1 + (documents.length - holding + 0.5) / (holding + 0.5)) + 0.3;
}

function cosine(a: Float32Array, b: Float32Array): number {
  let sum = 0;
  for (let at = 0; at < a.length; at++) sum += a[at]! * b[at]!;
  return Math.max(0, sum);
}

/** The thing asked for in "What is X?" and "Who are the X?"; undefined for other questions. */
function findDefined(question: string): string | undefined {
  const match = /^\W*(?:what|who)(?:'s|’s|\s+(?:is|are|was|were))\s+(.+?)[\s?!.]*$/iu.exec(question);
  return match ? splitTerms(match[1]!).join(' ') || undefined : undefined;
}

/** Whether the text begins by saying what the thing is. */
function isDefinition(text: string, thing: string): boolean {
  const subject = /^(.{1,80}?)\s+(?:(?:is|are|was|were)\s+(?:an?|the|one)|means)\s/iu.exec(text)?.[1];
  return subject !== undefined && splitTerms(subject).join(' ') === thing;
}
