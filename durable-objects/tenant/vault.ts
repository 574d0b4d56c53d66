/**
 * A tenant's secrets: sealed under its data key, which is wrapped under the platform's. A value leaves only through
 * `reveal`, and never without an entry in the audit trail. A platform key that was changed is followed at the first use
 * of the vault, as long as the deployment still holds the one before it.
 */
import { RpcTarget } from 'cloudflare:workers';
import { systemRandom, type Random } from '../../shared/core/ids.ts';
import { toIso } from '../../shared/core/clock.ts';
import { err, ok, type Result } from '../../shared/core/result.ts';
import type { AuditActor } from '../../shared/contracts/audit.ts';
import type { List } from '../../shared/contracts/common.ts';
import {
  MaxSecrets,
  MaxSecretVersions,
  type CreateSecret,
  type RevealedSecret,
  type RotatedDataKey,
  type Secret,
} from '../../shared/contracts/secrets.ts';
import { DataKey, KeyEncryptionKey, PassphraseKey } from '../../shared/store/envelope.ts';
import type { AuditTrail } from './audit-trail.ts';
import { SecretStore, type SealedVersion } from './secret-store.ts';

const MaxPurpose = 200;
const SaltBytes = 16;
const noSecret = () => err('not_found', 'There is no such secret.');
const unreadable = (reason: string) =>
  err('internal_error', 'The secrets of this tenant cannot be opened.', { reason });

export type PlatformKeys = {
  readonly PLATFORM_SIGNING_KEY: string;
  /** The one before it, after a change. */
  readonly PLATFORM_PREVIOUS_SIGNING_KEY?: string;
};

/** A data key on its way to another platform. */
export type TravellingKey = {
  readonly generation: number;
  readonly salt: Uint8Array<ArrayBuffer>;
  readonly wrapped: Uint8Array<ArrayBuffer>;
};

export class Vault extends RpcTarget {
  readonly #tenant: string;
  readonly #store: SecretStore;
  readonly #trail: AuditTrail;
  readonly #platform: PlatformKeys;
  readonly #now: () => number;
  readonly #random: Random;

  constructor(
    tenant: string,
    sql: SqlStorage,
    trail: AuditTrail,
    platform: PlatformKeys,
    now: () => number,
    random = systemRandom,
  ) {
    super();
    this.#tenant = tenant;
    this.#store = new SecretStore(sql);
    this.#trail = trail;
    this.#platform = platform;
    this.#now = now;
    this.#random = random;
  }

  list(limit: number, cursor: string | undefined): List<Secret> {
    return this.#store.list(limit, cursor);
  }

  find(name: string): Result<Secret> {
    const secret = this.#store.find(name);
    return secret ? ok(secret) : noSecret();
  }

