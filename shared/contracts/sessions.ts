/** Visitor sessions: what a tenant's own chat page uses instead of a key. */
import { z } from 'zod';
import { isoTime } from './common.ts';

export const VisitorTokenType = 'freehold-visitor+jwt';

export const createSession = z.strictObject({
  /** An earlier token of this visitor: the new session keeps the visitor and so the conversations. */
  token: z.string().max(4_096).optional(),
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
  iat: z.number().int(),
  exp: z.number().int(),
});
