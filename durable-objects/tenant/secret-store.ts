/** All SQL about secrets and the keys that they lie under. It only ever holds what is sealed. */
import { toIso } from '../../shared/core/clock.ts';
import { toList, type List } from '../../shared/contracts/common.ts';
import type { Secret } from '../../shared/contracts/secrets.ts';
import type { Sealed } from '../../shared/store/envelope.ts';

type SecretRow = {
  name: string;
  version: number;
  created_at: number;
  updated_at: number;
  last_accessed_at: number | null;
};
type SealedRow = { name: string; version: number; generation: number; sealed: ArrayBuffer };

export type SealedVersion = {
  readonly name: string;
  readonly version: number;
  readonly generation: number;
  readonly sealed: Uint8Array;
};
export type WrappedKey = { readonly generation: number; readonly wrapped: Uint8Array; readonly wrappedBy: string };

export class SecretStore {
  readonly #sql: SqlStorage;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
  }

  count(): number {
    return this.#sql.exec<{ count: number }>('SELECT COUNT(*) AS count FROM secrets').one().count;
  }

  find(name: string): Secret | undefined {
    const row = this.#sql.exec<SecretRow>('SELECT * FROM secrets WHERE name = ?', name).toArray()[0];
    return row && this.#toSecret(row);
  }

  list(limit: number, cursor: string | undefined): List<Secret> {
    const rows = this.#sql
      .exec<SecretRow>('SELECT * FROM secrets WHERE name > ? ORDER BY name LIMIT ?', cursor ?? '', limit + 1)
      .toArray();
    return toList(
      rows.map((row) => this.#toSecret(row)),
      limit,
      (secret) => secret.name,
    );
  }

  /** Makes this version the one in use, and destroys all but the newest `keep`. */
  addVersion({ name, version, generation, sealed }: SealedVersion, keep: number, now: number): void {
    this.#sql.exec(
      `INSERT INTO secrets (name, version, created_at, updated_at) VALUES (?1, ?2, ?3, ?3)
       ON CONFLICT (name) DO UPDATE SET version = excluded.version, updated_at = excluded.updated_at`,
      name,
      version,
      now,
    );
    this.#sql.exec('INSERT INTO secret_versions VALUES (?, ?, ?, ?, ?)', name, version, generation, sealed, now);
    this.#sql.exec('DELETE FROM secret_versions WHERE name = ? AND version <= ?', name, version - keep);
  }

  /** Of the platform's own: sealed like the others, and not among the tenant's secrets. */
  keepSealed({ name, version, generation, sealed }: SealedVersion, keep: number, now: number): void {
    this.#sql.exec(
      'INSERT OR REPLACE INTO secret_versions VALUES (?, ?, ?, ?, ?)',
      name,
      version,
      generation,
      sealed,
      now,
    );
    this.#sql.exec('DELETE FROM secret_versions WHERE name = ? AND version <= ?', name, version - keep);
  }

  delete(name: string): void {
    this.#sql.exec('DELETE FROM secret_versions WHERE name = ?', name);
    this.#sql.exec('DELETE FROM secrets WHERE name = ?', name);
  }

  markAccessed(name: string, now: number): void {
    this.#sql.exec('UPDATE secrets SET last_accessed_at = ? WHERE name = ?', now, name);
  }

  findSealed(name: string, version: number): SealedVersion | undefined {
    return this.#sql
      .exec<SealedRow>('SELECT * FROM secret_versions WHERE name = ? AND version = ?', name, version)
      .toArray()
      .map(toSealed)[0];
  }

  allSealed(): SealedVersion[] {
    return this.#sql.exec<SealedRow>('SELECT * FROM secret_versions ORDER BY name, version').toArray().map(toSealed);
  }

  reseal({ name, version, generation, sealed }: SealedVersion): void {
    this.#sql.exec(
      'UPDATE secret_versions SET generation = ?, sealed = ? WHERE name = ? AND version = ?',
      generation,
      sealed,
      name,
      version,
    );
  }

  /** The data key in use, the newest one. */
  findKey(): WrappedKey | undefined {
    return this.#sql
      .exec<{ generation: number; wrapped: ArrayBuffer; wrapped_by: string }>(
        'SELECT generation, wrapped, wrapped_by FROM data_keys ORDER BY generation DESC LIMIT 1',
      )
      .toArray()
      .map((row) => ({
        generation: row.generation,
        wrapped: new Uint8Array(row.wrapped),
        wrappedBy: row.wrapped_by,
      }))[0];
  }

  /** There is one data key at a time: every version lies under it. */
  replaceKey(generation: number, wrapped: Sealed, wrappedBy: string, now: number): void {
    this.#sql.exec('DELETE FROM data_keys');
    this.#sql.exec('INSERT INTO data_keys VALUES (?, ?, ?, ?)', generation, wrapped, wrappedBy, now);
  }

  #toSecret(row: SecretRow): Secret {
    const versions = this.#sql
      .exec<{ version: number }>('SELECT version FROM secret_versions WHERE name = ? ORDER BY version DESC', row.name)
      .toArray();
    return {
      object: 'secret',
      name: row.name,
      version: row.version,
      versions: versions.map(({ version }) => version),
      created_at: toIso(row.created_at),
      updated_at: toIso(row.updated_at),
      last_accessed_at: row.last_accessed_at === null ? null : toIso(row.last_accessed_at),
    };
  }
}

function toSealed({ sealed, ...row }: SealedRow): SealedVersion {
  return { ...row, sealed: new Uint8Array(sealed) };
}
