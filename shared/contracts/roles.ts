/**
 * What a member's role lets them do: one fixed table. A permission names the roles that hold it, so a new one does not
 * compile before it has been given to somebody; an owner holds all. `issuers:write` is an owner's alone, because whoever
 * chooses where tokens come from can become anyone.
 */
import { z } from 'zod';
import { permissions, type Permission } from './keys.ts';

export const roles = ['owner', 'admin', 'developer', 'viewer', 'billing'] as const;
export const role = z.enum(roles);
export type Role = z.infer<typeof role>;

const holders = {
  'inference:invoke': ['admin', 'developer'],
  'conversations:read': ['admin', 'developer', 'viewer'],
  'conversations:write': ['admin', 'developer'],
  'agents:read': ['admin', 'developer', 'viewer'],
  'agents:write': ['admin', 'developer'],
  'memories:read': ['admin', 'developer', 'viewer'],
  'memories:write': ['admin', 'developer'],
  'keys:read': ['admin', 'developer'],
  'keys:write': ['admin', 'developer'],
  'usage:read': ['admin', 'developer', 'viewer', 'billing'],
  'invoices:read': ['admin', 'billing'],
  'budgets:read': ['admin', 'developer', 'viewer', 'billing'],
  'budgets:write': ['admin', 'billing'],
  'members:read': ['admin'],
  'members:write': ['admin'],
  'issuers:read': ['admin'],
  'issuers:write': [],
  'secrets:read': ['admin', 'developer'],
  'secrets:write': ['admin'],
  'audit:read': ['admin'],
  'branding:read': ['admin', 'developer', 'viewer'],
  'branding:write': ['admin', 'developer'],
  'sessions:write': ['admin', 'developer'],
  'tasks:read': ['admin', 'developer', 'viewer'],
  'tasks:write': ['admin', 'developer'],
  'events:read': ['admin', 'developer'],
  'tenant:read': ['admin', 'developer', 'viewer', 'billing'],
  'tenant:write': ['admin'],
  'tenant:export': [],
  'domains:read': ['admin', 'developer', 'viewer'],
  'domains:write': ['admin'],
  'webhooks:read': ['admin', 'developer'],
  'webhooks:write': ['admin', 'developer'],
  'hooks:read': ['admin', 'developer'],
  'hooks:write': ['admin', 'developer'],
  'approvals:read': ['admin', 'developer', 'viewer'],
  'approvals:write': ['admin'],
  'telemetry:read': ['admin', 'developer', 'viewer'],
  'telemetry:write': ['admin', 'developer'],
} as const satisfies Record<Permission, readonly Role[]>;

const holdersOf = (permission: Permission): readonly Role[] => ['owner', ...holders[permission]];

/** What several roles let somebody do together. */
export function permissionsOfRoles(held: readonly Role[]): readonly Permission[] {
  return permissions.filter((permission) => holdersOf(permission).some((each) => held.includes(each)));
}

export const rolePermissions: Readonly<Record<Role, readonly Permission[]>> = {
  owner: permissionsOfRoles(['owner']),
  admin: permissionsOfRoles(['admin']),
  developer: permissionsOfRoles(['developer']),
  viewer: permissionsOfRoles(['viewer']),
  billing: permissionsOfRoles(['billing']),
};
