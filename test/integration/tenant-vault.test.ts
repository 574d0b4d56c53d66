/** A tenant's secrets inside workerd: sealed at rest, opened in their own place alone, through every change of a key. */
import { evictDurableObject } from 'cloudflare:test';
import { describe, expect, test } from 'vitest';
import { AuditTrail } from '../../durable-objects/tenant/audit-trail.ts';
import { EventLog } from '../../durable-objects/tenant/event-log.ts';
import { Vault } from '../../durable-objects/tenant/vault.ts';
import { createSecret, MaxSecretBytes, MaxSecrets, MaxSecretVersions } from '../../shared/contracts/secrets.ts';
import type { TenantId } from '../../shared/core/ids.ts';
import { admin, must, openTenant, platformSigningKey, start } from './tenant-env.ts';

const read = (opened: Awaited<ReturnType<typeof openTenant>>, name: string, version?: number) =>
  opened.run((object) => object.vault.reveal(name, 'a test', admin, version));

/** Another platform key, of which only what is derived from counts here. */
const otherKey = (d: string) =>
  JSON.stringify({ kty: 'OKP', crv: 'Ed25519', d: Buffer.from(d.padEnd(32)).toString('base64url') });

/** The tenant's vault as a deployment with these keys would open it. */
function vaultWith(state: DurableObjectState, tenant: TenantId, current: string, previous?: string): Vault {
  const clock = () => ({ now: () => start });
  const trail = new AuditTrail(state.storage, tenant, new EventLog(state.storage.sql, clock), clock);
  const keys = {
    PLATFORM_SIGNING_KEY: current,
    ...(previous === undefined ? {} : { PLATFORM_PREVIOUS_SIGNING_KEY: previous }),
  };
  return new Vault(tenant, state.storage.sql, trail, keys, () => start);
}

