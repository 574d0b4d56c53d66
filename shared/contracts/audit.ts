/** The audit trail: what was changed, by whom, and who was not let in. One hash chain a tenant. */
import { z } from 'zod';
import { isoTime, pageQuery } from './common.ts';

/** Who acted, as far as it is known: the id of a refused credential is what it claimed to be. */
export const auditActor = z.object({
  kind: z.string().describe('key, visitor, operator, or anonymous where nothing was proven.'),
  id: z.string(),
});
/** `traceparent`: of the request by which it acts, for the events of what it does. It is not entered. */
export type AuditActor = Readonly<z.infer<typeof auditActor>> & { readonly traceparent?: string };

export function withTrace(actor: AuditActor, traceparent: string | undefined): AuditActor {
  return traceparent === undefined ? actor : { ...actor, traceparent };
}

/** What the platform does by itself. */
export const systemActor: AuditActor = { kind: 'system', id: 'system' };

/** The operator is one: its token names nobody. */
export const operatorActor: AuditActor = { kind: 'operator', id: 'operator' };

export const auditActions = [
  'tenant.created',
  'tenant.updated',
  'tenant.suspended',
  'tenant.reactivated',
  'tenant.stopped',
  'tenant.resumed',
  'tenant.deletion_started',
  'tenant.exported',
  'tenant.imported',
  'key.created',
  'key.rotated',
  'key.revoked',
  'agent.created',
  'agent.updated',
  'agent.deleted',
  'agent.version_created',
  'agent.published',
  'agent.rolled_back',
  'agent.suspended',
  'agent.resumed',
  'agent.state_changed',
  'member.created',
  'member.joined',
  'member.updated',
  'member.deleted',
  'issuer.created',
  'issuer.updated',
  'issuer.deleted',
  'token.revoked',
  'budget.created',
  'budget.updated',
  'budget.deleted',
  'budget.threshold_reached',
  'entry.corrected',
  'credit.granted',
  'terms.changed',
  'invoice.closed',
  'secret.created',
  'secret.rotated',
  'secret.deleted',
  'secret.accessed',
  'secrets.key_rotated',
  'secrets.key_rewrapped',
  'branding.updated',
  'webhook.created',
  'webhook.updated',
  'webhook.deleted',
  'webhook.secret_rotated',
  'hook.created',
  'hook.updated',
  'hook.deleted',
  'approval.approved',
  'approval.denied',
  'mcp_tool.held',
  'mcp_tool.approved',
  'domain.created',
  'domain.verified',
  'domain.activated',
  'domain.failed',
  'domain.deleted',
  'alert.created',
  'alert.updated',
  'alert.deleted',
  'memory.accessed',
  'operator.acted',
  'admission.refused',
  'admission.refusals_counted',
  'auth.failed',
  'auth.failures_counted',
] as const;
export type AuditAction = (typeof auditActions)[number];

/** Names, numbers and states; never a secret, a prompt or an answer. */
export const auditDetails = z.record(
  z.string(),
  z.union([z.string(), z.number(), z.boolean(), z.null(), z.array(z.string())]),
);
export type AuditDetails = Readonly<z.infer<typeof auditDetails>>;

/** One access to an agent's memory from outside the platform's own turns. Its input is cut, not kept whole. */
export type MemoryAccess = {
  readonly agentId: string;
  readonly action: 'recall' | 'read' | 'write' | 'forget' | 'verify';
  readonly input: string;
  /** Of the conversation, task or session that it belongs to. */
  readonly contextId: string | null;
};
export const MaxAccessInput = 500;

/** An entry as its hash covers it: everything but the hash itself. */
export const auditEntry = z.object({
  object: z.literal('audit.entry'),
  tenant: z.string(),
  sequence: z.number().int(),
  time: z.string(),
  actor: auditActor,
  action: z.string().describe('A dotted verb: key.created, agent.published, auth.failed.'),
  target: z.string().nullable().describe('The id of what was acted on; of a secret, its name.'),
  outcome: z.enum(['succeeded', 'refused', 'failed']),
  details: auditDetails,
  previous_hash: z.string(),
  hash: z.string(),
});
export type AuditEntry = Readonly<z.infer<typeof auditEntry>>;

export const auditQuery = pageQuery.extend({
  action: z.string().min(1).max(64).optional().describe('One action, or all of a kind: `key.*`.'),
  actor: z.string().min(1).max(200).optional().describe("An actor's id."),
  from: isoTime.optional(),
  to: isoTime.optional(),
});
export type AuditQuery = z.infer<typeof auditQuery>;

export const auditVerification = z.object({
  object: z.literal('audit.verification'),
  valid: z.boolean(),
  entries: z.number().int(),
  head: z.string().describe('The hash that the chain leads to. Note it elsewhere: it proves what was there.'),
  first_invalid: z.object({ sequence: z.number().int(), reason: z.string() }).nullable(),
});
export type AuditVerification = z.infer<typeof auditVerification>;

/** The last line of an export: without it the export is cut. */
export const auditHead = z.object({
  object: z.literal('audit.head'),
  tenant: z.string(),
  sequence: z.number().int(),
  hash: z.string(),
});
export type AuditHead = Readonly<z.infer<typeof auditHead>>;

/** A stretch of the trail in the order of its sequence, with the head as it is at the same moment. */
export type AuditPage = { readonly entries: readonly AuditEntry[]; readonly head: AuditHead };
