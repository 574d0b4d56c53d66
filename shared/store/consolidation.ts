/**
 * Which memories of an agent can be put together, and what the one says that stands for them. Judges by words, as the
 * gate does: a near vector cannot tell "Ada" from "Bob". Nothing is invented and nothing cut: a merged memory is one of its
 * sources as it stands, a summary quotes all of its sources whole. Pure, and the same input always gives the same plan.
 */
import { createHash } from 'node:crypto';
import { MaxMemoryChars } from '../contracts/memories.ts';
import type { MemoryDraft, MemoryRecord } from './memory-chain.ts';
import { wordsOf } from './memory-gate.ts';

export type ConsolidationReason = 'near_duplicates' | 'episode' | 'decay';
/** Memories that belong together, by their ids, the oldest first. */
export type Group = { readonly reason: ConsolidationReason; readonly ids: readonly string[] };
/** What a plan needs of a memory: small, since all of an agent's are held at once. */
export type Trace = {
  readonly id: string;
  readonly kind: MemoryRecord['kind'];
  readonly at: number;
  readonly confidence: number;
  readonly chars: number;
  /** Equal for two that say the same of the same. */
  readonly sameKey: string;
  /** Equal for two that the same may read and that are about the same. */
  readonly aboutKey: string;
  readonly endsByItself: boolean;
};
export type Plan = { readonly nowMs: number; /** So many may stay open. */ readonly goal: number };
type Stated = Pick<
  MemoryDraft,
  'text' | 'kind' | 'scope' | 'readers' | 'tags' | 'subject' | 'visitor' | 'confidence' | 'validFrom' | 'validUntil'
>;

const DayMs = 86_400_000;
/** Events older than this are history: what happened within a day of each other is one episode. */
const EpisodeAgeMs = 30 * DayMs;
const EpisodeGapMs = DayMs;
const MinEpisode = 3;
const MaxEpisode = 50;
/** What is let go first where there are too many: it loses half of its weight in this time. */
const HalfLifeMs = 180 * DayMs;
const DecayChunk = 20;
const MaxTags = 20;
/** Beside the texts a summary holds a line that says what it is, and a mark before each. */
const MaxQuotedChars = MaxMemoryChars - 200;
const MarkChars = 3;

/** Words that make a sentence softer or longer, and no other. */
const softWords = new Set('a an the also just really very quite please note that is are was were'.split(' '));

export function traceOf(row: MemoryRecord): Trace {
  const about = [row.scope, [...row.readers].sort(), row.subject, row.visitor];
  return {
    id: row.id,
    kind: row.kind,
    at: since(row),
    confidence: row.confidence,
    chars: row.text.length + MarkChars,
    sameKey: digest([about, row.kind, row.validUntil, nearGistOf(row.text)]),
    aboutKey: digest(about),
    endsByItself: row.validUntil !== null,
  };
}

export function planConsolidation(traces: readonly Trace[], { nowMs, goal }: Plan): Group[] {
  const near = groupBy(traces, ({ sameKey }) => sameKey).filter(({ length }) => length > 1);
  const taken = new Set(near.flat().map(({ id }) => id));
  const rest = traces.filter(({ id, endsByItself }) => !taken.has(id) && !endsByItself);
  const history = rest.filter(({ kind, at }) => kind === 'event' && at < nowMs - EpisodeAgeMs);
  const episodes = groupBy(history, ({ aboutKey }) => aboutKey)
    .flatMap((about) => cut(about.sort(compareAge), MaxEpisode, EpisodeGapMs))
    .filter(({ length }) => length >= MinEpisode);
  for (const { id } of episodes.flat()) taken.add(id);
  const open = traces.length - saved(near) - saved(episodes);
  const faded = rest.filter(({ id, kind }) => !taken.has(id) && (kind === 'event' || kind === 'fact'));
  return [
    ...toGroups('near_duplicates', near),
    ...toGroups('episode', episodes),
    ...toGroups('decay', letGo(faded, open - goal, nowMs)),
  ];
}

