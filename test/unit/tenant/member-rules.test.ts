/** Whatever is tried in whatever order: nobody gives what they lack, and a tenant that has an owner keeps one. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { permissions } from '../../../shared/contracts/keys.ts';
import { permissionsOfRoles, rolePermissions, roles, type Role } from '../../../shared/contracts/roles.ts';
import { mintId } from '../../../shared/core/ids.ts';
import type { Principal } from '../../../shared/core/principal.ts';
import {
  requireGrantable,
  validateRemoval,
  validateUpdate,
  type Standing,
} from '../../../durable-objects/tenant/member-rules.ts';

const principal = (held: readonly string[], scope: Partial<Principal['scope']> = {}): Principal => ({
  kind: 'user',
  id: mintId('member', 0),
  permissions: held,
  scope: { project: null, environment: null, agent: null, ...scope },
});
const owner = principal(permissions);
const anyRole = fc.constantFrom(...roles);
const anyStatus = fc.constantFrom<Standing['status']>('active', 'invited', 'suspended');

describe('the table of roles', () => {
  test('an owner holds every permission, and everybody else less', () => {
    expect(rolePermissions.owner).toEqual(permissions);
    for (const role of roles.filter((each) => each !== 'owner'))
      expect(rolePermissions[role].length).toBeLessThan(permissions.length);
  });

  test('several roles hold what each of them holds, and nothing else', () => {
    fc.assert(
      fc.property(fc.subarray([...roles]), (held) => {
        expect(new Set(permissionsOfRoles(held))).toEqual(new Set(held.flatMap((role) => rolePermissions[role])));
      }),
    );
  });
});

describe('giving a role', () => {
  test('takes everything that the role holds, by whatever credential', () => {
    fc.assert(
      fc.property(fc.subarray([...permissions]), anyRole, (held, role) => {
        const lacks = rolePermissions[role].some((permission) => !held.includes(permission));
        expect(requireGrantable(principal(held), role, 'role').ok).toBe(!lacks);
      }),
    );
  });

  test.each([{ project: 'web' }, { environment: 'dev' as const }, { agent: mintId('agent', 0) }])(
    'is not for a credential of %j',
    (scope) => {
      expect(requireGrantable(principal(permissions, scope), 'billing', 'role')).toMatchObject({
        ok: false,
        failure: { code: 'permission_denied' },
      });
    },
  );

  test('and taking one takes as much: an admin changes no owner', () => {
    const admin = principal(rolePermissions.admin);
    const target: Standing = { id: 'mbr_1', role: 'owner', status: 'active' };
    const others = [target, { ...target, id: 'mbr_2' }];
    expect(validateUpdate(admin, others, target, { status: 'suspended' })).toMatchObject({
      failure: { code: 'permission_denied' },
    });
    expect(validateRemoval(admin, others, target)).toMatchObject({ failure: { code: 'permission_denied' } });
  });
});

test('a tenant with an owner who can act has one after any sequence of changes', () => {
  const member = fc.record({ role: anyRole, status: anyStatus });
  const step = fc.record({
    at: fc.nat(20),
    kind: fc.constantFrom('update', 'remove'),
    role: fc.option(anyRole, { nil: undefined }),
    status: fc.option(fc.constantFrom<'active' | 'suspended'>('active', 'suspended'), { nil: undefined }),
  });
  fc.assert(
    fc.property(fc.array(member, { minLength: 1, maxLength: 6 }), fc.array(step, { maxLength: 30 }), (start, steps) => {
      let members: Standing[] = start.map((each, at) => ({ id: `mbr_${at}`, ...each }));
      const acts = () => members.some(({ role, status }) => role === 'owner' && status === 'active');
      const had = acts();
      for (const { at, kind, role, status } of steps) {
        const target = members[at % members.length];
        if (!target) break;
        if (kind === 'remove') {
          if (validateRemoval(owner, members, target).ok) members = members.filter((each) => each !== target);
          continue;
        }
        const change = { role: role as Role | undefined, status };
        const present = Object.fromEntries(Object.entries(change).filter(([, value]) => value !== undefined));
        if (!validateUpdate(owner, members, target, present).ok) continue;
        members = members.map((each) => (each === target ? { ...each, ...present } : each));
      }
      expect(had && !acts()).toBe(false);
    }),
    { numRuns: 2_000 },
  );
});
