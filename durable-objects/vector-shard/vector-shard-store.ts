/**
 * The rows of a vector shard: vectors, their texts and what they can be filtered by, written, replaced and deleted in one
 * transaction, and a deleted row leaves a mark for the pages that still hold its codes. User text reaches FTS5 only as an
 * expression that `formatMatchExpression` made, and always as a bound parameter.
 */
import type { VectorMetadata, VectorMetric } from '../../shared/store/vector-index.ts';
import { FieldStore } from './field-store.ts';
import { decodeValues, encodeHalf, type StoredValues } from './half-vector.ts';
import type { CodedRow } from './vector-kernel.ts';
import { compileFilter, type Condition } from './vector-shard.ts';

export type StoredVector = {
  readonly rid: number;
  readonly id: string;
  readonly namespace: string;
  readonly metadata: VectorMetadata | undefined;
  readonly values: Float32Array<ArrayBuffer>;
};
export type NewVector = Omit<StoredVector, 'rid'> & { readonly text: string | undefined };
export type Written = { readonly rows: readonly CodedRow[]; readonly removed: readonly number[] };
/** `stamp` is random; what shard 0 has routed it has counted as well. */
export type WriteNote = { readonly stamp: number; readonly isCounted: boolean };
export type Candidate = StoredValues & { readonly rid: number; readonly id: string };
export type Payload = {
  readonly id: string;
  readonly metadata: VectorMetadata | undefined;
  readonly text: string | undefined;
};
export type PassageHit = { readonly rid: number; readonly score: number };

type Row = StoredValues & { rid: number; id: string; namespace: string; metadata: string | null };
type SettingKey = 'dimensions' | 'generation' | 'metric' | 'stamp' | 'shards' | 'sealed';

const metrics: readonly VectorMetric[] = ['cosine', 'euclidean', 'dot'];
const PageRows = 500;

export class VectorShardStore {
  readonly fields: FieldStore;
  readonly #storage: DurableObjectStorage;
  readonly #sql: SqlStorage;
  readonly #settings = new Map<SettingKey, number>();
  #count: number | undefined;

  constructor(storage: DurableObjectStorage) {
    this.#storage = storage;
    this.#sql = storage.sql;
    this.fields = new FieldStore(storage.sql);
  }

  /** 0 before the first write. */
  get dimensions(): number {
    return this.#readSetting('dimensions');
  }

  get metric(): VectorMetric {
    return metrics[this.#readSetting('metric')]!;
  }

  /** Counts the mutations that went through this shard. */
  get generation(): number {
    return this.#readSetting('generation');
  }

  /** Another after every write, at random: a write that was undone by a crash leaves no number that comes again. */
  get stamp(): number {
    return this.#readSetting('stamp');
  }

  /** How many shards the index has; kept by shard 0. */
  get shards(): number {
    return Math.max(1, this.#readSetting('shards'));
  }

  /** All rows up to this rid are in pages, or dead. */
  get sealedUpTo(): number {
    return this.#readSetting('sealed');
  }

  count(): number {
    this.#count ??= this.#sql.exec<{ n: number }>('SELECT count(*) AS n FROM vectors').one().n;
    return this.#count;
  }

  /** Replaces or skips ids that exist. */
  write(vectors: readonly NewVector[], onExisting: 'replace' | 'skip', metric: VectorMetric, note: WriteNote): Written {
    return this.#transact(() => {
      const rows: CodedRow[] = [];
      const removed: number[] = [];
      const symbols = new Map<string, number>();
      for (const vector of vectors) {
        const existing = this.#findRow(vector.id);
        if (existing !== undefined) {
          if (onExisting === 'skip') continue;
          this.#deleteRow(existing);
          removed.push(existing.rid);
        }
        rows.push(this.#insertRow(vector, symbols));
      }
      const first = vectors[0];
      if (first && this.dimensions === 0) {
        this.writeSetting('dimensions', first.values.length);
        this.writeSetting('metric', metrics.indexOf(metric));
      }
      this.#noteWrite(note);
      return { rows, removed };
    });
  }

  delete(ids: readonly string[], note: WriteNote): readonly number[] {
    return this.#transact(() => {
      const found = ids.map((id) => this.#findRow(id)).filter((row) => row !== undefined);
      // An id that is named twice is found twice.
      const rows = [...new Map(found.map((row) => [row.rid, row])).values()];
      for (const row of rows) this.#deleteRow(row);
      this.#noteWrite(note);
      return rows.map(({ rid }) => rid);
    });
  }

  noteMutation(): void {
    this.writeSetting('generation', this.generation + 1);
  }

