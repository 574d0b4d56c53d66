/**
 * In which shard an id lives, kept by shard 0 from the second shard on. An id keeps its shard for as long as the index
 * exists, deleted or not: so no write and delete that cross can end in two shards, and no delete looks in the wrong one.
 */
export class PlacementStore {
  readonly #sql: SqlStorage;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
  }

  /** The shard of each of these ids, where it is known. */
  find(ids: readonly string[]): ReadonlyMap<string, number> {
    const rows = this.#sql.exec<{ id: string; shard: number }>(
      'SELECT id, shard FROM placements WHERE id IN (SELECT value FROM json_each(?))',
      JSON.stringify(ids),
    );
    return new Map(rows.toArray().map(({ id, shard }) => [id, shard]));
  }

  insert(ids: readonly string[], shard: number): void {
    this.#sql.exec(
      'INSERT OR IGNORE INTO placements (id, shard) SELECT value, ? FROM json_each(?)',
      shard,
      JSON.stringify(ids),
    );
  }
}
