/**
 * The shell of a tenant in workerd: its clock may leap and jump back, its isolate may go, its past is checked. A rule
 * that depends on time depends on the object's own clock alone. (S-8, R-5)
 */
import { evictDurableObject, runDurableObjectAlarm, runInDurableObject } from 'cloudflare:test';
import { describe, expect, test } from 'vitest';
import { migrate } from '../../durable-objects/runtime/migrate.ts';
import { tenantMigrations } from '../../durable-objects/tenant/tenant-migrations.ts';
import type { TenantObject } from '../../durable-objects/tenant/tenant-object.ts';
import { operatorActor } from '../../shared/contracts/audit.ts';
import { createKey } from '../../shared/contracts/keys.ts';
import { mintId, type KeyId, type TenantId } from '../../shared/core/ids.ts';
import type { Principal } from '../../shared/core/principal.ts';
import { openTenant, openTenantByName } from './platform-env.ts';

const Now = Date.parse('2026-11-20T12:00:00Z');
const Day = 24 * 60 * 60 * 1000;
const Hash = 'a'.repeat(64);
const leaps = ['2038-01-19T03:14:08Z', '9999-12-31T23:59:59.999Z', '2106-02-07T06:28:16Z'].map((time) =>
  Date.parse(time),
);
/** Every jump of the clock that a machine may make, and back. */
const jumps = [0, 1, -1, 5_000, -5_000, 600_000, -600_000, Day, -Day, 400 * Day, -400 * Day];

/** Runs inside a fresh tenant, with a clock that is set by hand. */
async function inTenant(
  work: (tenant: TenantObject, at: (ms: number) => TenantObject) => void | Promise<void>,
): Promise<void> {
  const stub = openTenant(mintId('tenant', Now) as TenantId);
  await runInDurableObject(stub, async (instance) => {
    const at = (ms: number) => {
      instance.clock = { now: () => ms };
      return instance;
    };
    await work(at(Now), at);
  });
}

function newKey(change: { readonly expiresAt?: number } = {}): Parameters<TenantObject['provision']>[0] {
  const expires = change.expiresAt === undefined ? null : new Date(change.expiresAt).toISOString();
  return {
    ...createKey.parse({ name: 'k', expires_at: expires }),
    id: mintId('key', Now) as KeyId,
    prefix: 'fh_0',
    secretHash: Hash,
  };
}

function admits(tenant: TenantObject, keyId: KeyId, secretHash = Hash): boolean {
  return tenant.admit({
    credential: { kind: 'key', keyId, secretHash },
    permission: 'agents:read',
    agentRef: null,
    reach: 'own',
  }).ok;
}

const principalOf = (id: KeyId): Principal => ({
  kind: 'key',
  id,
  permissions: [],
  scope: { project: null, environment: null, agent: null },
});

const someTurn = { conversation: mintId('conversation', Now), agent: null, run: mintId('run', Now) };
const noNeed = { micros: 0, tokens: 0 };

describe("a key's end", () => {
  test('is exact: the last millisecond before it is served, and it itself is not', () =>
    inTenant((tenant, at) => {
      const key = newKey({ expiresAt: Now + 60_000 });
      tenant.provision(key, operatorActor);
      for (const [moment, served] of [
        [Now, true],
        [Now + 59_999, true],
        [Now + 60_000, false],
        [Now + 60_001, false],
        ...leaps.map((leap) => [leap, false] as const),
      ] as const) {
        expect(admits(at(moment), key.id), String(moment)).toBe(served);
      }
    }));

  test('depends on the present alone, however the clock jumped before, and no jump throws', () =>
    inTenant((tenant, at) => {
      const key = newKey({ expiresAt: Now + 60_000 });
      tenant.provision(key, operatorActor);
      for (const first of jumps) {
        for (const second of [...jumps, ...leaps.map((leap) => leap - Now)]) {
          admits(at(Now + first), key.id);
          expect(admits(at(Now + second), key.id), `${first} then ${second}`).toBe(second < 60_000);
          expect(at(Now + second).admitRun(principalOf(key.id), someTurn, noNeed).ok).toBe(second < 60_000);
          expect(at(Now + second).keys.list(10, undefined).data[0]!.status).toBe(
            second < 60_000 ? 'active' : 'expired',
          );
        }
      }
    }));

  test('by revocation stands at every time, before it as well as after', () =>
    inTenant((tenant, at) => {
      const key = newKey();
      tenant.provision(key, operatorActor);
      expect(admits(tenant, key.id)).toBe(true);
      tenant.keys.revoke(key.id, principalOf(key.id));
      for (const jump of jumps) {
        expect(admits(at(Now + jump), key.id)).toBe(false);
        expect(at(Now + jump).keys.revoke(key.id, principalOf(key.id))).toMatchObject({
          value: { status: 'revoked', revoked_at: new Date(Now).toISOString() },
        });
      }
    }));

  test('is not needed for a wrong secret, which is refused at any time', () =>
    inTenant((tenant, at) => {
      const key = newKey();
      tenant.provision(key, operatorActor);
      for (const wrong of ['', 'b'.repeat(64), Hash.slice(0, 63), `${Hash.slice(1)}b`])
        expect(admits(at(Now), key.id, wrong), wrong).toBe(false);
    }));
});