  /** Those of these ids that are stored here. */
  findKnown(ids: readonly string[]): ReadonlySet<string> {
    const rows = this.#sql.exec<{ id: string }>(
      'SELECT id FROM vectors WHERE id IN (SELECT value FROM json_each(?))',
      JSON.stringify(ids),
    );
    return new Set(rows.toArray().map(({ id }) => id));
  }

  find(ids: readonly string[]): readonly StoredVector[] {
    return this.#sql
      .exec<Row>(`SELECT * FROM vectors WHERE id IN (SELECT value FROM json_each(?)) ORDER BY rid`, JSON.stringify(ids))
      .toArray()
      .map(toStoredVector);
  }

  findCandidates(rids: readonly number[], namespace: string): readonly Candidate[] {
    return this.#sql
      .exec<Candidate>(
        'SELECT rid, id, exponent, v FROM vectors WHERE rid IN (SELECT value FROM json_each(?)) AND namespace = ?',
        JSON.stringify(rids),
        namespace,
      )
      .toArray();
  }

  /** The rows whose member meets the condition, in order; not for kind and time. */
  findFieldRids(name: string, condition: Condition): Uint32Array {
    const rids = this.fields.findRids(name, condition);
    if (!this.hasUnconverted()) return rids;
    const accepts = compileFilter({ [name]: condition })!;
    const old = this.#sql.exec<{ rid: number; metadata: string | null }>(
      'SELECT rid, metadata FROM vectors WHERE exponent IS NULL',
    );
    const more = old.toArray().filter(({ metadata }) => accepts(parseMetadata(metadata)));
    return Uint32Array.from(new Set([...rids, ...more.map(({ rid }) => rid)])).sort();
  }

  /** What goes with a hit, values aside. */
  findPayloads(ids: readonly string[], withText: boolean): readonly Payload[] {
    const [text, join] = withText
      ? ['passages.text', 'LEFT JOIN passages ON passages.rowid = vectors.rid']
      : ['NULL', ''];
    return this.#sql
      .exec<{ id: string; metadata: string | null; text: string | null }>(
        `SELECT vectors.id, vectors.metadata, ${text} AS text FROM vectors ${join}
         WHERE vectors.id IN (SELECT value FROM json_each(?))`,
        JSON.stringify(ids),
      )
      .toArray()
      .map((row) => ({ id: row.id, metadata: parseMetadata(row.metadata), text: row.text ?? undefined }));
  }

  /** Which of these rows are in the namespace, with what they can be filtered by. */
  findInNamespace(
    rids: readonly number[],
    namespace: string,
  ): ReadonlyMap<number, { readonly id: string; readonly metadata: VectorMetadata | undefined }> {
    const rows = this.#sql.exec<{ rid: number; id: string; metadata: string | null }>(
      'SELECT rid, id, metadata FROM vectors WHERE rid IN (SELECT value FROM json_each(?)) AND namespace = ?',
      JSON.stringify(rids),
      namespace,
    );
    return new Map(rows.toArray().map(({ rid, id, metadata }) => [rid, { id, metadata: parseMetadata(metadata) }]));
  }

  /** The rows that follow this rid, in the order of rid; at most so many. */
  *readCoded(after: number, limit = Infinity): Generator<CodedRow> {
    const symbols = new Map<string, number>();
    let last = after;
    for (let left = limit; left > 0;) {
      const wanted = Math.min(left, PageRows);
      const page = this.#sql
        .exec<Row>('SELECT * FROM vectors WHERE rid > ? ORDER BY rid LIMIT ?', last, wanted)
        .toArray();
      for (const row of page) yield this.#toCoded(toStoredVector(row), symbols);
      if (page.length < wanted) return;
      last = page[page.length - 1]!.rid;
      left -= page.length;
    }
  }

  /** 0 where there is none. */
  lastRid(): number {
    return this.#sql.exec<{ rid: number | null }>('SELECT max(rid) AS rid FROM vectors').one().rid ?? 0;
  }

  /** Rows of the first schema, still float32. */
  findUnconverted(limit: number): readonly StoredVector[] {
    return this.#sql
      .exec<Row>('SELECT * FROM vectors WHERE exponent IS NULL ORDER BY rid LIMIT ?', limit)
      .toArray()
      .map(toStoredVector);
  }

  hasUnconverted(): boolean {
    return this.#sql.exec('SELECT 1 FROM vectors WHERE exponent IS NULL LIMIT 1').toArray().length > 0;
  }

  /** Same rid, same codes: what is in RAM stays true. */
  convert(vectors: readonly StoredVector[]): void {
    this.#storage.transactionSync(() => {
      for (const { rid, values, metadata } of vectors) {
        const { v, exponent } = encodeHalf(values);
        this.#sql.exec('UPDATE vectors SET v = ?, exponent = ? WHERE rid = ?', v, exponent, rid);
        this.fields.insert(rid, metadata);
      }
    });
  }

  /** How many passages hold the term, in the tokenizer's sense of it; stops counting at the cap. */
  countPassages(expression: string, cap: number): number {
    return this.#sql
      .exec<{ n: number }>(
        'SELECT count(*) AS n FROM (SELECT 1 FROM passages WHERE passages MATCH ? LIMIT ?)',
        expression,
        cap,
      )
      .one().n;
  }

  /** The passages that match, best BM25 first. */
  *rankPassages(expression: string): Generator<PassageHit> {
    const rows = this.#sql.exec<{ rid: number; rank: number }>(
      'SELECT rowid AS rid, rank FROM passages WHERE passages MATCH ? ORDER BY rank',
      expression,
    );
    for (const { rid, rank } of rows) yield { rid, score: -rank };
  }

  /** The same, the newest first. */
  *listPassages(expression: string): Generator<number> {
    const rows = this.#sql.exec<{ rid: number }>(
      'SELECT rowid AS rid FROM passages WHERE passages MATCH ? ORDER BY rowid DESC',
      expression,
    );
    for (const { rid } of rows) yield rid;
  }

  writeSetting(key: SettingKey, value: number): void {
    this.#settings.set(key, value);
    this.#sql.exec('INSERT OR REPLACE INTO settings (key, value) VALUES (?, ?)', key, value);
  }

  /** What was remembered of the tables may not hold after a transaction that was undone. */
  #transact<T>(work: () => T): T {
    try {
      return this.#storage.transactionSync(work);
    } catch (error) {
      this.#settings.clear();
      this.#count = undefined;
      throw error;
    }
  }

  #noteWrite({ stamp, isCounted }: WriteNote): void {
    if (isCounted) this.noteMutation();
    this.writeSetting('stamp', stamp);
  }

  #findRow(id: string): { readonly rid: number; readonly metadata: string | null } | undefined {
    return this.#sql
      .exec<{ rid: number; metadata: string | null }>('SELECT rid, metadata FROM vectors WHERE id = ?', id)
      .toArray()[0];
  }

  #insertRow(vector: NewVector, symbols: Map<string, number>): CodedRow {
    const { v, exponent } = encodeHalf(vector.values);
    const { rid } = this.#sql
      .exec<{ rid: number }>(
        'INSERT INTO vectors (id, namespace, metadata, v, exponent) VALUES (?, ?, ?, ?, ?) RETURNING rid',
        vector.id,
        vector.namespace,
        vector.metadata === undefined ? null : JSON.stringify(vector.metadata),
        v,
        exponent,
      )
      .one();
    if (vector.text !== undefined) {
      this.#sql.exec('INSERT INTO passages (rowid, text) VALUES (?, ?)', rid, vector.text);
    }
    this.fields.insert(rid, vector.metadata);
    if (this.#count !== undefined) this.#count += 1;
    return this.#toCoded({ ...vector, rid }, symbols);
  }

  #deleteRow({ rid, metadata }: { readonly rid: number; readonly metadata: string | null }): void {
    this.#sql.exec('DELETE FROM passages WHERE rowid = ?', rid);
    this.#sql.exec('DELETE FROM vectors WHERE rid = ?', rid);
    this.fields.delete(rid, parseMetadata(metadata));
    if (rid <= this.sealedUpTo) this.#sql.exec('INSERT INTO dead (rid) VALUES (?)', rid);
    if (this.#count !== undefined) this.#count -= 1;
  }

  #toCoded({ rid, namespace, metadata, values }: StoredVector, symbols: Map<string, number>): CodedRow {
    return { rid, values, ...this.fields.encode(namespace, metadata, symbols) };
  }

  #readSetting(key: SettingKey): number {
    let value = this.#settings.get(key);
    if (value === undefined) {
      value =
        this.#sql.exec<{ value: number }>('SELECT value FROM settings WHERE key = ?', key).toArray()[0]?.value ?? 0;
      this.#settings.set(key, value);
    }
    return value;
  }
}

function toStoredVector(row: Row): StoredVector {
  return {
    rid: row.rid,
    id: row.id,
    namespace: row.namespace,
    metadata: parseMetadata(row.metadata),
    values: decodeValues(row),
  };
}

function parseMetadata(text: string | null): VectorMetadata | undefined {
  return text === null ? undefined : (JSON.parse(text) as VectorMetadata);
}
