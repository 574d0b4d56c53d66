/** What is done to a tenant's keys: each change and its entry in the audit trail are one. */
import { findExcess, type Principal } from '../../shared/core/principal.ts';
import { err, ok, type Result } from '../../shared/core/result.ts';
import type { KeyId } from '../../shared/core/ids.ts';
import type { AuditActor } from '../../shared/contracts/audit.ts';
import type { List } from '../../shared/contracts/common.ts';
import type { ApiKey, CreateKey } from '../../shared/contracts/keys.ts';
import type { AuditTrail } from './audit-trail.ts';
import type { KeyStore } from './key-store.ts';
import type { RateStore } from './rate-store.ts';

export type NewKey = CreateKey & { readonly id: KeyId; readonly prefix: string; readonly secretHash: string };

export class KeyDesk {
  readonly #keys: KeyStore;
  readonly #rates: RateStore;
  readonly #trail: AuditTrail;

  constructor(keys: KeyStore, rates: RateStore, trail: AuditTrail) {
    this.#keys = keys;
    this.#rates = rates;
    this.#trail = trail;
  }

  list(limit: number, cursor: string | undefined, now: number): List<ApiKey> {
    const keys = this.#keys.list(limit, cursor, now);
    return { ...keys, data: keys.data.map((key) => this.#withRate(key)) };
  }

  /** A repeated run of the same request finds the key, and enters nothing. */
  create(key: NewKey, actor: AuditActor, now: number): Result<ApiKey> {
    const isNew = this.#keys.find(key.id, now) === undefined;
    return this.#trail.change(
      actor,
      'key.created',
      () => {
        this.#rates.setLimit(key.id, key.rate_limit?.requests_per_minute ?? null);
        return ok(this.#withRate(this.#keys.create(key, now)));
      },
      ({ id, permissions, scope }) =>
        isNew ? { target: id, details: { permissions: [...permissions], ...scope } } : undefined,
    );
  }

  /** Who gets a key's new secret must hold everything that the key grants. */
  rotate(keyId: string, secretHash: string, graceSeconds: number, principal: Principal, now: number): Result<ApiKey> {
    const key = this.#keys.find(keyId, now);
    const beyond = key && findExcess(principal, key);
    if (beyond !== undefined) {
      return err('permission_denied', `The key reaches beyond this credential ("${beyond}"), which cannot rotate it.`);
    }
    const isNew = !this.#keys.hasSecret(keyId, secretHash);
    return this.#trail.change(
      principal,
      'key.rotated',
      () => this.#found(this.#keys.rotate(keyId, secretHash, graceSeconds * 1000, now)),
      ({ id }) => (isNew ? { target: id, details: { grace_seconds: graceSeconds } } : undefined),
    );
  }

  revoke(keyId: string, actor: AuditActor, now: number): Result<ApiKey> {
    const stood = this.#keys.find(keyId, now)?.revoked_at === null;
    return this.#trail.change(
      actor,
      'key.revoked',
      () => this.#found(this.#keys.revoke(keyId, now)),
      ({ id }) => (stood ? { target: id } : undefined),
    );
  }

  #found(key: Result<ApiKey>): Result<ApiKey> {
    return key.ok ? ok(this.#withRate(key.value)) : key;
  }

  #withRate(key: ApiKey): ApiKey {
    const limit = this.#rates.findLimit(key.id);
    return limit === undefined ? key : { ...key, rate_limit: { requests_per_minute: limit } };
  }
}
