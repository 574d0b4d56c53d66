/**
 * Which roles a token's claims stand for, by the issuer's mappings. Only own members are looked at, so a claim called
 * `__proto__` is a claim like any other. Pure.
 */
import type { RoleMapping } from '../../../shared/contracts/issuers.ts';
import { roles, type Role } from '../../../shared/contracts/roles.ts';

export function mapRoles(mappings: readonly RoleMapping[], claims: Readonly<Record<string, unknown>>): readonly Role[] {
  const held = new Set(mappings.filter((mapping) => holds(claims, mapping)).map(({ role }) => role));
  return roles.filter((role) => held.has(role));
}

function holds(claims: Readonly<Record<string, unknown>>, { claim, value }: RoleMapping): boolean {
  const found = readClaim(claims, claim);
  return found === value || (Array.isArray(found) && found.includes(value));
}

/** A name, or a JSON pointer (RFC 6901). */
function readClaim(claims: Readonly<Record<string, unknown>>, claim: string): unknown {
  const path = claim.startsWith('/')
    ? claim
        .slice(1)
        .split('/')
        .map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'))
    : [claim];
  let at: unknown = claims;
  for (const part of path) {
    if (typeof at !== 'object' || at === null || !Object.hasOwn(at, part)) return undefined;
    at = (at as Record<string, unknown>)[part];
  }
  return at;
}
