/** The deletion of a tenant, and the certificate that ends it. */
import { z } from 'zod';
import { isoTime } from './common.ts';

/** `typ` of the certificate's JWS: no other token of the platform's key can stand in for it. */
export const CertificateType = 'freehold-deletion+jwt';

/** How long a deleted tenant's slug cannot be used again. */
export const SlugRestMs = 90 * 24 * 60 * 60 * 1000;

/** What stays, in words, and said in every certificate. */
export const documentedRemains = [
  'the tombstone: id, slug, time of deletion, this certificate',
  'the operator audit trail: ids of what the operator did',
  "the platform's and the bridges' own logs: ids, paths and times, until they are rotated away",
  'bytes in pages of D1 that were split or emptied, which no query reaches, until they are used again',
  'backups and the time travel of a hosted D1 or Durable Object: up to 30 days',
] as const;

export const deletionCertificate = z.object({
  iss: z.literal('freehold'),
  /** The tenant. */
  sub: z.string(),
  iat: z.number().int(),
  slug: z.string(),
  started_at: isoTime,
  completed_at: isoTime,
  /** Where the tenant's audit trail ended: an export of it that was made before can be checked against this. */
  audit_head: z.object({ sequence: z.number().int(), hash: z.string() }),
  stores: z.array(
    z.object({
      store: z.string().describe('holder.table'),
      erased: z.number().int().describe('Rows; at least so many, where the work was interrupted.'),
      left: z.literal(0).describe('Rows that a query found afterwards.'),
    }),
  ),
  parts: z.number().int().describe('Places that were queried again after the erasure.'),
  retained: z.array(z.object({ store: z.string(), rows: z.number().int() })).describe('Kept because the law asks.'),
  remains: z.array(z.string()),
});
export type DeletionCertificate = z.infer<typeof deletionCertificate>;

export const tenantDeletion = z.object({
  object: z.literal('tenant.deletion'),
  id: z.string(),
  status: z.enum(['running', 'done']).describe('While it runs, the same request again tells how far it is.'),
  phase: z.enum(['closing', 'erasing', 'proving', 'certifying']).nullable(),
  started_at: isoTime.nullable(),
  rows_erased: z.number().int().nullable(),
  slug_free_at: isoTime.nullable(),
  certificate: z.string().nullable().describe("A JWS by the platform's key; scripts/verify-certificate.ts checks it."),
});
export type TenantDeletion = z.infer<typeof tenantDeletion>;
