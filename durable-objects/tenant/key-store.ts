/** All SQL about API keys. A secret's hash goes in and never comes out of this file but for a comparison. */
import { err, ok, type Result } from '../../shared/core/result.ts';
import { toIso } from '../../shared/core/clock.ts';
import type { AgentId, KeyId } from '../../shared/core/ids.ts';
import type { Principal } from '../../shared/core/principal.ts';
import { toList, type List } from '../../shared/contracts/common.ts';
import {
  permissions as allPermissions,
  type ApiKey,
  type CreateKey,
  type Permission,
} from '../../shared/contracts/keys.ts';
import { timingSafeEqual } from 'node:crypto';

type KeyRow = {
  id: KeyId;
  name: string;
  prefix: string;
  secret_hash: string;
  project: string | null;
  environment: 'dev' | 'staging' | 'prod' | null;
  agent_id: AgentId | null;
  permissions: string;
  created_at: number;
  expires_at: number | null;
  revoked_at: number | null;
  last_used_at: number | null;
  rotated_at: number | null;
  previous_secret_hash: string | null;
  previous_until: number | null;
};

/** How stale `last_used_at` may be: a key in steady use costs one write in this time. */
const LastUsedGrainMs = 60_000;

/** Compared with where a key is unknown, so that an unknown and a wrong key take the same path. */
const NoHash = '0'.repeat(64);

