/**
 * What the extractive engine says: one to three passages that match the question, memories cited as [n], or plainly that
 * nothing it knows matches. It never speaks as a language model would. Pure and deterministic.
 */
import type { Conversation } from './passages.ts';
import { MatchThreshold, rankPassages, type RankedPassage } from './rank.ts';
import { splitTerms } from './words.ts';

const MaxQuotes = 3;
const EngineName = "Freehold's built-in extractive engine, not a language model";

export function composeAnswer(conversation: Conversation): string {
  const { question, toolResults, passages } = conversation;
  if (toolResults.length > 0) return `The tool answered: ${toolResults.join('\n')}`;
  if (splitTerms(question).length === 0) return introduce(passages.length > 0);
  const quotes = chooseQuotes(rankPassages(passages, question));
  if (quotes.length === 0) return admitNothing(passages.length > 0);
  const memories = quotes.filter(({ passage }) => passage.memory !== undefined);
  const instructions = quotes.filter(({ passage }) => passage.memory === undefined);
  const parts = memories.map(({ passage }) => `${endSentence(passage.text)} [${passage.memory}]`);
  if (instructions.length > 0) {
    const quoted = instructions.map(({ passage }) => `“${passage.text}”`).join(' ');
    parts.push(`${memories.length > 0 ? 'My instructions add' : 'My instructions say'}: ${quoted}`);
  }
  return parts.join(memories.length > 1 || instructions.length > 0 ? '\n\n' : ' ');
}

/** The best passage, and up to two more that are nearly as good or hold words of the question that it lacks. */
function chooseQuotes(ranked: readonly RankedPassage[]): RankedPassage[] {
  const [best, ...others] = ranked;
  if (!best || best.score < MatchThreshold) return [];
  const chosen = [best];
  const covered = new Set(best.terms);
  for (const each of others) {
    if (chosen.length === MaxQuotes || each.score < MatchThreshold) break;
    const adds = [...each.terms].some((term) => !covered.has(term));
    const aside = each.passage.memory === undefined && best.passage.memory !== undefined;
    const enough = adds ? 0.5 : aside ? 1 : 0.75;
    if (each.score < best.score * enough || chosen.some(({ passage }) => isSame(passage.text, each.passage.text)))
      continue;
    chosen.push(each);
    for (const term of each.terms) covered.add(term);
  }
  return chosen;
}

function isSame(one: string, other: string): boolean {
  return splitTerms(one).join(' ') === splitTerms(other).join(' ');
}

function endSentence(text: string): string {
  return /[.!?…”"')\]]$/.test(text) ? text : `${text}.`;
}

function introduce(knows: boolean): string {
  return knows
    ? `Hello. I am ${EngineName}: I answer by quoting what this agent has been told and what it remembers. Ask me about something in it.`
    : `Hello. I am ${EngineName}: I answer by quoting what this agent has been told and what it remembers, and that is nothing yet.`;
}

function admitNothing(knows: boolean): string {
  const why = knows ? 'Nothing I know matches that question.' : 'I know nothing yet that could answer that question.';
  return `${why} I am ${EngineName}: I can only quote this agent's instructions and memories. Add a memory about it, or connect a model.`;
}
