/** The desk of a tenant's keys: what is asked and done over RPC. Each change and its entry in the audit trail are one. */
import { RpcTarget } from 'cloudflare:workers';
import { findExcess, isWholeTenant, type Principal } from '../../shared/core/principal.ts';
import { err, ok, type Result } from '../../shared/core/result.ts';
import type { KeyId } from '../../shared/core/ids.ts';
import type { AuditActor } from '../../shared/contracts/audit.ts';
import type { List } from '../../shared/contracts/common.ts';
import type { ApiKey, CreateKey } from '../../shared/contracts/keys.ts';
import type { AgentStore } from './agent-store.ts';
import type { AuditTrail } from './audit-trail.ts';
import type { Entitlements } from './entitlements.ts';
import type { KeyStore } from './key-store.ts';
import type { RateStore } from './rate-store.ts';

export type NewKey = CreateKey & { readonly id: KeyId; readonly prefix: string; readonly secretHash: string };

export class KeyDesk extends RpcTarget {
  readonly #keys: KeyStore;
  readonly #rates: RateStore;
  readonly #agents: AgentStore;
  readonly #entitlements: Entitlements;
  readonly #trail: AuditTrail;
  readonly #now: () => number;

  constructor(
    keys: KeyStore,
    rates: RateStore,
    agents: AgentStore,
    entitlements: Entitlements,
    trail: AuditTrail,
    now: () => number,
  ) {
    super();
    this.#keys = keys;
    this.#rates = rates;
    this.#agents = agents;
    this.#entitlements = entitlements;
    this.#trail = trail;
    this.#now = now;
  }

  list(limit: number, cursor: string | undefined): List<ApiKey> {
    const keys = this.#keys.list(limit, cursor, this.#now());
    return { ...keys, data: keys.data.map((key) => this.#withRate(key)) };
  }

  /** A repeated run of the same request finds the key, and enters nothing. The operator's own keys find room always. */
  create(key: NewKey, actor: AuditActor): Result<ApiKey> {
    if (key.scope.agent !== null && !this.#agents.find(key.scope.agent).ok) {
      return err('invalid_request', 'scope.agent names no agent of this tenant.', { param: 'scope.agent' });
    }
    const now = this.#now();
    const isNew = this.#keys.find(key.id, now) === undefined;
    const room =
      isNew && actor.kind !== 'operator' ? this.#entitlements.requireRoom('keys', this.#keys.countActive(now)) : ok();
    if (!room.ok) return room;
    return this.#trail.change(
      actor,
      'key.created',
      () => {
        this.#rates.setLimits(key.id, key.rate_limit);
        return ok(this.#withRate(this.#keys.create(key, now)));
      },
      ({ id, permissions, scope }) =>
        isNew ? { target: id, details: { permissions: [...permissions], ...scope } } : undefined,
    );
  }

  /** Who gets a key's new secret must hold everything that the key grants. */
  rotate(keyId: string, secretHash: string, graceSeconds: number, principal: Principal): Result<ApiKey> {
    const now = this.#now();
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

  /**
   * Revoking takes the reach that rotating takes, so that a lesser key ends no greater one; but who manages the keys of
   * the whole tenant may end any of them, since that is the brake for one that has leaked.
   */
  revoke(keyId: string, principal: Principal): Result<ApiKey> {
    const now = this.#now();
    const key = this.#keys.find(keyId, now);
    const beyond = key && !isWholeTenant(principal) ? findExcess(principal, key) : undefined;
    if (beyond !== undefined) {
      return err('permission_denied', `The key reaches beyond this credential ("${beyond}"), which cannot revoke it.`);
    }
    const stood = key?.revoked_at === null;
    return this.#trail.change(
      principal,
      'key.revoked',
      () => this.#found(this.#keys.revoke(keyId, now)),
      ({ id }) => (stood ? { target: id } : undefined),
    );
  }

  #found(key: Result<ApiKey>): Result<ApiKey> {
    return key.ok ? ok(this.#withRate(key.value)) : key;
  }

  #withRate(key: ApiKey): ApiKey {
    return { ...key, rate_limit: this.#rates.findLimits(key.id) ?? null };
  }
}