describe('a secret', () => {
  test('is revealed to the platform itself, in the version in use or an older one, also after an eviction', async () => {
    const opened = await openTenant();
    const { run, stub } = opened;
    must(await run((object) => object.vault.create({ name: 'mail', value: 'one' }, admin)));
    must(await run((object) => object.vault.rotate('mail', 'two', admin)));
    await evictDurableObject(stub);
    expect(must(await read(opened, 'mail'))).toEqual({ name: 'mail', version: 2, value: 'two' });
    expect(must(await read(opened, 'mail', 1)).value).toBe('one');
    expect(await read(opened, 'mail', 3)).toMatchObject({ failure: { code: 'not_found' } });
    expect(must(await run((object) => object.vault.find('mail')))).toMatchObject({
      version: 2,
      versions: [2, 1],
      last_accessed_at: new Date(start).toISOString(),
    });
  });

  test('is never revealed without an entry of who and what for, nor asked for in vain', async () => {
    const opened = await openTenant();
    const { run, trail } = opened;
    must(await run((object) => object.vault.create({ name: 'mail', value: 'one' }, admin)));
    await read(opened, 'mail');
    await read(opened, 'nobody');
    await read(opened, 'mail', 9);
    const entries = (await trail()).slice(-3);
    expect(
      entries.map(({ action, target, outcome, details }) => [action, target, outcome, details['purpose']]),
    ).toEqual([
      ['secret.accessed', 'mail', 'succeeded', 'a test'],
      ['secret.accessed', 'nobody', 'refused', 'a test'],
      ['secret.accessed', 'mail', 'refused', 'a test'],
    ]);
    await run((object, { storage }) => {
      storage.sql.exec("CREATE TRIGGER no_entry BEFORE INSERT ON audit BEGIN SELECT RAISE(ABORT, 'disk full'); END");
      expect(() => object.vault.reveal('mail', 'a test', admin)).toThrow('disk full');
    });
  });

  test('keeps its ten newest versions; deleted it has none, and can be made anew', async () => {
    const opened = await openTenant();
    const { run } = opened;
    must(await run((object) => object.vault.create({ name: 'mail', value: 'v1' }, admin)));
    for (let version = 2; version <= MaxSecretVersions + 3; version++) {
      must(await run((object) => object.vault.rotate('mail', `v${version}`, admin)));
    }
    expect(must(await run((object) => object.vault.find('mail'))).versions).toEqual([13, 12, 11, 10, 9, 8, 7, 6, 5, 4]);
    expect(await read(opened, 'mail', 3)).toMatchObject({ ok: false });
    expect(must(await read(opened, 'mail', 4)).value).toBe('v4');
    must(await run((object) => object.vault.delete('mail', admin)));
    for (const version of [undefined, 4, 13]) expect(await read(opened, 'mail', version)).toMatchObject({ ok: false });
    await run((_, { storage }) => expect(storage.sql.exec('SELECT * FROM secret_versions').toArray()).toEqual([]));
    must(await run((object) => object.vault.create({ name: 'mail', value: 'again' }, admin)));
    expect(must(await read(opened, 'mail')).value).toBe('again');
  });

  test('moved on the disk to another name, version or tenant does not open', async () => {
    const opened = await openTenant();
    const other = await openTenant();
    for (const { run } of [opened, other]) {
      await run((object) => {
        must(object.vault.create({ name: 'a', value: 'value a' }, admin));
        must(object.vault.create({ name: 'b', value: 'value b' }, admin));
        must(object.vault.rotate('a', 'second a', admin));
      });
    }
    const sealedOf = (name: string, version: number) =>
      `(SELECT sealed FROM secret_versions WHERE name = '${name}' AND version = ${version})`;
    const moves = [
      `UPDATE secret_versions SET sealed = ${sealedOf('b', 1)} WHERE name = 'a' AND version = 2`,
      `UPDATE secret_versions SET sealed = ${sealedOf('a', 1)} WHERE name = 'a' AND version = 2`,
      "UPDATE secret_versions SET sealed = sealed || x'00' WHERE name = 'a' AND version = 2",
    ];
    for (const move of moves) {
      await opened.run((object, { storage }) => {
        const undo = storage.sql
          .exec<{ sealed: ArrayBuffer }>("SELECT sealed FROM secret_versions WHERE name = 'a' AND version = 2")
          .one();
        storage.sql.exec(move);
        expect(object.vault.reveal('a', 'a test', admin), move).toMatchObject({ failure: { code: 'internal_error' } });
        storage.sql.exec("UPDATE secret_versions SET sealed = ? WHERE name = 'a' AND version = 2", undo.sealed);
        expect(must(object.vault.reveal('a', 'a test', admin)).value).toBe('second a');
      });
    }
    const stolen = await other.run((_, { storage }) => ({
      versions: storage.sql.exec('SELECT * FROM secret_versions').toArray(),
      key: storage.sql.exec('SELECT * FROM data_keys').one(),
    }));
    await opened.run((object, { storage }) => {
      storage.sql.exec('DELETE FROM secret_versions');
      storage.sql.exec('DELETE FROM data_keys');
      for (const row of stolen.versions)
        storage.sql.exec('INSERT INTO secret_versions VALUES (?, ?, ?, ?, ?)', ...Object.values(row));
      storage.sql.exec('INSERT INTO data_keys VALUES (?, ?, ?, ?)', ...Object.values(stolen.key));
      for (const name of ['a', 'b']) expect(object.vault.reveal(name, 'a test', admin)).toMatchObject({ ok: false });
    });
    expect((await opened.trail()).at(-1)).toMatchObject({ action: 'secret.accessed', outcome: 'failed' });
  });

  test('beyond two hundred, or under a name that is taken, is refused', async () => {
    const { run } = await openTenant();
    await run((object) => {
      for (let at = 0; at < MaxSecrets; at++) must(object.vault.create({ name: `s${at}`, value: 'v' }, admin));
      expect(object.vault.create({ name: 'more', value: 'v' }, admin)).toMatchObject({ failure: { code: 'conflict' } });
      must(object.vault.delete('s0', admin));
      must(object.vault.create({ name: 'more', value: 'v' }, admin));
      expect(object.vault.create({ name: 'more', value: 'v' }, admin)).toMatchObject({
        failure: { code: 'conflict', param: 'name' },
      });
    });
  });

  test('has a name of few characters and a value of at most 16 KB, of any text that is one', () => {
    const accepts = (name: unknown, value: unknown) => createSecret.safeParse({ name, value }).success;
    for (const name of ['a', 'a'.repeat(64), 'smtp_password-2', '0']) expect(accepts(name, 'v'), name).toBe(true);
    for (const name of ['', 'A', 'a'.repeat(65), 'a b', 'a/b', 'ä', 'a\n', '..', 1, null])
      expect(accepts(name, 'v'), String(name)).toBe(false);
    for (const value of ['v', 'x'.repeat(MaxSecretBytes), '€'.repeat(5_461), '\u0000'])
      expect(accepts('a', value)).toBe(true);
    for (const value of ['', 'x'.repeat(MaxSecretBytes + 1), '€'.repeat(5_462), 1, null])
      expect(accepts('a', value)).toBe(false);
  });
});

