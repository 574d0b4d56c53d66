/**
 * All SQL of a vector shard. A vector and its text are written, replaced and deleted in one transaction.
 * Values go in and come out as float32, exactly as given. User text reaches FTS5 only as an expression that
 * `formatMatchExpression` made, and always as a bound parameter.
 */
import type { VectorMetadata } from '../../shared/store/vector-index.ts';

export type StoredVector = {
  readonly rid: number;
  readonly id: string;
  readonly namespace: string;
  readonly metadata: VectorMetadata | undefined;
  readonly values: Float32Array<ArrayBuffer>;
};
export type NewVector = Omit<StoredVector, 'rid'> & { readonly text: string | undefined };
export type PassageHit = { readonly id: string; readonly metadata: VectorMetadata | undefined };

type Row = { rid: number; id: string; namespace: string; metadata: string | null; v: ArrayBuffer };
type SettingKey = 'dimensions' | 'generation';

/** Rows of one read while loading or scanning: about 1.5 MB at 768 dimensions. */
const PageRows = 500;

export class VectorShardStore {
  readonly #storage: DurableObjectStorage;
  readonly #sql: SqlStorage;
  /** Counted once after every write. */
  #count: number | undefined;

  constructor(storage: DurableObjectStorage) {
    this.#storage = storage;
    this.#sql = storage.sql;
  }

  /** 0 before the first write. */
  readDimensions(): number {
    return this.#readSetting('dimensions');
  }

  /** Counts the write transactions of this shard. */
  readGeneration(): number {
    return this.#readSetting('generation');
  }

  count(): number {
    this.#count ??= this.#sql.exec<{ n: number }>('SELECT count(*) AS n FROM vectors').one().n;
    return this.#count;
  }

  /** Replaces or skips ids that exist. Returns what was written, with the rid of each. */
  write(vectors: readonly NewVector[], onExisting: 'replace' | 'skip'): readonly StoredVector[] {
    this.#count = undefined;
    return this.#storage.transactionSync(() => {
      const written: StoredVector[] = [];
      for (const vector of vectors) {
        const existing = this.#findRid(vector.id);
        if (existing !== undefined) {
          if (onExisting === 'skip') continue;
          this.#deleteRow(existing);
        }
        written.push({ ...vector, rid: this.#insertRow(vector) });
      }
      const first = vectors[0];
      if (first && this.readDimensions() === 0) this.#writeSetting('dimensions', first.values.length);
      this.#writeSetting('generation', this.readGeneration() + 1);
      return written;
    });
  }

  delete(ids: readonly string[]): void {
    this.#count = undefined;
    this.#storage.transactionSync(() => {
      for (const id of ids) {
        const rid = this.#findRid(id);
        if (rid !== undefined) this.#deleteRow(rid);
      }
      this.#writeSetting('generation', this.readGeneration() + 1);
    });
  }

  find(ids: readonly string[]): readonly StoredVector[] {
    return this.#sql
      .exec<Row>('SELECT * FROM vectors WHERE id IN (SELECT value FROM json_each(?)) ORDER BY rid', JSON.stringify(ids))
      .toArray()
      .map(toStoredVector);
  }

  /** All vectors from this rid on, in the order of rid, read in pages. */
  *readFrom(rid: number): Generator<StoredVector> {
    let next = rid;
    for (;;) {
      const page = this.#sql
        .exec<Row>('SELECT * FROM vectors WHERE rid >= ? ORDER BY rid LIMIT ?', next, PageRows)
        .toArray();
      for (const row of page) yield toStoredVector(row);
      if (page.length < PageRows) return;
      next = page[page.length - 1]!.rid + 1;
    }
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

  /** The passages of a namespace that match, best BM25 first. */
  *searchPassages(expression: string, namespace: string): Generator<PassageHit> {
    const rows = this.#sql.exec<{ id: string; metadata: string | null }>(
      `SELECT vectors.id, vectors.metadata FROM passages JOIN vectors ON vectors.rid = passages.rowid
       WHERE passages MATCH ? AND vectors.namespace = ? ORDER BY bm25(passages), vectors.id`,
      expression,
      namespace,
    );
    for (const row of rows) yield { id: row.id, metadata: parseMetadata(row.metadata) };
  }

  #findRid(id: string): number | undefined {
    return this.#sql.exec<{ rid: number }>('SELECT rid FROM vectors WHERE id = ?', id).toArray()[0]?.rid;
  }

  #insertRow(vector: NewVector): number {
    const { rid } = this.#sql
      .exec<{ rid: number }>(
        'INSERT INTO vectors (id, namespace, metadata, v) VALUES (?, ?, ?, ?) RETURNING rid',
        vector.id,
        vector.namespace,
        vector.metadata === undefined ? null : JSON.stringify(vector.metadata),
        vector.values.buffer,
      )
      .one();
    if (vector.text !== undefined) {
      this.#sql.exec('INSERT INTO passages (rowid, text) VALUES (?, ?)', rid, vector.text);
    }
    return rid;
  }

  #deleteRow(rid: number): void {
    this.#sql.exec('DELETE FROM passages WHERE rowid = ?', rid);
    this.#sql.exec('DELETE FROM vectors WHERE rid = ?', rid);
  }

  #readSetting(key: SettingKey): number {
    return this.#sql.exec<{ value: number }>('SELECT value FROM settings WHERE key = ?', key).toArray()[0]?.value ?? 0;
  }

  #writeSetting(key: SettingKey, value: number): void {
    this.#sql.exec('INSERT OR REPLACE INTO settings (key, value) VALUES (?, ?)', key, value);
  }
}

function toStoredVector(row: Row): StoredVector {
  return {
    rid: row.rid,
    id: row.id,
    namespace: row.namespace,
    metadata: parseMetadata(row.metadata),
    values: new Float32Array(row.v),
  };
}

function parseMetadata(text: string | null): VectorMetadata | undefined {
  return text === null ? undefined : (JSON.parse(text) as VectorMetadata);
}
