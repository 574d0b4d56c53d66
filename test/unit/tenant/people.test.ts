/** Who the bearer of a verified token is, over a real SQLite: and for how long. */
import { DatabaseSync } from 'node:sqlite';
import { beforeEach, describe, expect, test } from 'vitest';
import { mintId, type IssuerId } from '../../../shared/core/ids.ts';
import type { Principal } from '../../../shared/core/principal.ts';
import type { UserCredential } from '../../../shared/contracts/admission.ts';
import { permissions } from '../../../shared/contracts/keys.ts';
import { rolePermissions } from '../../../shared/contracts/roles.ts';
import { People } from '../../../durable-objects/tenant/people.ts';
import { tenantMigrations } from '../../../durable-objects/tenant/tenant-migrations.ts';

const key: Principal = {
  kind: 'key',
  id: mintId('key', 0),
  permissions,
  scope: { project: null, environment: null, agent: null },
};
const issuerId = mintId('issuer', 1);
let database: DatabaseSync;
let people: People;

function sqlOf(target: DatabaseSync): SqlStorage {
  const exec = (query: string, ...bound: (string | number | null)[]) => {
    const rows = target.prepare(query).all(...bound);
    return { toArray: () => rows };
  };
  return { exec } as unknown as SqlStorage;
}

const register = (id: IssuerId, url: string) =>
  people.createIssuer(key, {
    id,
    issuer: url,
    audience: 'freehold',
    algorithms: ['ES256'],
    role_mappings: [],
    jwks_uri: null,
    client_id: null,
    authorization_endpoint: null,
    token_endpoint: null,
  });
const come = (subject: string, change: Partial<UserCredential> = {}) =>
  people.identify({ kind: 'user', issuerId, subject, email: null, jti: null, roles: [], ...change });
const idOf = (known: ReturnType<typeof come>) => (known.ok ? known.value.id : known.failure.code);

beforeEach(() => {
  database = new DatabaseSync(':memory:');
  for (const { sql } of tenantMigrations) database.exec(sql);
  people = new People(sqlOf(database), { now: () => 1_000 });
  register(issuerId, 'https://op.example.com');
});

describe('somebody with a role by their claims', () => {
  test('is the same user at every visit, with what the roles hold together, until the issuer is gone', () => {
    const first = come('ann', { roles: ['viewer', 'billing'] });
    expect(first.ok && first.value.kind).toBe('user');
    expect(new Set(first.ok ? first.value.permissions : [])).toEqual(
      new Set([...rolePermissions.viewer, ...rolePermissions.billing]),
    );
    expect(idOf(first)).toMatch(/^usr_/);
    expect(idOf(come('ann', { roles: ['owner'] }))).toBe(idOf(first));
    expect(idOf(come('bob', { roles: ['viewer'] }))).not.toBe(idOf(first));
    expect(people.isActive(idOf(first))).toBe(true);
    people.deleteIssuer(key, issuerId);
    expect(people.isActive(idOf(first))).toBe(false);
    expect(idOf(come('ann', { roles: ['owner'] }))).toBe('invalid_api_key');
  });

  test('of one issuer is nobody of another, though the subject is the same', () => {
    const other = mintId('issuer', 2);
    register(other, 'https://other.example.com');
    const member = mintId('member', 1);
    people.createMember(key, member, { issuer: issuerId, subject: 'ann', email: 'ann@example.com', role: 'owner' });
    expect(idOf(come('ann'))).toBe(member);
    expect(idOf(come('ann', { issuerId: other }))).toBe('invalid_api_key');
    expect(idOf(come('ann', { issuerId: other, email: 'ann@example.com' }))).toBe('invalid_api_key');
  });
});

describe('a member', () => {
  const member = mintId('member', 1);
  const make = (who: object) => people.createMember(key, member, { issuer: issuerId, role: 'developer', ...who });

  test('who is suspended or removed in the middle of a turn goes no further', () => {
    make({ subject: 'ann' });
    expect(people.isActive(member)).toBe(true);
    people.updateMember(key, member, { status: 'suspended' });
    expect(people.isActive(member)).toBe(false);
    people.updateMember(key, member, { status: 'active' });
    expect(people.isActive(member)).toBe(true);
    people.deleteMember(key, member);
    expect(people.isActive(member)).toBe(false);
  });

  test('whose invitation was suspended is not let in by it', () => {
    make({ email: 'ann@example.com' });
    people.updateMember(key, member, { status: 'suspended' });
    expect(idOf(come('ann', { email: 'ann@example.com', roles: ['owner'] }))).toBe('invalid_api_key');
    people.updateMember(key, member, { status: 'active' });
    expect(people.findMember(member)).toMatchObject({ value: { status: 'invited' } });
    expect(idOf(come('ann', { email: 'ann@example.com' }))).toBe(member);
  });

  test('is made once by a request that is repeated', () => {
    expect(make({ subject: 'ann' })).toEqual(make({ subject: 'ann' }));
    expect(people.listMembers(10, undefined).data).toHaveLength(1);
  });
});

test('what was in the ledger before there were users stays, and has none', () => {
  const old = new DatabaseSync(':memory:');
  const at = tenantMigrations.findIndex(({ id }) => id === '0002_people');
  for (const { sql } of tenantMigrations.slice(0, at)) old.exec(sql);
  const columns = (old.prepare("SELECT name FROM pragma_table_info('ledger')").all() as { name: string }[]).map(
    ({ name }) => name,
  );
  old
    .prepare(`INSERT INTO ledger (${columns.join(', ')}) VALUES (${columns.map(() => '?').join(', ')})`)
    .run(...columns.map((name) => (name === 'id' ? 'rcp_1' : 0)));
  old.exec(tenantMigrations[at]!.sql);
  expect({ ...old.prepare('SELECT id, user_id FROM ledger').get() }).toEqual({ id: 'rcp_1', user_id: null });
});
