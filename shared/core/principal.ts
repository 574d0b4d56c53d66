/**
 * Who acts, and what that lets them do. Pure: the same decision wherever it is asked.
 */
import { err, ok, type Result } from './result.ts';
import type { AgentId, KeyId, MemberId, UserId, VisitorId } from './ids.ts';

export type PrincipalScope = {
  readonly project: string | null;
  readonly environment: 'dev' | 'staging' | 'prod' | null;
  readonly agent: AgentId | null;
};

export type Principal = {
  readonly kind: 'key' | 'visitor' | 'user';
  /** The id of the key, visitor, member or user: the author of what is written. */
  readonly id: KeyId | VisitorId | MemberId | UserId;
  readonly permissions: readonly string[];
  readonly scope: PrincipalScope;
  /** When the credential ends by itself, where that is known: what was granted on it is not kept beyond. */
  readonly until?: number;
  /** W3C: of the request by which it acts, for the events of what it does. It says nothing of who it is. */
  readonly traceparent?: string;
};

/** As it is kept for what it will do later, which is no part of that request. */
export function toKeptPrincipal({ kind, id, permissions, scope, until }: Principal): Principal {
  return { kind, id, permissions, scope, ...(until === undefined ? {} : { until }) };
}

/**
 * Permission first, then reach: a principal bound to one agent acts on that agent alone. What lies inside a
 * conversation is decided by the conversation itself, so `reach: 'own'` skips the second check.
 */
export function authorize(
  principal: Principal,
  permission: string | null,
  reach: { readonly agent: AgentId | null } | 'own',
): Result<undefined> {
  if (permission !== null && !principal.permissions.includes(permission)) {
    return err('permission_denied', `This credential lacks the permission "${permission}".`);
  }
  if (reach !== 'own' && principal.scope.agent !== null && principal.scope.agent !== reach.agent) {
    return err('permission_denied', 'This credential works for one agent only, and not for this.');
  }
  return ok();
}

/** Whether it is bound to no part of its tenant. */
export function isWholeTenant({ scope }: Pick<Principal, 'scope'>): boolean {
  return scope.project === null && scope.environment === null && scope.agent === null;
}

/** A credential as it is handed out: what it allows, and until when. */
export type Reach = {
  readonly permissions: readonly string[];
  readonly scope: Omit<PrincipalScope, 'agent'> & { readonly agent: string | null };
  /** Null: without end. */
  readonly expires_at: string | null;
};

/**
 * Whether `other` may do nothing that the principal may not, and not longer: who hands out a credential must hold at
 * least its rights. Undefined where it covers, otherwise what is beyond.
 */
export function findExcess(principal: Principal, other: Reach): string | undefined {
  const beyond = other.permissions.find((permission) => !principal.permissions.includes(permission));
  if (beyond !== undefined) return beyond;
  const wider = (['project', 'environment', 'agent'] as const).find(
    (bound) => principal.scope[bound] !== null && principal.scope[bound] !== other.scope[bound],
  );
  return wider ?? (outlives(other.expires_at, principal) ? 'expires_at' : undefined);
}

/** Whether what ends then, or with null never, is there longer than the principal's own credential. */
export function outlives(expiresAt: string | null, { until }: Principal): boolean {
  return until !== undefined && (expiresAt === null || Date.parse(expiresAt) > until);
}
