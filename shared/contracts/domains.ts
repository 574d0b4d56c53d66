/** Custom hostnames: a tenant's own name in front of the platform. */
import { z } from 'zod';
import { isoTime } from './common.ts';

export const ChallengeLabel = '_freehold-challenge';
export const ChallengePath = '/.well-known/freehold-challenge';

export const createDomain = z.strictObject({
  hostname: z.string().trim().min(1).max(300).describe('`agents.acme.com`; letters beyond ASCII are taken as IDN.'),
});
export type CreateDomain = z.infer<typeof createDomain>;

export const domainStatuses = ['pending', 'verifying', 'verified', 'active', 'failed'] as const;
export type DomainStatus = (typeof domainStatuses)[number];

export const domain = z.object({
  object: z.literal('domain'),
  id: z.string(),
  hostname: z.string().describe('In ASCII (punycode).'),
  status: z
    .enum(domainStatuses)
    .describe(
      'Only an active one leads here. pending, verifying: ownership is not proven; verified: it is being set up.',
    ),
  reason: z.string().nullable().describe('What the last check found, where it was not what is wanted.'),
  challenge: z
    .object({
      dns: z.object({ type: z.literal('TXT'), name: z.string(), value: z.string() }),
      http: z.object({ url: z.string(), body: z.string() }),
    })
    .describe('Either of them proves ownership; keep it in place, it is checked again daily.'),
  method: z.enum(['dns', 'http']).nullable(),
  attempts: z.number().int(),
  created_at: isoTime,
  verified_at: isoTime.nullable(),
  checked_at: isoTime.nullable(),
  next_check_at: isoTime.nullable(),
});
export type Domain = Readonly<z.infer<typeof domain>>;

export const deletedDomain = z.object({
  object: z.literal('domain.deleted'),
  id: z.string(),
  deleted: z.literal(true),
});
