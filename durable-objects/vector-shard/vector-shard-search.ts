/**
 * The two lanes of a shard's search. The vector lane scans 4-bit codes for candidates and scores those from the stored
 * rows; the text lane asks FTS5 for the telling words. Both see every write, and a row is taken only while it is stored.
 */
import type { RankedId, VectorFilter } from '../../shared/store/vector-index.ts';
import { formatMatchAll, formatMatchExpression, parseTerms } from '../../shared/core/search-terms.ts';
import { decodeValues } from './half-vector.ts';
import { ScanFilter } from './scan-filter.ts';
import type { ShardCodes } from './shard-codes.ts';
import { MaxCandidates } from './vector-kernel.ts';
import {
  BestK,
  chooseTerms,
  compileFilter,
  computeFrequencyCap,
  computeNoise,
  computeNorm,
  computeRank,
  isZero,
  type ChosenTerms,
  type TermFrequency,
} from './vector-shard.ts';
import type { Candidate, PassageHit, VectorShardStore } from './vector-shard-store.ts';

export type SearchScope = { readonly namespace?: string; readonly filter?: VectorFilter };

/** 4-bit codes mistake near neighbours for one another; among so many candidates the nearest are. */
const MinCandidates = 64;
const CandidatesPerHit = 4;
/** Passages that are looked up in one go. */
const PassageBatch = 128;
const MaxKnownTerms = 1_000;
/** A corpus that has grown or shrunk by more is counted anew. */
const RecountShare = 0.05;
/** Keeps the order of hits that hold equally many words, over all shards. */
const PlaceScore = 1e-6;

export class VectorShardSearch {
  readonly #store: VectorShardStore;
  readonly #codes: ShardCodes;
  /** Terms that go beyond what is ranked, as they were counted when the corpus had that size. */
  readonly #common = new Map<string, TermFrequency & { readonly corpus: number }>();

  constructor(store: VectorShardStore, codes: ShardCodes) {
    this.#store = store;
    this.#codes = codes;
  }

  /** The `k` vectors of the scope nearest to this one, best first; the score of a distance is its negative. */
  findNearest(
    vector: Float32Array | readonly number[],
    scope: SearchScope,
    k: number,
    candidates = Math.min(MaxCandidates, Math.max(MinCandidates, CandidatesPerHit * k)),
  ): readonly RankedId[] {
    const { metric } = this.#store;
    const given = vector instanceof Float32Array ? vector : Float32Array.from(vector);
    const norm = computeNorm(given);
    const namespace = this.#store.fields.findNamespace(scope.namespace ?? '');
    if (namespace === 0 || (metric !== 'euclidean' && isZero(given))) return [];
    const query = metric === 'euclidean' ? given : given.map((value) => value / norm);
    const filter = scope.filter && new ScanFilter(scope.filter, this.#store);
    const { kernel } = this.#codes;
    const prepared = kernel.prepare(query);
    kernel.begin(candidates);
    for (const chunk of this.#codes.chunks()) {
      kernel.scan(chunk, prepared, namespace, filter?.fill(kernel, chunk));
    }
    const best = new BestK(k);
    const factor = metric === 'dot' ? norm : 1;
    for (const candidate of this.#store.findCandidates(kernel.candidates(), scope.namespace ?? '')) {
      best.offer(candidate.id, factor * this.#rank(query, candidate));
    }
    return best.toArray();
  }

  /** The rows of the scope whose text holds a telling word of this one, best BM25 first. */
  findMatching(text: string, scope: SearchScope, k: number): readonly RankedId[] {
    if (this.#store.fields.findNamespace(scope.namespace ?? '') === 0) return [];
    const corpus = this.#store.count();
    const chosen = chooseTerms(
      parseTerms(text).map((term) => this.#countTerm(term, corpus)),
      corpus,
    );
    const hits = new Map<string, RankedId>();
    for (const batch of this.#findBatches(this.#findPassages(chosen), scope)) {
      for (const hit of this.#keepInScope(batch, scope)) if (!hits.has(hit.id)) hits.set(hit.id, hit);
      if (hits.size >= k) break;
    }
    return [...hits.values()].slice(0, k);
  }

  /** A term that is found often stays so for a while: what it costs to count grows with it. */
  #countTerm(term: string, corpus: number): TermFrequency {
    const known = this.#common.get(term);
    if (known && Math.abs(known.corpus - corpus) <= RecountShare * corpus) return known;
    const noise = computeNoise(corpus);
    const counted = this.#store.countPassages(formatMatchExpression([term]), noise);
    const frequency = { term, documents: counted < noise ? counted : Infinity, corpus };
    if (counted <= computeFrequencyCap(corpus)) return frequency;
    if (this.#common.size >= MaxKnownTerms) this.#common.clear();
    this.#common.set(term, frequency);
    return frequency;
  }

  /**
   * Best BM25 first. Ranking what common terms find would cost most and tell least: what holds all of them comes first,
   * then what holds the rarest, the newest first.
   */
  *#findPassages({ terms, areCommon }: ChosenTerms): Generator<PassageHit> {
    if (terms.length === 0) return;
    if (!areCommon) return yield* this.#store.rankPassages(formatMatchExpression(terms));
    let place = 0;
    for (const wanted of terms.length > 1 ? [terms, terms.slice(0, 1)] : [terms]) {
      for (const rid of this.#store.listPassages(formatMatchAll(wanted))) {
        yield { rid, score: wanted.length - PlaceScore * place++ };
      }
    }
  }

  #rank(query: Float32Array, { v, exponent }: Candidate): number {
    const { metric } = this.#store;
    if (exponent === null || metric === 'euclidean') return computeRank(metric, query, decodeValues({ v, exponent }));
    const { dot, squares } = this.#codes.kernel.measure(new Uint8Array(v));
    if (metric === 'dot') return dot * 2 ** exponent;
    return squares === 0 ? 0 : dot / Math.sqrt(squares);
  }

  /** Where the codes are at hand, their namespace column spares most look-ups. */
  *#findBatches(passages: Iterable<PassageHit>, scope: SearchScope): Generator<readonly PassageHit[]> {
    const resident = this.#codes.findResident();
    const namespace = this.#store.fields.findNamespace(scope.namespace ?? '');
    let batch: PassageHit[] = [];
    for (const hit of passages) {
      if (resident && resident.namespaceOf(hit.rid) !== namespace) continue;
      batch.push(hit);
      if (batch.length < PassageBatch) continue;
      yield batch;
      batch = [];
    }
    if (batch.length > 0) yield batch;
  }

  #keepInScope(batch: readonly PassageHit[], scope: SearchScope): readonly RankedId[] {
    const accepts = compileFilter(scope.filter);
    const rows = this.#store.findInNamespace(
      batch.map(({ rid }) => rid),
      scope.namespace ?? '',
    );
    return batch.flatMap(({ rid, score }) => {
      const row = rows.get(rid);
      return row && (!accepts || accepts(row.metadata)) ? [{ id: row.id, score }] : [];
    });
  }
}
