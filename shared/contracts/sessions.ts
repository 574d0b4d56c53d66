/** Visitor sessions: what a page uses instead of a key, for one visitor and one agent. */
import { z } from 'zod';
import { origin } from './branding.ts';
import { isoTime } from './common.ts';
import { language, timeZone } from './greeting.ts';

export const VisitorTokenType = 'freehold-visitor+jwt';

/** What a greeting may go by. Without a language, the request's `Accept-Language` tells it. */
const visitorContext = { language: language.optional(), timezone: timeZone.optional() };

export const createSession = z.strictObject({
  ...visitorContext,
  /** An earlier token of this visitor: the new session keeps the visitor and so the conversations. */
  token: z.string().max(4_096).optional(),
});

export const createAgentSession = z.strictObject({
  ...visitorContext,
  /** Who it is, in your own words: the same name is the same visitor, with the same conversations. */
  visitor: z.string().min(1).max(200).optional(),
  /** The site whose pages alone may use the session. */
  origin: origin.optional(),
  ttl_seconds: z.number().int().min(60).max(43_200).default(3_600),
});

export const session = z.object({
  object: z.literal('session'),
  token: z.string(),
  visitor: z.string(),
  /** The agent's slug: `agent/<slug>` is what a client puts into `model`. */
  agent: z.string(),
  agent_name: z.string(),
  greeting: z.string(),
  expires_at: isoTime,
});

export const visitorClaims = z.object({
  iss: z.literal('freehold'),
  /** The tenant's id. */
  aud: z.string(),
  /** The visitor's id. */
  sub: z.string(),
  agent: z.string(),
  origin: z.string().optional(),
  jti: z.string().optional(),
  iat: z.number().int(),
  exp: z.number().int(),
});
