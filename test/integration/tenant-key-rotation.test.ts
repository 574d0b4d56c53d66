/** Rotation of a key with grace: both secrets work until it ends, to the millisecond, and never again after. (S-5, S-8) */
import { evictDurableObject } from 'cloudflare:test';
import { describe, expect, test } from 'vitest';
import type { CreateKey } from '../../shared/contracts/keys.ts';
import type { Principal } from '../../shared/core/principal.ts';
import { admin, hashOf, must, newKey, openTenant, start } from './tenant-env.ts';

const GraceSeconds = 600;
const End = start + GraceSeconds * 1000;

async function withRotatedKey(graceSeconds = GraceSeconds, partial: Partial<CreateKey> = {}) {
  const opened = await openTenant();
  const key = newKey(partial);
  const [old, next] = [key.secretHash, hashOf('next')];
  await opened.run((object) => must(object.keys.create(key, admin)));
  const rotate = (hash: string, seconds = graceSeconds) =>
    opened.run((object) => object.keys.rotate(key.id, hash, seconds, admin));
  const admits = async (hash: string) => (await opened.admit(key.id, hash)).ok;
  const rotated = must(await rotate(next));
  return { ...opened, key, old, next, rotate, admits, rotated };
}

describe('a rotated key', () => {
  test('keeps its id and everything but its secret; the old one works to the last millisecond of the grace', async () => {
    const { admits, clock, old, next, rotated, key } = await withRotatedKey();
    expect(rotated).toMatchObject({
      id: key.id,
      prefix: key.prefix,
      status: 'active',
      rotated_at: new Date(start).toISOString(),
      grace_until: new Date(End).toISOString(),
    });
    for (const [at, stands] of [
      [start, true],
      [End - 1, true],
      [End, false],
      [End + 1, false],
    ] as const) {
      clock.at = at;
      expect(await admits(old), String(at - End)).toBe(stands);
      expect(await admits(next)).toBe(true);
    }
  });

  test('without a grace refuses the old secret at once', async () => {
    const { admits, old, next, rotated } = await withRotatedKey(0);
    expect(rotated.grace_until).toBeNull();
    expect([await admits(old), await admits(next)]).toEqual([false, true]);
  });

  test('in use all the while is refused in no request of the grace, and accepted in none after', async () => {
    const { run, key, clock, old, next } = await withRotatedKey();
    const counts = await run((object) => {
      const counts = { during: 0, after: 0, next: 0 };
      for (let at = 0; at < 5_000; at++) {
        clock.at = start + Math.round((at / 2_500) * GraceSeconds * 1000);
        const ask = (secretHash: string) =>
          object.admit({
            credential: { kind: 'key', keyId: key.id, secretHash },
            permission: null,
            agentRef: null,
            reach: 'own',
          }).ok;
        if (ask(old)) counts[clock.at < End ? 'during' : 'after']++;
        if (ask(next)) counts.next++;
      }
      return counts;
    });
    expect(counts).toEqual({ during: 2_500, after: 0, next: 5_000 });
  });

  test('rotated again in its grace knows the newest secret and the one before, and no older', async () => {
    const { admits, rotate, clock, old, next } = await withRotatedKey();
    clock.at += 1_000;
    must(await rotate(hashOf('third'), 60));
    expect([await admits(old), await admits(next), await admits(hashOf('third'))]).toEqual([false, true, true]);
    clock.at += 60_000;
    expect([await admits(old), await admits(next), await admits(hashOf('third'))]).toEqual([false, false, true]);
  });

  test('whose grace was seen to end is not brought back by a clock that jumps back, nor by an eviction', async () => {
    const { admits, clock, old, next, stub } = await withRotatedKey();
    clock.at = End;
    expect(await admits(next)).toBe(true);
    for (const back of [1, 600_000, 86_400_000]) {
      clock.at = End - back;
      expect([await admits(old), await admits(next)]).toEqual([false, true]);
      await evictDurableObject(stub);
      expect([await admits(old), await admits(next)]).toEqual([false, true]);
    }
  });

  test('is good in its grace when the clock jumps back or ahead, and over when it leaps beyond', async () => {
    const { admits, clock, old, next } = await withRotatedKey();
    clock.at = start - 600_000;
    expect([await admits(old), await admits(next)]).toEqual([true, true]);
    clock.at = Date.UTC(9999, 0, 1);
    expect([await admits(old), await admits(next)]).toEqual([false, true]);
  });

  test('loses both secrets with its revocation or its expiry, whatever the grace', async () => {
    const { admits, run, key, old, next } = await withRotatedKey();
    await run((object) => must(object.keys.revoke(key.id, admin)));
    expect([await admits(old), await admits(next)]).toEqual([false, false]);
    const expiring = await withRotatedKey(GraceSeconds, { expires_at: new Date(start + 1_000).toISOString() });
    expiring.clock.at += 1_000;
    expect([await expiring.admits(expiring.old), await expiring.admits(expiring.next)]).toEqual([false, false]);
  });

  test('that is revoked, expired or not there is not rotated', async () => {
    const { run, key, rotate, trail } = await withRotatedKey();
    await run((object) => must(object.keys.revoke(key.id, admin)));
    const before = await trail();
    expect(await rotate(hashOf('x'))).toMatchObject({ failure: { code: 'conflict' } });
    const expiring = await withRotatedKey(GraceSeconds, { expires_at: new Date(start + 1_000).toISOString() });
    expiring.clock.at += 1_000;
    expect(await expiring.rotate(hashOf('x'))).toMatchObject({ failure: { code: 'conflict' } });
    expect(await run((object) => object.keys.rotate('key_nobody', hashOf('x'), 0, admin))).toMatchObject({
      failure: { code: 'not_found' },
    });
    expect(await trail()).toEqual(before);
  });

  test('is the same key when the same request runs again: the secret before it stays good', async () => {
    const { admits, rotate, old, next, trail, rotated } = await withRotatedKey();
    expect(must(await rotate(next))).toEqual(rotated);
    expect([await admits(old), await admits(next)]).toEqual([true, true]);
    expect((await trail()).filter(({ action }) => action === 'key.rotated')).toHaveLength(1);
  });

  test('tells who is admitted when the credential ends, so that no lease outlives it', async () => {
    const { admit, key, old, next } = await withRotatedKey();
    expect(must(await admit(key.id, old)).principal.until).toBe(End);
    expect(must(await admit(key.id, next)).principal.until).toBeUndefined();
  });
});

