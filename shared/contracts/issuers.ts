/** Issuers: whose JWTs a tenant accepts, and what their claims make of somebody who is no member. */
import { z } from 'zod';
import { isoTime } from './common.ts';
import { role } from './roles.ts';

/** Asymmetric only. A token's own header never widens the list. */
export const tokenAlgorithms = ['RS256', 'ES256', 'EdDSA', 'PS256'] as const;
export const tokenAlgorithm = z.enum(tokenAlgorithms);
export type TokenAlgorithm = z.infer<typeof tokenAlgorithm>;

export const MaxIssuers = 20;

const url = z.string().min(1).max(500);

export const roleMapping = z.strictObject({
  /** A claim's name, or a JSON pointer to it (`/realm_access/roles`). */
  claim: z.string().min(1).max(200),
  /** What the claim is, or has among its members. */
  value: z.string().min(1).max(200),
  role,
});
export type RoleMapping = z.infer<typeof roleMapping>;

export const createIssuer = z.strictObject({
  issuer: url.describe('Compared with `iss` character by character.'),
  audience: z.string().min(1).max(200),
  algorithms: z
    .array(tokenAlgorithm)
    .min(1)
    .max(tokenAlgorithms.length)
    .refine((list) => new Set(list).size === list.length, 'each at most once')
    .default([...tokenAlgorithms]),
  role_mappings: z.array(roleMapping).max(50).default([]),
  jwks_uri: url.nullable().default(null).describe("Without it, the issuer's OIDC discovery document names it."),
});
export type CreateIssuer = z.infer<typeof createIssuer>;

export const issuer = z.object({
  object: z.literal('issuer'),
  id: z.string(),
  issuer: z.string(),
  audience: z.string(),
  algorithms: z.array(tokenAlgorithm),
  role_mappings: z.array(roleMapping),
  jwks_uri: z.string().nullable(),
  created_at: isoTime,
});
export type Issuer = z.infer<typeof issuer>;
