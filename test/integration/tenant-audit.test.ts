/** The tenant's audit trail inside workerd: a change and its entry are one, and no row can be touched unseen. (M-3) */
import { evictDurableObject } from 'cloudflare:test';
import { describe, expect, test } from 'vitest';
import type { TenantObject } from '../../durable-objects/tenant/tenant-object.ts';
import { createAgent } from '../../shared/contracts/agents.ts';
import type { Credential } from '../../shared/contracts/admission.ts';
import { createIssuer } from '../../shared/contracts/issuers.ts';
import { createMember } from '../../shared/contracts/members.ts';
import { createBudget } from '../../shared/contracts/budgets.ts';
import { auditQuery, operatorActor } from '../../shared/contracts/audit.ts';
import { mintId } from '../../shared/core/ids.ts';
import type { Result } from '../../shared/core/result.ts';
import { AuditVerifier } from '../../shared/store/audit-chain.ts';
import { admin, hashOf, must, newKey, openTenant, start } from './tenant-env.ts';

const agentId = mintId('agent', start);
const agent = createAgent.parse({ slug: 'concierge', name: 'Concierge' });
const nextDefinition = { ...agent.definition, instructions: 'Be kind.' };
const key = newKey({ rate_limit: { requests_per_minute: 60 } });
const issuer = {
  ...createIssuer.parse({ issuer: 'https://id.example.com', audience: 'freehold' }),
  authorization_endpoint: null,
  token_endpoint: null,
  id: mintId('issuer', start),
};
const memberId = mintId('member', start);
const member = createMember.parse({ issuer: issuer.id, email: 'ada@example.com', role: 'viewer' });
const visit: Credential = {
  kind: 'user',
  issuerId: issuer.id,
  subject: 'ada',
  email: 'ada@example.com',
  jti: null,
  roles: [],
};
const budgetId = mintId('budget', start);
const budget = createBudget.parse({ name: 'all', limit_micros: 1, window: 'month' });

/** Every change that the object offers, in an order in which each has something to change. */
const changes: readonly (readonly [action: string, change: (object: TenantObject) => Result<unknown>])[] = [
  ['key.created', (object) => object.keys.create(key, admin)],
  ['key.rotated', (object) => object.keys.rotate(key.id, hashOf('second'), 60, admin)],
  ['key.revoked', (object) => object.keys.revoke(key.id, admin)],
  ['agent.created', (object) => object.agents.create(agentId, agent, admin)],
  ['agent.version_created', (object) => object.agents.addVersion(agentId, nextDefinition, admin)],
  ['agent.published', (object) => object.agents.publish(agentId, 2, 'prod', admin)],
  ['agent.rolled_back', (object) => object.agents.rollback(agentId, 'prod', admin)],
  ['agent.updated', (object) => object.agents.update(agentId, { name: 'Another', publish: true }, admin)],
  ['agent.deleted', (object) => object.agents.delete(agentId, admin)],
  ['issuer.created', (object) => object.people.createIssuer(admin, issuer)],
  ['member.created', (object) => object.people.createMember(admin, memberId, member)],
  ['member.joined', (object) => object.admit({ credential: visit, permission: null, agentRef: null, reach: 'own' })],
  ['member.updated', (object) => object.people.updateMember(admin, memberId, { role: 'developer' })],
  ['member.deleted', (object) => object.people.deleteMember(admin, memberId)],
  [
    'issuer.updated',
    (object) =>
      object.people.updateIssuer(admin, issuer.id, {
        client_id: 'console',
        authorization_endpoint: 'https://login.example.com/auth',
        token_endpoint: 'https://login.example.com/token',
      }),
  ],
  ['issuer.deleted', (object) => object.people.deleteIssuer(admin, issuer.id)],
  ['budget.created', (object) => object.budgets.create(budgetId, budget, admin)],
  ['budget.updated', (object) => object.budgets.update(budgetId, { limit_micros: 2 }, admin)],
  ['budget.deleted', (object) => object.budgets.delete(budgetId, admin)],
  ['secret.created', (object) => object.vault.create({ name: 'mail', value: 'v1' }, admin)],
  ['secret.rotated', (object) => object.vault.rotate('mail', 'v2', admin)],
  ['secret.accessed', (object) => object.vault.reveal('mail', 'to send mail', admin)],
  ['secrets.key_rotated', (object) => object.vault.rotateDataKey(admin)],
  ['secret.deleted', (object) => object.vault.delete('mail', admin)],
  ['tenant.suspended', (object) => object.tenancy.setStatus('suspended', operatorActor)],
  ['tenant.reactivated', (object) => object.tenancy.setStatus('active', operatorActor)],
];

/** All that the object's tables hold, the trail aside. */
function contents({ storage }: DurableObjectState): string {
  const tables = storage.sql
    .exec<{ name: string }>(
      "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'audit%' AND name NOT LIKE '\\_cf%' ESCAPE '\\'",
    )
    .toArray();
  return JSON.stringify(
    tables.map(({ name }) => [name, storage.sql.exec(`SELECT * FROM ${name}`).toArray()]),
    (_, value: unknown) => (value instanceof ArrayBuffer ? [...new Uint8Array(value)] : value),
  );
}