describe('an Idempotency-Key', () => {
  const begin = (tenant: TenantObject, fingerprint = 'f') => tenant.beginIdempotent('scope', fingerprint);
  const kindOf = (started: ReturnType<typeof begin>) => (started.ok ? started.value.kind : started.failure.code);

  test('runs once, then replays for a day, and is new after it', () =>
    inTenant((tenant, at) => {
      expect(kindOf(begin(tenant))).toBe('execute');
      expect(kindOf(begin(at(Now + 59_999)))).toBe('idempotency_in_progress');
      tenant.completeIdempotent('scope', 201, 'sealed');
      expect(begin(at(Now + Day - 1))).toEqual({ ok: true, value: { kind: 'replay', status: 201, body: 'sealed' } });
      expect(kindOf(begin(at(Now + Day - 1), 'other'))).toBe('idempotency_mismatch');
      expect(kindOf(begin(at(Now + Day)))).toBe('execute');
    }));

  test('whose run has died is taken over as the same run: it began when the first did', () =>
    inTenant((tenant, at) => {
      begin(tenant);
      expect(begin(at(Now + 60_000))).toEqual({ ok: true, value: { kind: 'execute', startedAt: Now } });
      expect(kindOf(begin(at(Now + 60_001)))).toBe('idempotency_in_progress');
    }));

  test('that was given up may be tried again at once, and is the same run', () =>
    inTenant((tenant, at) => {
      begin(tenant);
      tenant.abandonIdempotent('scope');
      expect(begin(at(Now + 5))).toEqual({ ok: true, value: { kind: 'execute', startedAt: Now } });
    }));

  test.each(jumps.filter((jump) => jump < 0))('is never run twice because the clock went back by %d ms', (jump) =>
    inTenant((tenant, at) => {
      begin(tenant);
      expect(kindOf(begin(at(Now + jump)))).toBe('idempotency_in_progress');
      tenant.completeIdempotent('scope', 200, 'sealed');
      expect(kindOf(begin(at(Now + jump)))).toBe('replay');
      expect(kindOf(begin(at(Now)))).toBe('replay');
    }),
  );

  test.each(leaps)('outlives no leap to %d, and none throws', (leap) =>
    inTenant((tenant, at) => {
      begin(tenant);
      tenant.completeIdempotent('scope', 200, 'sealed');
      expect(kindOf(begin(at(leap)))).toBe('execute');
    }),
  );
});

describe('a tenant', () => {
  test('that is suspended refuses every key and every run, at once and after its isolate has gone', async () => {
    const stub = openTenant(mintId('tenant', Now) as TenantId);
    const key = newKey();
    await stub.provision(key, operatorActor);
    await runInDurableObject(stub, (tenant) => void tenant.tenancy.setStatus('suspended', operatorActor));
    await evictDurableObject(stub);
    await runInDurableObject(stub, (tenant) => {
      expect(admits(tenant, key.id)).toBe(false);
      expect(tenant.admitRun(principalOf(key.id), someTurn, noNeed)).toMatchObject({
        failure: { code: 'tenant_suspended' },
      });
      tenant.tenancy.setStatus('active', operatorActor);
      expect(admits(tenant, key.id)).toBe(true);
    });
  });

  test('that was never provisioned admits nobody and cannot be set to anything', () =>
    inTenant((tenant) => {
      expect(admits(tenant, mintId('key', Now) as KeyId)).toBe(false);
      expect(tenant.tenancy.setStatus('active', operatorActor)).toMatchObject({ failure: { code: 'not_found' } });
    }));

  test('keeps its keys, agents and idempotency through an eviction', async () => {
    const stub = openTenant(mintId('tenant', Now) as TenantId);
    const key = newKey();
    await stub.provision(key, operatorActor);
    const read = () =>
      runInDurableObject(stub, (tenant) =>
        JSON.stringify([tenant.keys.list(10, undefined), tenant.agents.list(10, undefined)]),
      );
    const before = await read();
    await evictDurableObject(stub);
    expect(await read()).toBe(before);
  });

  test('whose stored past differs from the code does not begin', async () => {
    const stub = openTenant(mintId('tenant', Now) as TenantId);
    await stub.provision(newKey(), operatorActor);
    await runInDurableObject(stub, (_, state) => {
      migrate(state.storage, tenantMigrations);
      expect(() => migrate(state.storage, [])).toThrow(/newer than this code/);
      expect(() =>
        migrate(state.storage, [{ ...tenantMigrations[0]!, sql: 'SELECT 1' }, ...tenantMigrations.slice(1)]),
      ).toThrow(/was changed after it was applied/);
    });
  });

  test('is not reached by a name that carries none', async () => {
    const listed = Promise.resolve(openTenantByName('nobody').usage('key', 0, Now));
    await expect(listed).rejects.toThrow(/carries no tenant/);
  });

  test('has no alarm that throws when there is nothing to do', async () => {
    const stub = openTenant(mintId('tenant', Now) as TenantId);
    await stub.provision(newKey(), operatorActor);
    await runDurableObjectAlarm(stub);
  });
});