/** The memory that stands for the sources. */
export function consolidate(reason: ConsolidationReason, sources: readonly MemoryRecord[]): Stated {
  const newest = sources.toSorted((a, b) => since(b) - since(a) || b.sequence - a.sequence)[0]!;
  const { scope, readers, subject, visitor } = newest;
  const tags = [...new Set(sources.flatMap((each) => each.tags))].slice(0, MaxTags);
  const shared = { scope, readers, subject, visitor, tags, validFrom: since(newest) };
  if (reason === 'near_duplicates') {
    const confidence = Math.max(...sources.map((each) => each.confidence));
    return { ...shared, kind: newest.kind, text: newest.text, confidence, validUntil: newest.validUntil };
  }
  const confidence = sources.reduce((sum, each) => sum + each.confidence, 0) / sources.length;
  return { ...shared, kind: 'summary', text: quoteAll(sources), confidence, validUntil: null };
}

/** The words that carry the meaning, in their order: without case, marks, accents, softeners and an ending -s. */
function nearGistOf(text: string): string {
  const words = wordsOf(text.normalize('NFKD').replaceAll(/\p{M}/gu, ''));
  const full = words.filter((word) => !softWords.has(word));
  return (full.length > 0 ? full : words).map((word) => word.replace(/(?<=[a-z]{3})(?<!s)s$/, '')).join(' ');
}

function quoteAll(sources: readonly MemoryRecord[]): string {
  const ordered = sources.toSorted((a, b) => since(a) - since(b) || a.sequence - b.sequence);
  const day = (row: MemoryRecord) => new Date(since(row)).toISOString().slice(0, 10);
  const [first, last] = [day(ordered[0]!), day(ordered.at(-1)!)];
  const lines = ordered.map(({ text }) => `- ${text.replaceAll(/\s+/g, ' ')}`);
  return [`${ordered.length} memories, ${first === last ? first : `${first} to ${last}`}:`, ...lines].join('\n');
}

/** The least worth first, a chunk of what is about the same at a time, until there are so many fewer. */
function letGo(faded: readonly Trace[], excess: number, nowMs: number): Trace[][] {
  if (excess <= 0) return [];
  const worth = ({ confidence, at }: Trace) => confidence * 2 ** (-Math.max(0, nowMs - at) / HalfLifeMs);
  const ordered = faded.toSorted((a, b) => worth(a) - worth(b) || compareAge(a, b));
  const chunks: Trace[][] = [];
  for (const about of groupBy(ordered, ({ aboutKey }) => aboutKey)) chunks.push(...cut(about, DecayChunk));
  const rank = new Map(ordered.map(({ id }, at) => [id, at]));
  const useful = chunks.filter(({ length }) => length > 1).sort((a, b) => rank.get(a[0]!.id)! - rank.get(b[0]!.id)!);
  let left = excess;
  return useful.filter(({ length }) => left > 0 && ((left -= length - 1), true));
}

/** In stretches that a summary can hold, also cut where there is a longer pause than `gapMs`. */
function cut(ordered: readonly Trace[], size: number, gapMs = Number.POSITIVE_INFINITY): Trace[][] {
  const stretches: Trace[][] = [];
  let chars = 0;
  for (const trace of ordered) {
    const last = stretches.at(-1);
    const isNext =
      last && last.length < size && trace.at - last.at(-1)!.at <= gapMs && chars + trace.chars <= MaxQuotedChars;
    if (isNext) last.push(trace);
    else stretches.push([trace]);
    chars = isNext ? chars + trace.chars : trace.chars;
  }
  return stretches;
}

function toGroups(reason: ConsolidationReason, groups: readonly (readonly Trace[])[]): Group[] {
  return groups.map((group) => ({ reason, ids: group.toSorted(compareAge).map(({ id }) => id) }));
}

function saved(groups: readonly (readonly Trace[])[]): number {
  return groups.reduce((sum, { length }) => sum + length - 1, 0);
}

function groupBy(traces: readonly Trace[], key: (trace: Trace) => string): Trace[][] {
  return [...Map.groupBy(traces, key).values()];
}

function compareAge(a: Trace, b: Trace): number {
  return a.at - b.at || (a.id < b.id ? -1 : 1);
}

function since({ validFrom, createdAt }: Pick<MemoryRecord, 'validFrom' | 'createdAt'>): number {
  return validFrom ?? createdAt;
}

function digest(value: unknown): string {
  return createHash('sha256').update(JSON.stringify(value), 'utf8').digest('base64url').slice(0, 22);
}