describe('a change', () => {
  test('of any kind has one entry, which says who did what to what; the chain holds', async () => {
    const { run, trail, verify, tenant } = await openTenant();
    for (const [action, change] of changes) {
      const before = await trail();
      must(await run(change));
      const added = (await trail()).slice(before.length);
      expect(added.map((entry) => entry.action)).toEqual([action]);
      const joined = { kind: 'user', id: memberId };
      const manager = action.startsWith('tenant.') ? operatorActor : { kind: 'key', id: admin.id };
      const actor = action === 'member.joined' ? joined : manager;
      expect(added[0]).toMatchObject({ actor, outcome: 'succeeded', time: new Date(start).toISOString(), tenant });
      if (action !== 'secrets.key_rotated') expect(added[0]!.target).toBeTruthy();
    }
    expect((await trail()).slice(0, 2).map(({ action }) => action)).toEqual(['tenant.created', 'key.created']);
    expect(await verify()).toMatchObject({ valid: true, entries: changes.length + 2 });
  });

  test('whose entry cannot be written does not happen', async () => {
    const { run, trail, verify } = await openTenant();
    for (const [action, change] of changes) {
      await run((object, state) => {
        const { sql } = state.storage;
        sql.exec("CREATE TRIGGER no_entry BEFORE INSERT ON audit BEGIN SELECT RAISE(ABORT, 'disk full'); END");
        const before = contents(state);
        expect(() => change(object), action).toThrow('disk full');
        expect(contents(state), action).toBe(before);
        sql.exec('DROP TRIGGER no_entry');
      });
      // The object is none the worse for it: the same change goes through, and what is in memory agrees.
      must(await run(change));
    }
    expect((await trail()).map((entry) => entry.action).slice(2)).toEqual(changes.map(([action]) => action));
    expect((await verify()).valid).toBe(true);
  });

  test('that fails half-way has no entry', async () => {
    const { run, trail } = await openTenant();
    const before = await trail();
    await run((object, { storage }) => {
      storage.sql.exec("CREATE TRIGGER no_key BEFORE INSERT ON keys BEGIN SELECT RAISE(ABORT, 'disk full'); END");
      expect(() => object.keys.create(newKey(), admin)).toThrow('disk full');
    });
    expect(await trail()).toEqual(before);
  });

  test('that is refused, or changes nothing, has no entry', async () => {
    const { run, trail, adminKey } = await openTenant();
    await run((object) => {
      must(object.keys.create(key, admin));
      must(object.keys.revoke(key.id, admin));
    });
    const before = await trail();
    await run((object) => {
      must(object.keys.create(key, admin));
      must(object.keys.revoke(key.id, admin));
      must(object.tenancy.setStatus('active', operatorActor));
      expect(object.keys.rotate(key.id, hashOf('x'), 0, admin).ok).toBe(false);
      expect(object.keys.revoke('key_nobody', admin).ok).toBe(false);
      expect(object.agents.delete('nobody', admin).ok).toBe(false);
      expect(object.vault.delete('nobody', admin).ok).toBe(false);
      must(object.keys.rotate(adminKey.id, hashOf('once'), 60, admin));
      must(object.keys.rotate(adminKey.id, hashOf('once'), 60, admin));
    });
    expect((await trail()).slice(before.length).map(({ action }) => action)).toEqual(['key.rotated']);
  });
});

describe('a refused credential', () => {
  test('has an entry with the reason that its caller is not told', async () => {
    const { run, clock, admit, trail, adminKey } = await openTenant();
    const expiring = newKey({ expires_at: new Date(start + 1_000).toISOString() });
    await run((object) => must(object.keys.create(expiring, admin)));
    clock.at = start + 1_000;
    const tries = [
      [mintId('key', 1), hashOf('x'), 'unknown key'],
      [adminKey.id, hashOf('x'), 'wrong secret'],
      [expiring.id, expiring.secretHash, 'key expired'],
    ] as const;
    for (const [id, hash, reason] of tries) {
      const refused = await admit(id, hash);
      expect(refused).toMatchObject({ ok: false, failure: { code: 'invalid_api_key' } });
      expect((await trail()).at(-1)).toMatchObject({
        action: 'auth.failed',
        actor: { kind: 'key', id },
        outcome: 'refused',
        details: { reason, times: 1 },
      });
    }
  });

  test('of a flood is one of sixty entries a minute, then of a count, which outlives an eviction', async () => {
    const { run, clock, trail, verify, stub } = await openTenant();
    const before = (await trail()).length;
    const fail = () => run((object) => object.enterAuthFailure({ kind: 'key', id: 'key_x' }, 'wrong secret'));
    for (let at = 0; at < 188; at++) await fail();
    expect((await trail()).length - before).toBe(60);
    await evictDurableObject(stub);
    clock.at += 59_999;
    await fail();
    expect((await trail()).length - before).toBe(60);
    clock.at += 1;
    const counted = (await trail()).at(-1)!;
    expect(counted).toMatchObject({
      action: 'auth.failures_counted',
      details: { since: new Date(start).toISOString() },
    });
    expect(counted.details['at_least']).toBeGreaterThanOrEqual(64);
    expect(await trail()).toHaveLength(before + 61);
    await fail();
    expect(
      (await trail())
        .slice(before)
        .map(({ action }) => action)
        .slice(60),
    ).toEqual(['auth.failures_counted', 'auth.failed']);
    expect((await verify()).valid).toBe(true);
  });
});