describe("the tenant's data key", () => {
  test('is rotated with every version of every secret, and the old one is gone', async () => {
    const opened = await openTenant();
    const { run } = opened;
    await run((object) => {
      for (let at = 0; at < 20; at++) {
        must(object.vault.create({ name: `s${at}`, value: `first ${at}` }, admin));
        must(object.vault.rotate(`s${at}`, `second ${at}`, admin));
      }
    });
    const sealed = () =>
      run((_, { storage }) =>
        storage.sql
          .exec<{ sealed: ArrayBuffer }>('SELECT sealed FROM secret_versions ORDER BY name, version')
          .toArray()
          .map((row) => Buffer.from(row.sealed).toString('hex')),
      );
    const before = await sealed();
    expect(must(await run((object) => object.vault.rotateDataKey(admin)))).toMatchObject({
      generation: 2,
      secrets: 20,
      versions: 40,
    });
    const after = await sealed();
    expect(after.filter((text) => before.includes(text))).toEqual([]);
    await run((_, { storage }) => {
      expect(storage.sql.exec<{ generation: number }>('SELECT generation FROM data_keys').toArray()).toEqual([
        { generation: 2 },
      ]);
    });
    for (let at = 0; at < 20; at++) {
      expect(must(await read(opened, `s${at}`, 1)).value).toBe(`first ${at}`);
      expect(must(await read(opened, `s${at}`)).value).toBe(`second ${at}`);
    }
  });

  test('is rotated for all of the versions or for none', async () => {
    const opened = await openTenant();
    await opened.run((object, state) => {
      const { sql } = state.storage;
      for (const name of ['a', 'b', 'c']) must(object.vault.create({ name, value: `value ${name}` }, admin));
      sql.exec(
        "CREATE TRIGGER no_c BEFORE UPDATE ON secret_versions WHEN old.name = 'c' BEGIN SELECT RAISE(ABORT, 'disk full'); END",
      );
      expect(() => object.vault.rotateDataKey(admin)).toThrow('disk full');
      sql.exec('DROP TRIGGER no_c');
      for (const name of ['a', 'b', 'c'])
        expect(must(object.vault.reveal(name, 'a test', admin)).value).toBe(`value ${name}`);
      sql.exec("UPDATE secret_versions SET sealed = x'00' WHERE name = 'b'");
      expect(object.vault.rotateDataKey(admin)).toMatchObject({ failure: { code: 'internal_error' } });
      for (const name of ['a', 'c'])
        expect(must(object.vault.reveal(name, 'a test', admin)).value).toBe(`value ${name}`);
      expect(sql.exec<{ generation: number }>('SELECT generation FROM data_keys').one().generation).toBe(1);
    });
    expect((await opened.trail()).some(({ action }) => action === 'secrets.key_rotated')).toBe(false);
  });
});

describe("a change of the platform's key", () => {
  test('is followed at the first use, once, and the old platform key is then no longer needed', async () => {
    const { run, tenant, trail, verify } = await openTenant();
    await run((object, state) => {
      must(object.vault.create({ name: 'mail', value: 'one' }, admin));
      const next = otherKey('next');
      expect(must(vaultWith(state, tenant, next, platformSigningKey).reveal('mail', 'a test', admin)).value).toBe(
        'one',
      );
      expect(must(vaultWith(state, tenant, next).reveal('mail', 'a test', admin)).value).toBe('one');
      must(vaultWith(state, tenant, next, platformSigningKey).rotate('mail', 'two', admin));
      expect(must(vaultWith(state, tenant, next).reveal('mail', 'a test', admin)).value).toBe('two');
      expect(object.vault.reveal('mail', 'a test', admin)).toMatchObject({ failure: { code: 'internal_error' } });
    });
    expect((await trail()).filter(({ action }) => action === 'secrets.key_rewrapped')).toHaveLength(1);
    expect((await verify()).valid).toBe(true);
  });

  test('without the one before it opens nothing, loses nothing, and makes no second data key', async () => {
    const { run, tenant } = await openTenant();
    await run((object, state) => {
      must(object.vault.create({ name: 'mail', value: 'one' }, admin));
      const lost = vaultWith(state, tenant, otherKey('next'), otherKey('unrelated'));
      for (const refused of [
        lost.reveal('mail', 'a test', admin),
        lost.create({ name: 'more', value: 'v' }, admin),
        lost.rotate('mail', 'v', admin),
        lost.rotateDataKey(admin),
      ]) {
        expect(refused).toMatchObject({ failure: { code: 'internal_error' } });
      }
      expect(must(object.vault.reveal('mail', 'a test', admin)).value).toBe('one');
      state.storage.sql.exec('DELETE FROM data_keys');
      expect(object.vault.create({ name: 'more', value: 'v' }, admin)).toMatchObject({
        failure: { code: 'internal_error' },
      });
    });
  });
});
