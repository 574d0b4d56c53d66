/** Members: the people of a tenant, each known by an issuer that the tenant has registered. */
import { z } from 'zod';
import { isoTime } from './common.ts';
import { role } from './roles.ts';

export const MaxSubjectLength = 255;

/** Lower case, so that one mailbox is one member. */
const email = z.email().max(254).toLowerCase();
const subject = z.string().min(1).max(MaxSubjectLength);

export const createMember = z
  .strictObject({
    issuer: z.string().min(1).max(500).describe("An issuer's id or URL."),
    /** The `sub` of the member's tokens. */
    subject: subject.optional(),
    /** The first token of the issuer with this address, verified, makes its subject the member's. */
    email: email.optional(),
    role,
  })
  .refine((member) => member.subject !== undefined || member.email !== undefined, {
    message: 'name the member by "subject" or by "email"',
    path: ['subject'],
  });
export type CreateMember = z.infer<typeof createMember>;

export const updateMember = z
  .strictObject({ role: role.optional(), status: z.enum(['active', 'suspended']).optional() })
  .refine((change) => change.role !== undefined || change.status !== undefined, 'name what should change');
export type UpdateMember = z.infer<typeof updateMember>;

export const member = z.object({
  object: z.literal('member'),
  id: z.string(),
  issuer: z.string().describe("The issuer's id."),
  subject: z.string().nullable(),
  email: z.string().nullable(),
  role,
  status: z.enum(['invited', 'active', 'suspended']).describe('Invited: no token has named a subject yet.'),
  created_at: isoTime,
});
export type Member = z.infer<typeof member>;
