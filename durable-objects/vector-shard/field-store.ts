/**
 * What a shard's vectors are filtered by. Namespace, kind and time are columns beside the codes, the first two as numbers
 * that `symbols` gives out; every other metadata member has rows in `fields`. The key there starts with the value's type,
 * so that 1, "1" and true stay three things.
 */
import type { VectorMetadata } from '../../shared/store/vector-index.ts';
import { toComparison, type Condition } from './vector-shard.ts';

type Scalar = string | number | boolean;
export type ColumnCodes = { readonly namespace: number; readonly kind: number; readonly time: number };

export class FieldStore {
  readonly #sql: SqlStorage;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
  }

  /** `known` remembers symbols over many rows. */
  encode(namespace: string, metadata: VectorMetadata | undefined, known: Map<string, number>): ColumnCodes {
    const kind = metadata && Object.hasOwn(metadata, 'kind') ? metadata['kind'] : undefined;
    const time = metadata && Object.hasOwn(metadata, 'time') ? metadata['time'] : undefined;
    return {
      namespace: this.#intern(`namespace:${namespace}`, known),
      kind: kind === undefined ? 0 : this.#intern(`kind:${JSON.stringify(kind)}`, known),
      time: typeof time === 'number' ? time : Number.NaN,
    };
  }

  /** 0 where no vector ever had the namespace. */
  findNamespace(namespace: string): number {
    return this.#findSymbol(`namespace:${namespace}`) ?? 0;
  }

  /** All kinds there ever were, by their numbers. */
  readKinds(): readonly { readonly code: number; readonly value: VectorMetadata[string] }[] {
    return this.#sql
      .exec<{ code: number; text: string }>(`SELECT code, text FROM symbols WHERE text >= 'kind:' AND text < 'kind;'`)
      .toArray()
      .map(({ code, text }) => ({ code, value: JSON.parse(text.slice('kind:'.length)) as VectorMetadata[string] }));
  }

  insert(rid: number, metadata: VectorMetadata | undefined): void {
    for (const [key, value] of listFields(metadata)) {
      this.#sql.exec('INSERT OR IGNORE INTO fields (key, value, rid) VALUES (?, ?, ?)', key, value, rid);
    }
  }

  delete(rid: number, metadata: VectorMetadata | undefined): void {
    for (const [key, value] of listFields(metadata)) {
      this.#sql.exec('DELETE FROM fields WHERE key = ? AND value = ? AND rid = ?', key, value, rid);
    }
  }

  /** The rows whose member meets the condition, in order. Not for kind and time, and not for unconverted rows. */
  findRids(name: string, condition: Condition): Uint32Array {
    const { $eq, $ne, $in, $nin, ...bounds } = toComparison(condition);
    if ($eq !== undefined) return sorted(this.#findEqual(name, [$eq]));
    if ($in !== undefined) return sorted(this.#findEqual(name, $in));
    if ($ne !== undefined) return sorted(this.#findOthers(name, [$ne]));
    if ($nin !== undefined) return sorted(this.#findOthers(name, $nin));
    return sorted(this.#findWithin(name, bounds));
  }

  #findEqual(name: string, values: readonly Scalar[]): Set<number> {
    const rids = new Set<number>();
    for (const value of values) {
      const rows = this.#sql.exec<{ rid: number }>(
        'SELECT rid FROM fields WHERE key = ? AND value = ?',
        ...toField(name, value),
      );
      for (const { rid } of rows) rids.add(rid);
    }
    return rids;
  }

  #findOthers(name: string, values: readonly Scalar[]): Set<number> {
    const rids = new Set<number>();
    for (const sample of ['', 0, false]) {
      const rows = this.#sql.exec<{ rid: number }>('SELECT rid FROM fields WHERE key = ?', toField(name, sample)[0]);
      for (const { rid } of rows) rids.add(rid);
    }
    for (const rid of this.#findEqual(name, values)) rids.delete(rid);
    return rids;
  }

  #findWithin(
    name: string,
    { $lt, $lte, $gt, $gte }: { $lt?: number; $lte?: number; $gt?: number; $gte?: number },
  ): Set<number> {
    const tests = [
      ['<', $lt],
      ['<=', $lte],
      ['>', $gt],
      ['>=', $gte],
    ] as const;
    const given = tests.filter(([, bound]) => bound !== undefined);
    const rows = this.#sql.exec<{ rid: number }>(
      `SELECT rid FROM fields WHERE key = ?${given.map(([sign]) => ` AND value ${sign} ?`).join('')}`,
      toField(name, 0)[0],
      ...given.map(([, bound]) => bound!),
    );
    return new Set(rows.toArray().map(({ rid }) => rid));
  }

  #intern(text: string, known: Map<string, number>): number {
    let code = known.get(text) ?? this.#findSymbol(text);
    code ??= this.#sql.exec<{ code: number }>('INSERT INTO symbols (text) VALUES (?) RETURNING code', text).one().code;
    known.set(text, code);
    return code;
  }

  #findSymbol(text: string): number | undefined {
    return this.#sql.exec<{ code: number }>('SELECT code FROM symbols WHERE text = ?', text).toArray()[0]?.code;
  }
}

function listFields(metadata: VectorMetadata | undefined): readonly (readonly [string, string | number])[] {
  return Object.entries(metadata ?? {})
    .filter(([name]) => name !== 'kind' && name !== 'time')
    .flatMap(([name, value]) =>
      (Array.isArray(value) ? (value as readonly string[]) : [value as Scalar]).map((part) => toField(name, part)),
    );
}

function toField(name: string, value: Scalar): readonly [string, string | number] {
  if (typeof value === 'boolean') return [`b:${name}`, value ? 1 : 0];
  return [`${typeof value === 'string' ? 's' : 'n'}:${name}`, value];
}

function sorted(rids: ReadonlySet<number>): Uint32Array {
  return Uint32Array.from(rids).sort();
}
