/** Approvals: a tool call that waits for somebody's decision, and the effects that tool calls have had. */
import { z } from 'zod';
import { isoTime, pageQuery } from './common.ts';

export const approvalStatus = z.enum(['pending', 'approved', 'denied', 'expired', 'cancelled']);
export type ApprovalStatus = z.infer<typeof approvalStatus>;

const actor = z.object({ kind: z.string(), id: z.string() });

/** What would be done, for whom, and what was decided. */
export const approvalObject = z.object({
  object: z.literal('approval'),
  id: z.string(),
  status: approvalStatus,
  agent: z.string().nullable(),
  agent_version: z.number().int().nullable(),
  tool: z.string(),
  server_label: z.string(),
  arguments: z.unknown().describe('Exactly these: the approval holds for no others.'),
  requested_by: actor,
  conversation: z.string(),
  response: z.string(),
  call: z.string(),
  created_at: isoTime,
  expires_at: isoTime,
  decided_at: isoTime.nullable(),
  decided_by: actor.nullable(),
  reason: z.string().nullable(),
  used: z.boolean().describe('An approval holds for one call, once.'),
});
export type ApprovalObject = z.infer<typeof approvalObject>;

export const listApprovalsQuery = pageQuery.extend({ status: approvalStatus.optional() });
export type ApprovalsQuery = z.infer<typeof listApprovalsQuery>;

export const decideApproval = z.strictObject({ reason: z.string().max(500).nullish() });

/** One line of a tenant's list; the approval itself is the conversation's. */
export type IndexedApproval = {
  readonly id: string;
  readonly agent: string | null;
  readonly status: ApprovalStatus;
};

export const effectStatus = z.enum(['planned', 'dispatched', 'confirmed', 'failed', 'unknown']);
export type EffectStatus = z.infer<typeof effectStatus>;

export const effectObject = z.object({
  object: z.literal('effect'),
  id: z.string().describe('What the receiver got as Idempotency-Key.'),
  response: z.string(),
  call: z.string(),
  tool: z.string(),
  status: effectStatus.describe('unknown: it may have happened, and was not tried again.'),
  idempotent: z.boolean(),
  attempts: z.number().int(),
  error: z.string().nullable(),
  planned_at: isoTime,
  dispatched_at: isoTime.nullable(),
  settled_at: isoTime.nullable(),
});
export type EffectObject = z.infer<typeof effectObject>;