export class KeyStore {
  readonly #sql: SqlStorage;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
  }

  /** Creates the key, or finds the one that an earlier run of the same request created. */
  create(
    key: CreateKey & { readonly id: KeyId; readonly prefix: string; readonly secretHash: string },
    now: number,
  ): ApiKey {
    const granted = key.permissions[0] === '*' ? allPermissions : key.permissions;
    this.#sql.exec(
      `INSERT OR IGNORE INTO keys (id, name, prefix, secret_hash, project, environment, agent_id, permissions, created_at, expires_at)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
      key.id,
      key.name,
      key.prefix,
      key.secretHash,
      key.scope.project,
      key.scope.environment,
      key.scope.agent,
      JSON.stringify(granted),
      now,
      key.expires_at === null ? null : Date.parse(key.expires_at),
    );
    return toApiKey(this.#find(key.id)!, now);
  }

  /** One text for every reason: what exists cannot be told from what does not. */
  authenticate(keyId: KeyId, secretHash: string, now: number): Result<Principal> {
    const row = this.#find(keyId);
    const given = Buffer.from(secretHash.padEnd(64).slice(0, 64));
    const isCurrent = timingSafeEqual(Buffer.from(row?.secret_hash ?? NoHash), given);
    const isPrevious = timingSafeEqual(Buffer.from(row?.previous_secret_hash ?? NoHash), given);
    const grace = graceOf(row, now);
    if (grace === 'over') this.#forgetPrevious(keyId);
    if (!row) return refuse('unknown key');
    if (isPrevious && !isCurrent && grace !== 'running') return refuse('secret replaced by a rotation');
    if (!isCurrent && !isPrevious) return refuse('wrong secret');
    const status = statusOf(row, now);
    if (status !== 'active') return refuse(`key ${status}`);
    if (row.last_used_at === null || now - row.last_used_at >= LastUsedGrainMs) {
      this.#sql.exec('UPDATE keys SET last_used_at = ? WHERE id = ?', now, keyId);
    }
    const ends = [row.expires_at, isCurrent ? null : row.previous_until].filter((end) => end !== null);
    return ok({ ...toPrincipal(row), ...(ends.length > 0 ? { until: Math.min(...ends) } : {}) });
  }

  exists(keyId: string): boolean {
    return this.#find(keyId) !== undefined;
  }

  /** Whether a key that was admitted before may still act. */
  isActive(keyId: string, now: number): boolean {
    const row = this.#find(keyId);
    return row !== undefined && statusOf(row, now) === 'active';
  }

  countActive(now: number): number {
    return this.#sql
      .exec<{ count: number }>(
        'SELECT COUNT(*) AS count FROM keys WHERE revoked_at IS NULL AND (expires_at IS NULL OR expires_at > ?)',
        now,
      )
      .one().count;
  }

  list(limit: number, cursor: string | undefined, now: number): List<ApiKey> {
    const rows = this.#sql
      .exec<KeyRow>('SELECT * FROM keys WHERE id < ? ORDER BY id DESC LIMIT ?', cursor ?? 'l', limit + 1)
      .toArray();
    return toList(
      rows.map((row) => toApiKey(row, now)),
      limit,
      (key) => key.id,
    );
  }

  find(keyId: string, now: number): ApiKey | undefined {
    const row = this.#find(keyId);
    return row && toApiKey(row, now);
  }

  hasSecret(keyId: string, secretHash: string): boolean {
    return this.#find(keyId)?.secret_hash === secretHash;
  }

  /**
   * Gives the key a new secret. The one before it works until the grace ends; of two rotations in one grace, the secret
   * before the first is refused at once. A repeated run of the same request changes nothing.
   */
  rotate(keyId: string, secretHash: string, graceMs: number, now: number): Result<ApiKey> {
    const row = this.#find(keyId);
    if (!row) return noKey();
    const status = statusOf(row, now);
    if (status !== 'active') return err('conflict', `The key is ${status}: it cannot be rotated.`);
    if (row.secret_hash !== secretHash) {
      this.#sql.exec(
        `UPDATE keys SET previous_secret_hash = ?, previous_until = ?, secret_hash = ?, rotated_at = ? WHERE id = ?`,
        graceMs > 0 ? row.secret_hash : null,
        graceMs > 0 ? now + graceMs : null,
        secretHash,
        now,
        keyId,
      );
    }
    return ok(toApiKey(this.#find(keyId)!, now));
  }

  revoke(keyId: string, now: number): Result<ApiKey> {
    this.#sql.exec('UPDATE keys SET revoked_at = ? WHERE id = ? AND revoked_at IS NULL', now, keyId);
    const row = this.#find(keyId);
    return row ? ok(toApiKey(row, now)) : noKey();
  }

  /** A grace that was seen to end stays ended, also when the clock jumps back. */
  #forgetPrevious(keyId: string): void {
    this.#sql.exec('UPDATE keys SET previous_secret_hash = NULL, previous_until = NULL WHERE id = ?', keyId);
  }

  #find(keyId: string): KeyRow | undefined {
    return this.#sql.exec<KeyRow>('SELECT * FROM keys WHERE id = ?', keyId).toArray()[0];
  }
}

const noKey = () => err('not_found', 'There is no such key.');

/** The reason is for the audit trail; the caller is told the same whatever it is. */
const refuse = (reason: string) => err('invalid_api_key', undefined, { reason });

function graceOf(row: KeyRow | undefined, now: number): 'none' | 'running' | 'over' {
  if (!row || row.previous_until === null) return 'none';
  return now < row.previous_until ? 'running' : 'over';
}

function statusOf(row: KeyRow, now: number): ApiKey['status'] {
  if (row.revoked_at !== null) return 'revoked';
  return row.expires_at !== null && row.expires_at <= now ? 'expired' : 'active';
}

function toPrincipal(row: KeyRow): Principal {
  return {
    kind: 'key',
    id: row.id,
    permissions: JSON.parse(row.permissions) as Permission[],
    scope: { project: row.project, environment: row.environment, agent: row.agent_id },
  };
}

function toApiKey(row: KeyRow, now: number): ApiKey {
  const time = (ms: number | null) => (ms === null ? null : toIso(ms));
  return {
    object: 'api_key',
    id: row.id,
    name: row.name,
    prefix: row.prefix,
    scope: { project: row.project, environment: row.environment, agent: row.agent_id },
    permissions: JSON.parse(row.permissions) as Permission[],
    rate_limit: null,
    status: statusOf(row, now),
    created_at: toIso(row.created_at),
    expires_at: time(row.expires_at),
    revoked_at: time(row.revoked_at),
    last_used_at: time(row.last_used_at),
    rotated_at: time(row.rotated_at),
    grace_until: graceOf(row, now) === 'running' ? time(row.previous_until) : null,
  };
}