describe('the stored trail', () => {
  test('refuses to be changed or deleted by the code', async () => {
    const { run } = await openTenant();
    await run((_, { storage }) => {
      expect(() => storage.sql.exec("UPDATE audit SET action = 'x' WHERE sequence = 1")).toThrow('append-only');
      expect(() => storage.sql.exec('DELETE FROM audit WHERE sequence = 1')).toThrow('append-only');
    });
  });

  test('of a thousand rows shows every edit of a column, deletion, swap and cut made on the disk', async () => {
    const { run, verify, tenant } = await openTenant();
    await run((object) => {
      for (let at = 2; at < 1_000; at++) must(object.keys.create(newKey(), admin));
    });
    expect(await verify()).toMatchObject({ valid: true, entries: 1_000 });
    await run((_, { storage }) => {
      storage.sql.exec('DROP TRIGGER audit_is_never_changed');
      storage.sql.exec('DROP TRIGGER audit_is_never_deleted');
    });
    const edits = [
      "time = '2026-01-01T00:00:00.000Z'",
      "actor_kind = 'forged'",
      "actor_id = 'key_x'",
      "action = 'forged'",
      "target = 'key_x'",
      'target = NULL',
      "outcome = 'refused'",
      `details = '{"forged":true}'`,
      "details = details || ' '",
      "details = 'no JSON'",
      "previous_hash = ''",
      "hash = ''",
      'action = CAST(action AS BLOB)',
      'sequence = -sequence',
    ].map((edit) => (place: number) => `UPDATE audit SET ${edit} WHERE sequence = ${place}`);
    const tampers = [
      ...edits,
      (place: number) => `DELETE FROM audit WHERE sequence = ${place}`,
      (place: number) => `DELETE FROM audit WHERE sequence >= ${place}`,
      (place: number) =>
        `UPDATE audit SET sequence = CASE sequence WHEN ${place} THEN -1 ELSE ${place} END WHERE sequence IN (${place}, ${place + 1})`,
    ];
    for (const [at, tamper] of tampers.entries()) {
      for (const place of [1, 2, 1 + ((at * 137) % 998), 499, 500, 501, 999, 1_000]) {
        await run((object, { storage }) => {
          try {
            storage.transactionSync(() => {
              storage.sql.exec(tamper(place));
              const verifier = new AuditVerifier(tenant);
              for (let after = 0; ;) {
                const { entries, head } = object.audit.page(after, 500);
                verifier.push(entries);
                if (entries.length < 500) {
                  expect(verifier.finish(head).first_invalid?.sequence, tamper(place)).toBe(place);
                  break;
                }
                after = entries.at(-1)!.sequence;
              }
              throw new Error('put it back');
            });
          } catch (error) {
            if ((error as Error).message !== 'put it back') throw error;
          }
        });
      }
    }
    expect((await verify()).valid).toBe(true);
  });

  test('is listed newest first, in pages, by action, kind of action, actor and time', async () => {
    const { run, clock } = await openTenant();
    for (const [, change] of changes) {
      clock.at += 1_000;
      await run(change);
    }
    const list = (query: object) => run((object) => object.audit.list(auditQuery.parse(query)));
    const all = (await list({ limit: 100 })).data;
    expect(all.map(({ sequence }) => sequence)).toEqual(all.map((_, at) => all.length - at));
    const paged = [];
    for (let cursor: string | null | undefined; cursor !== null;) {
      const page = await list({ limit: 5, ...(cursor ? { cursor } : {}) });
      paged.push(...page.data);
      cursor = page.next_cursor;
    }
    expect(paged).toEqual(all);
    expect((await list({ action: 'key.created' })).data).toHaveLength(2);
    expect((await list({ action: 'agent.*' })).data).toHaveLength(6);
    expect((await list({ action: '%' })).data).toHaveLength(0);
    expect((await list({ actor: 'operator' })).data).toHaveLength(4);
    const from = new Date(start + 3_000).toISOString();
    const window = await list({ from: from.replace('.000Z', 'Z'), to: new Date(start + 5_000).toISOString() });
    expect(window.data.map(({ action }) => action)).toEqual(['agent.created', 'key.revoked']);
    expect((await list({ cursor: 'nonsense' })).data).toHaveLength(0);
  });

  test('goes on after an eviction where it was', async () => {
    const { run, stub, verify } = await openTenant();
    await evictDurableObject(stub);
    await run((object) => must(object.keys.create(newKey(), admin)));
    expect(await verify()).toMatchObject({ valid: true, entries: 3 });
  });
});
