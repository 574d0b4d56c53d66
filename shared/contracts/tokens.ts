/** Revoking one token (RFC 7519, 4.1.7) before its time: by the id that it carries, not by its text, which has spellings. */
import { z } from 'zod';
import { isoTime } from './common.ts';

/** The longest that a token of an issuer may live, and so the longest that a revocation has to be kept. */
export const MaxLifetimeSeconds = 86_400;
export const MaxTokenIdLength = 200;

/** Names the platform itself among the issuers: of visitors' sessions. */
export const PlatformIssuer = 'freehold';

export const revokeToken = z.strictObject({
  issuer: z
    .string()
    .min(1)
    .max(500)
    .describe('An issuer of the tenant, by its id or URL; "freehold" for a session of the chat page.'),
  jti: z.string().min(1).max(MaxTokenIdLength),
});
export type RevokeToken = z.infer<typeof revokeToken>;

export const tokenRevocation = z.object({
  object: z.literal('token.revocation'),
  issuer: z.string(),
  jti: z.string(),
  kept_until: isoTime.describe('When no token with this id can be valid any more.'),
});
export type TokenRevocation = z.infer<typeof tokenRevocation>;
