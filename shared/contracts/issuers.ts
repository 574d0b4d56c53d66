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
  client_id: z
    .string()
    .min(1)
    .max(200)
    .nullable()
    .default(null)
    .describe('A public client of the issuer, by which people sign in to the console.'),
});
export type CreateIssuer = z.infer<typeof createIssuer>;

export const updateIssuer = z.strictObject({ client_id: createIssuer.shape.client_id.unwrap() });
export type UpdateIssuer = z.infer<typeof updateIssuer>;

/** Of the discovery document, as it was when the issuer was given its client. */
const signInEndpoints = { authorization_endpoint: z.string(), token_endpoint: z.string() };
export type SignInEndpoints = { readonly [Name in keyof typeof signInEndpoints]: string | null };

export const issuer = z.object({
  object: z.literal('issuer'),
  id: z.string(),
  issuer: z.string(),
  audience: z.string(),
  algorithms: z.array(tokenAlgorithm),
  role_mappings: z.array(roleMapping),
  jwks_uri: z.string().nullable(),
  client_id: z.string().nullable(),
  authorization_endpoint: signInEndpoints.authorization_endpoint.nullable(),
  token_endpoint: signInEndpoints.token_endpoint.nullable(),
  created_at: isoTime,
});
export type Issuer = z.infer<typeof issuer>;

/** What a browser needs to sign somebody in, known to everybody who asks. */
export const signInOption = z.object({
  object: z.literal('sign_in_option'),
  issuer: z.string(),
  client_id: z.string(),
  audience: z.string(),
  ...signInEndpoints,
});
export type SignInOption = z.infer<typeof signInOption>;

export function toSignInOptions(issuers: readonly Issuer[]): SignInOption[] {
  return issuers.flatMap(({ issuer, client_id, audience, authorization_endpoint, token_endpoint }) =>
    client_id === null || authorization_endpoint === null || token_endpoint === null
      ? []
      : [{ object: 'sign_in_option', issuer, client_id, audience, authorization_endpoint, token_endpoint }],
  );
}
