/**
 * `npm run bench -- retrieval`: how good recall's lanes are, on text that the repository ships: the sentences of its
 * documents, and questions written by hand whose answers are marked by a phrase that only they hold. Compares vector, words
 * and both, as the shard ranks them (decision 0004); nDCG@10 and recall@10, by kind of question. Then the same for what
 * consolidation makes of a corpus that repeats itself, and of one of past events. No clock, no chance: the same text gives
 * the same figures.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { mintId } from '../../shared/core/ids.ts';
import { ConsolidationSource } from '../../shared/contracts/memories.ts';
import { consolidate, planConsolidation, traceOf } from '../../shared/store/consolidation.ts';
import type { MemoryDraft, MemoryRecord } from '../../shared/store/memory-chain.ts';
import { memoryChain } from '../support/memory-factory.ts';
import { repositoryRoot } from '../../scripts/platform.ts';
import { embedByHash } from '../../shared/core/hash-embedding.ts';
import { fuseRanks } from '../../shared/store/rank-fusion.ts';
import { dot, findStanding } from '../../shared/store/recall-ranking.ts';
import { questions, type Question } from './retrieval-questions.ts';

const Depth = 10;
const LaneDepth = 50;
type Lane = 'vector' | 'words' | 'hybrid';
const lanes: readonly Lane[] = ['vector', 'words', 'hybrid'];

export function benchRetrieval(): void {
  const sentences = readSentences();
  const search = makeSearch(sentences);
  const rows = [];
  for (const kind of ['same words', 'typing errors', 'other words'] as const) {
    const asked = questions.filter((question) => question.kind === kind);
    for (const lane of lanes) {
      const scored = asked.map((question) => score(question, sentences, search(question.text)[lane]));
      rows.push({
        questions: `${kind} (${asked.length})`,
        lane,
        'nDCG@10': mean(scored.map(({ ndcg }) => ndcg)).toFixed(3),
        'recall@10': mean(scored.map(({ recall }) => recall)).toFixed(3),
      });
    }
  }
  console.log(`${sentences.length} sentences`);
  console.table(rows);
  benchConsolidation(sentences);
}

/** A text, and the sentences that it holds: finding one of them again is worth nothing. */
type Passage = { readonly text: string; readonly holds: readonly string[] };

function benchConsolidation(sentences: readonly string[]): void {
  const day = 86_400_000;
  const repeated = sentences.flatMap((text): Partial<MemoryDraft>[] =>
    [text, text.toUpperCase(), `Please note that ${text}`, `Also, ${text}`].map((each) => ({ text: each })),
  );
  const events = sentences.map((text, at) => ({
    text,
    kind: 'event' as const,
    createdAt: Math.floor(at / 5) * 2 * day,
  }));
  const rows = [];
  for (const [name, partials] of [
    ['every sentence in four spellings', repeated],
    ['every sentence an event, five a day', events],
  ] as const) {
    const before = memoryChain(mintId('tenant', 0), mintId('agent', 0), partials);
    for (const [state, all] of [
      ['as it is', before],
      ['consolidated', consolidateAll(before)],
    ] as const) {
      const search = makeSearch(all.map(({ text }) => text));
      const byId = new Map(all.map((row) => [row.id, row]));
      const open = all.filter(({ closedAt }) => closedAt === null);
      const passages = new Map(open.map(({ id, text }) => [id, toPassage(text, sentences)]));
      const scored = questions
        .filter(({ kind }) => kind !== 'other words')
        .map(({ text, answer }) => {
          const standing = search(text).hybrid.flatMap((at) => findStanding(all[Number(at)]!, byId, Infinity) ?? []);
          const ranked = [...new Set(standing)].map(({ id }) => passages.get(id)!);
          return scoreOnce(answer, sentences, ranked);
        });
      rows.push({
        corpus: name,
        state,
        memories: open.length,
        'nDCG@10': mean(scored.map(({ ndcg }) => ndcg)).toFixed(3),
        'recall@10': mean(scored.map(({ recall }) => recall)).toFixed(3),
      });
    }
  }
  console.table(rows);
}

/** All of them, closed and open, in the order in which they came. */
function consolidateAll(rows: readonly MemoryRecord[]): MemoryRecord[] {
  const byId = new Map(rows.map((row) => [row.id, row]));
  const groups = planConsolidation(rows.map(traceOf), { nowMs: Date.UTC(2100, 0), goal: rows.length });
  const made = groups.map(({ reason, ids }, at): MemoryRecord => {
    const sources = ids.map((id) => byId.get(id)!);
    const stated = consolidate(reason, sources);
    return { ...sources[0]!, ...stated, id: `made_${at}`, sourceType: ConsolidationSource, sources: ids };
  });
  const closerOf = new Map(made.flatMap(({ id, sources }) => sources.map((source) => [source, id])));
  return [
    ...rows.map((row) => {
      const closedBy = closerOf.get(row.id);
      return closedBy === undefined ? row : { ...row, closedBy, closedAt: 0 };
    }),
    ...made,
  ];
}

