/**
 * Who may give which role to whom, and that a tenant keeps an owner. Pure.
 * A role is given, changed or taken only by somebody who holds everything that it allows: so nobody grants a role above
 * their own, whatever kind of credential they carry.
 */
import type { Principal } from '../../shared/core/principal.ts';
import { err, ok, type Result } from '../../shared/core/result.ts';
import type { Member, UpdateMember } from '../../shared/contracts/members.ts';
import { rolePermissions, type Role } from '../../shared/contracts/roles.ts';

export type Standing = Pick<Member, 'id' | 'role' | 'status'>;

export function requireWholeTenant({ scope }: Principal): Result<undefined> {
  const bound = scope.project ?? scope.environment ?? scope.agent;
  return bound === null
    ? ok()
    : err('permission_denied', 'People and issuers are of the whole tenant, and this credential is not.');
}

export function requireGrantable(granter: Principal, role: Role, param: string): Result<undefined> {
  const whole = requireWholeTenant(granter);
  if (!whole.ok) return whole;
  const beyond = rolePermissions[role].find((permission) => !granter.permissions.includes(permission));
  return beyond === undefined
    ? ok()
    : err('permission_denied', `The role "${role}" holds "${beyond}", which this credential lacks.`, { param });
}

/** `members`: everyone of the tenant, the member among them. */
export function validateUpdate(
  granter: Principal,
  members: readonly Standing[],
  target: Standing,
  change: UpdateMember,
): Result<undefined> {
  const before = requireGrantable(granter, target.role, 'member');
  if (!before.ok) return before;
  const role = change.role ?? target.role;
  const after = requireGrantable(granter, role, 'role');
  if (!after.ok) return after;
  return role === 'owner' && change.status !== 'suspended' ? ok() : requireOtherOwner(members, target);
}

export function validateRemoval(granter: Principal, members: readonly Standing[], target: Standing): Result<undefined> {
  const allowed = requireGrantable(granter, target.role, 'member');
  return allowed.ok ? requireOtherOwner(members, target) : allowed;
}

/** One who was invited and never came does not stand in for an owner who can act. */
function requireOtherOwner(members: readonly Standing[], target: Standing): Result<undefined> {
  if (target.role !== 'owner' || target.status === 'suspended') return ok();
  const remains = members.some(
    ({ id, role, status }) =>
      id !== target.id &&
      role === 'owner' &&
      (status === 'active' || (status === 'invited' && target.status === 'invited')),
  );
  return remains ? ok() : err('conflict', 'This is the last owner. Make another member an owner first.');
}