describe('who rotates a key', () => {
  const scope = { project: null, environment: null, agent: null } as const;
  const weak = (partial: Partial<Principal>): Principal => ({ ...admin, permissions: ['keys:write'], ...partial });

  test.each([
    ['fewer permissions', weak({})],
    ['one permission less', weak({ permissions: admin.permissions.slice(1) })],
    ['a project of its own', weak({ permissions: admin.permissions, scope: { ...scope, project: 'shop' } })],
    ['an environment of its own', weak({ permissions: admin.permissions, scope: { ...scope, environment: 'dev' } })],
  ])('gets no secret of a key beyond its own with %s', async (_, principal) => {
    const { run, key, admits, next } = await withRotatedKey();
    const refused = await run((object) => object.keys.rotate(key.id, hashOf('stolen'), 0, principal));
    expect(refused).toMatchObject({ failure: { code: 'permission_denied' } });
    expect([await admits(hashOf('stolen')), await admits(next)]).toEqual([false, true]);
  });

  test('may rotate a key that has no more than itself', async () => {
    const { run, key, admits } = await withRotatedKey(0, {
      permissions: ['agents:read'],
      scope: { ...scope, project: 'shop' },
    });
    const equal = weak({ permissions: ['keys:write', 'agents:read'], scope: { ...scope, project: 'shop' } });
    must(await run((object) => object.keys.rotate(key.id, hashOf('fresh'), 0, equal)));
    expect(await admits(hashOf('fresh'))).toBe(true);
  });
});