  create({ name, value }: CreateSecret, actor: AuditActor): Result<Secret> {
    return this.#trail.change(
      actor,
      'secret.created',
      () => {
        if (this.#store.find(name)) {
          return err('conflict', `A secret named "${name}" exists already. Rotate it to give it a new value.`, {
            param: 'name',
          });
        }
        if (this.#store.count() >= MaxSecrets) {
          return err('conflict', `A tenant has at most ${MaxSecrets} secrets.`, { param: 'name' });
        }
        return this.#addVersion(name, 1, value, this.#now());
      },
      ({ version }) => ({ target: name, details: { version } }),
    );
  }

  rotate(name: string, value: string, actor: AuditActor): Result<Secret> {
    return this.#trail.change(
      actor,
      'secret.rotated',
      () => {
        const secret = this.#store.find(name);
        return secret ? this.#addVersion(name, secret.version + 1, value, this.#now()) : noSecret();
      },
      ({ version, versions }) => ({ target: name, details: { version, oldest_kept: versions.at(-1) ?? version } }),
    );
  }

  /** Destroys every version. */
  delete(name: string, actor: AuditActor): Result<Secret> {
    return this.#trail.change(
      actor,
      'secret.deleted',
      () => {
        const secret = this.#store.find(name);
        if (!secret) return noSecret();
        this.#store.delete(name);
        return ok(secret);
      },
      ({ versions }) => ({ target: name, details: { versions: versions.length } }),
    );
  }

  /**
   * The value, of the version in use or of an older one that is still kept, for a tool that acts for this tenant. Every
   * try is entered with its purpose, also a vain one. No route leads here.
   */
  reveal(name: string, purpose: string, actor: AuditActor, version?: number): Result<RevealedSecret> {
    const now = this.#now();
    const secret = this.#store.find(name);
    const wanted = version ?? secret?.version ?? null;
    const details = { purpose: purpose.slice(0, MaxPurpose), version: wanted };
    const sealed = wanted === null ? undefined : this.#store.findSealed(name, wanted);
    if (!sealed) {
      this.#trail.enter(actor, 'secret.accessed', { target: name, details }, 'refused');
      return noSecret();
    }
    const opened = this.#open(sealed, now);
    if (!opened.ok) {
      this.#trail.enter(actor, 'secret.accessed', { target: name, details }, 'failed');
      return opened;
    }
    return this.#trail.change(
      actor,
      'secret.accessed',
      () => {
        this.#store.markAccessed(name, now);
        return ok({ name, version: sealed.version, value: opened.value });
      },
      () => ({ target: name, details }),
    );
  }

  /**
   * What the platform keeps for the tenant itself (a webhook's secret): sealed like the tenant's secrets, but never listed
   * among them and used without an entry. The colon keeps its name apart from every name that a tenant can give.
   */
  keepOwn(name: `${string}:${string}`, version: number, value: string, keep: number): Result<undefined> {
    const now = this.#now();
    const key = this.#requireDataKey(now);
    if (!key.ok) return key;
    const sealed = key.value.seal(this.#tenant, name, version, value, this.#random);
    this.#store.keepSealed({ name, version, generation: key.value.generation, sealed }, keep, now);
    return ok();
  }

  openOwn(name: `${string}:${string}`, version: number): Result<string> {
    const sealed = this.#store.findSealed(name, version);
    return sealed ? this.#open(sealed, this.#now()) : noSecret();
  }

  dropOwn(name: `${string}:${string}`): void {
    this.#store.delete(name);
  }

  /** A new data key, and every version sealed anew under it: all of them or none. */
  rotateDataKey(actor: AuditActor): Result<RotatedDataKey> {
    const now = this.#now();
    return this.#trail.change(
      actor,
      'secrets.key_rotated',
      () => {
        const current = this.#requireDataKey(now);
        if (!current.ok) return current;
        const next = DataKey.generate(current.value.generation + 1, this.#random);
        const all = this.#store.allSealed();
        const resealed: SealedVersion[] = [];
        for (const { name, version, sealed } of all) {
          const value = current.value.open(this.#tenant, name, version, sealed);
          if (value === undefined) return unreadable(`version ${version} of the secret ${name} does not open`);
          const again = next.seal(this.#tenant, name, version, value, this.#random);
          resealed.push({ name, version, generation: next.generation, sealed: again });
        }
        for (const each of resealed) this.#store.reseal(each);
        this.#keepKey(next, now);
        return ok({
          object: 'secrets.data_key',
          generation: next.generation,
          secrets: this.#store.count(),
          versions: resealed.length,
          created_at: toIso(now),
        });
      },
      ({ generation, versions }) => ({ target: null, details: { generation, versions } }),
    );
  }

  /** The data key under a passphrase, for an archive; nothing where there are no secrets yet. */
  sealKey(passphrase: string): Result<TravellingKey | null> {
    if (!this.#store.findKey()) return ok(null);
    const key = this.#requireDataKey(this.#now());
    if (!key.ok) return key;
    const salt = this.#random(new Uint8Array(SaltBytes));
    const wrapped = new PassphraseKey(passphrase, salt).wrap(this.#tenant, key.value, this.#random);
    return ok({ generation: key.value.generation, salt, wrapped });
  }

  /** Takes up the data key of an archive; the same again changes nothing. */
  adoptKey(passphrase: string, { generation, salt, wrapped }: TravellingKey): Result<undefined> {
    const key = new PassphraseKey(passphrase, salt).unwrap(this.#tenant, generation, wrapped);
    if (!key) return err('invalid_request', 'The passphrase does not open the secrets.', { param: 'passphrase' });
    if (!this.#store.findKey()) this.#keepKey(key, this.#now());
    return ok();
  }

  #addVersion(name: string, version: number, value: string, now: number): Result<Secret> {
    const key = this.#requireDataKey(now);
    if (!key.ok) return key;
    const sealed = key.value.seal(this.#tenant, name, version, value, this.#random);
    this.#store.addVersion({ name, version, generation: key.value.generation, sealed }, MaxSecretVersions, now);
    return this.find(name);
  }

  #open({ name, version, generation, sealed }: SealedVersion, now: number): Result<string> {
    const key = this.#requireDataKey(now);
    if (!key.ok) return key;
    if (key.value.generation !== generation) return unreadable(`the secret ${name} lies under another data key`);
    const value = key.value.open(this.#tenant, name, version, sealed);
    return value === undefined ? unreadable(`version ${version} of the secret ${name} does not open`) : ok(value);
  }

  /** The data key in the clear; made at the first need, wrapped anew where the platform's key has changed. */
  #requireDataKey(now: number): Result<DataKey> {
    const current = new KeyEncryptionKey(this.#platform.PLATFORM_SIGNING_KEY);
    const stored = this.#store.findKey();
    if (!stored) {
      if (this.#store.count() > 0) return unreadable('there are secrets, but no data key');
      const made = DataKey.generate(1, this.#random);
      this.#keepKey(made, now);
      return ok(made);
    }
    const { PLATFORM_PREVIOUS_SIGNING_KEY: before } = this.#platform;
    const candidates = [current, ...(before === undefined ? [] : [new KeyEncryptionKey(before)])];
    const wrapper = candidates.find(({ id }) => id === stored.wrappedBy);
    if (!wrapper) return unreadable('the data key is wrapped under a platform key that this deployment does not hold');
    const key = wrapper.unwrap(this.#tenant, stored.generation, stored.wrapped);
    if (!key) return unreadable('the wrapped data key was changed');
    if (wrapper !== current) {
      this.#trail.change(
        { kind: 'system', id: 'system' },
        'secrets.key_rewrapped',
        () => ok(this.#keepKey(key, now)),
        () => ({ target: null, details: { generation: key.generation } }),
      );
    }
    return ok(key);
  }

  #keepKey(key: DataKey, now: number): void {
    const current = new KeyEncryptionKey(this.#platform.PLATFORM_SIGNING_KEY);
    this.#store.replaceKey(key.generation, current.wrap(this.#tenant, key, this.#random), current.id, now);
  }
}