function toPassage(text: string, sentences: readonly string[]): Passage {
  const folded = text.toLowerCase();
  return { text, holds: sentences.filter((sentence) => folded.includes(sentence.toLowerCase())) };
}

/** Each relevant sentence counts where it is found first. */
function scoreOnce(
  answer: string,
  sentences: readonly string[],
  ranked: readonly Passage[],
): { readonly ndcg: number; readonly recall: number } {
  const left = new Set(sentences.filter((sentence) => sentence.includes(answer)));
  const wanted = Math.min(Depth, left.size);
  let gained = 0;
  let hits = 0;
  for (const [at, { holds }] of ranked.slice(0, Depth).entries()) {
    const fresh = holds.filter((sentence) => left.delete(sentence));
    if (fresh.length > 0) gained += 1 / Math.log2(at + 2);
    hits += fresh.length;
  }
  const ideal = Array.from({ length: wanted }, (_, at) => 1 / Math.log2(at + 2));
  return { ndcg: Math.min(1, gained / sum(ideal)), recall: Math.min(1, hits / wanted) };
}

/** Paragraphs and list items of the documents, without code, tables' rules and headings. */
function readSentences(): readonly string[] {
  const files = ['README.md', 'SECURITY.md', 'CONTRIBUTING.md'].map((file) => join(repositoryRoot, file));
  for (const folder of ['docs', 'docs/decisions']) {
    for (const file of readdirSync(join(repositoryRoot, folder)).sort()) {
      if (file.endsWith('.md')) files.push(join(repositoryRoot, folder, file));
    }
  }
  const found = new Set<string>();
  for (const file of files) {
    const prose = readFileSync(file, 'utf8').replaceAll(/```[\s\S]*?```/g, '');
    for (const line of prose.split('\n')) {
      if (/^(#|\|[-| ]+$|\s*$)/.test(line)) continue;
      for (const sentence of line.split(/(?<=[.!?])\s+(?=[A-Z`*])/)) {
        const text = sentence
          .replaceAll(/[*_`|]/g, ' ')
          .replaceAll(/\s+/g, ' ')
          .trim();
        if (text.length >= 20) found.add(text);
      }
    }
  }
  return [...found];
}

function makeSearch(sentences: readonly string[]): (query: string) => Record<Lane, readonly string[]> {
  const vectors = sentences.map(embedByHash);
  const database = new DatabaseSync(':memory:');
  database.exec("CREATE VIRTUAL TABLE passages USING fts5(text, tokenize='porter unicode61')");
  const insert = database.prepare('INSERT INTO passages (rowid, text) VALUES (?, ?)');
  for (const [at, sentence] of sentences.entries()) insert.run(at, sentence);
  const match = database.prepare('SELECT rowid FROM passages WHERE passages MATCH ? ORDER BY rank LIMIT ?');
  return (query) => {
    const asked = embedByHash(query);
    const vector = vectors
      .map((each, at) => ({ at, score: dot(asked, each) }))
      .filter(({ score: near }) => near > 0)
      .sort((a, b) => b.score - a.score || a.at - b.at)
      .slice(0, LaneDepth)
      .map(({ at }) => String(at));
    const terms = [...new Set(query.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? [])].map((term) => `"${term}"`);
    const words = match.all(terms.join(' OR '), LaneDepth).map(({ rowid }) => String(rowid));
    return { vector, words, hybrid: fuseRanks([vector, words], LaneDepth).map(({ id }) => id) };
  };
}

function score(
  question: Question,
  sentences: readonly string[],
  ranked: readonly string[],
): { readonly ndcg: number; readonly recall: number } {
  const relevant = new Set(sentences.flatMap((text, at) => (text.includes(question.answer) ? [String(at)] : [])));
  if (relevant.size === 0) throw new Error(`no document says "${question.answer}" any more: ${question.text}`);
  const gains = ranked.slice(0, Depth).map((id, at) => (relevant.has(id) ? 1 / Math.log2(at + 2) : 0));
  const ideal = Array.from({ length: Math.min(Depth, relevant.size) }, (_, at) => 1 / Math.log2(at + 2));
  const hits = ranked.slice(0, Depth).filter((id) => relevant.has(id)).length;
  return { ndcg: sum(gains) / sum(ideal), recall: hits / Math.min(Depth, relevant.size) };
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

function mean(values: readonly number[]): number {
  return sum(values) / values.length;
}
