/** All SQL about a tenant's custom hostnames. A claim is the tenant's own affair until it is proven. */
import { toIso } from '../../shared/core/clock.ts';
import { toList, type List } from '../../shared/contracts/common.ts';
import { ChallengeLabel, ChallengePath, type Domain, type DomainStatus } from '../../shared/contracts/domains.ts';
import type { DomainState } from './domain-rules.ts';

export type DomainRow = {
  id: string;
  hostname: string;
  status: DomainStatus;
  token: string;
  provider_ref: string | null;
  attempts: number;
  since: number;
  next_check_at: number | null;
  checked_at: number | null;
  verified_at: number | null;
  method: 'dns' | 'http' | null;
  reason: string | null;
  created_at: number;
};

export class DomainStore {
  readonly #sql: SqlStorage;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
  }

  count(): number {
    return this.#sql.exec<{ n: number }>('SELECT COUNT(*) AS n FROM domains').one().n;
  }

  find(id: string): DomainRow | undefined {
    return this.#sql.exec<DomainRow>('SELECT * FROM domains WHERE id = ?', id).toArray()[0];
  }

  findByHostname(hostname: string): DomainRow | undefined {
    return this.#sql.exec<DomainRow>('SELECT * FROM domains WHERE hostname = ?', hostname).toArray()[0];
  }

  all(): DomainRow[] {
    return this.#sql.exec<DomainRow>('SELECT * FROM domains ORDER BY id').toArray();
  }

  list(limit: number, cursor: string | undefined): List<Domain> {
    const rows = this.#sql
      .exec<DomainRow>('SELECT * FROM domains WHERE id > ? ORDER BY id LIMIT ?', cursor ?? '', limit + 1)
      .toArray();
    return toList(rows.map(toDomain), limit, ({ id }) => id);
  }

  add(id: string, hostname: string, token: string, state: DomainState, now: number): void {
    this.#sql.exec(
      `INSERT INTO domains (id, hostname, status, token, attempts, since, next_check_at, created_at)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
      id,
      hostname,
      state.status,
      token,
      state.attempts,
      state.since,
      state.nextCheckAt,
      now,
    );
  }

  keep(id: string, { status, attempts, since, nextCheckAt, reason }: DomainState): void {
    this.#sql.exec(
      'UPDATE domains SET status = ?, attempts = ?, since = ?, next_check_at = ?, reason = ? WHERE id = ?',
      status,
      attempts,
      since,
      nextCheckAt,
      reason,
      id,
    );
  }

  markChecked(id: string, now: number): void {
    this.#sql.exec('UPDATE domains SET checked_at = ? WHERE id = ?', now, id);
  }

  markVerified(id: string, method: 'dns' | 'http', now: number): void {
    this.#sql.exec('UPDATE domains SET method = ?, verified_at = ? WHERE id = ?', method, now, id);
  }

  keepRef(id: string, ref: string | null): void {
    this.#sql.exec('UPDATE domains SET provider_ref = ? WHERE id = ?', ref, id);
  }

  delete(id: string): void {
    this.#sql.exec('DELETE FROM domains WHERE id = ?', id);
  }

  dueAt(): number | undefined {
    return (
      this.#sql.exec<{ due: number | null }>('SELECT MIN(next_check_at) AS due FROM domains').one().due ?? undefined
    );
  }

  due(now: number, limit: number): DomainRow[] {
    return this.#sql
      .exec<DomainRow>('SELECT * FROM domains WHERE next_check_at <= ? ORDER BY next_check_at LIMIT ?', now, limit)
      .toArray();
  }
}

export function stateOf(row: DomainRow): DomainState {
  return {
    status: row.status,
    attempts: row.attempts,
    since: row.since,
    nextCheckAt: row.next_check_at,
    reason: row.reason,
  };
}

export function toDomain(row: DomainRow): Domain {
  const time = (ms: number | null) => (ms === null ? null : toIso(ms));
  return {
    object: 'domain',
    id: row.id,
    hostname: row.hostname,
    status: row.status,
    reason: row.reason,
    challenge: {
      dns: { type: 'TXT', name: `${ChallengeLabel}.${row.hostname}`, value: row.token },
      http: { url: `https://${row.hostname}${ChallengePath}/${row.token}`, body: row.token },
    },
    method: row.method,
    attempts: row.attempts,
    created_at: toIso(row.created_at),
    verified_at: time(row.verified_at),
    checked_at: time(row.checked_at),
    next_check_at: time(row.next_check_at),
  };
}
