/**
 * The rules of effects and approvals. An effect is planned before it is dispatched, dispatched at most once unless its tool
 * is declared idempotent, and what nobody can know is said to be unknown. An approval holds for one call, by what would be
 * done, for whom, under which version of the agent, once. Pure.
 */
import { createHash } from 'node:crypto';
import { canonicalJson } from '../../shared/core/canonical-json.ts';
import type { ApprovalStatus, EffectStatus } from '../../shared/contracts/approvals.ts';
import type { EffectId } from '../../shared/core/ids.ts';

export const MaxDispatches = 5;

export type Effect = {
  readonly id: EffectId;
  readonly responseId: string;
  readonly callId: string;
  readonly tool: string;
  readonly arguments: string;
  readonly idempotent: boolean;
  readonly status: EffectStatus;
  readonly attempts: number;
  readonly error: string | null;
  readonly plannedAt: number;
  readonly dispatchedAt: number | null;
  readonly settledAt: number | null;
};

export type DispatchDecision = 'dispatch' | 'lost' | 'settled';

/** What to do about an effect as the ledger has it: a new start finds it as the last one left it. */
export function decideDispatch({
  status,
  idempotent,
  attempts,
}: Pick<Effect, 'status' | 'idempotent' | 'attempts'>): DispatchDecision {
  switch (status) {
    case 'planned':
      return 'dispatch';
    case 'dispatched':
      return idempotent && attempts < MaxDispatches ? 'dispatch' : 'lost';
    case 'confirmed':
    case 'failed':
    case 'unknown':
      return 'settled';
  }
}

export type BoundTo = {
  readonly tool: string;
  readonly arguments: string;
  readonly agent: string | null;
  readonly agentVersion: number | null;
  readonly principalKind: string;
  readonly principalId: string;
};

export function bindingOf(to: BoundTo): string {
  return createHash('sha256').update(canonicalJson(to)).digest('base64url');
}

export type Approval = {
  readonly id: string;
  readonly responseId: string;
  readonly callId: string;
  readonly serverLabel: string;
  readonly boundTo: BoundTo;
  readonly binding: string;
  readonly status: ApprovalStatus;
  readonly createdAt: number;
  readonly expiresAt: number;
  readonly decidedAt: number | null;
  readonly decidedBy: { readonly kind: string; readonly id: string } | null;
  readonly reason: string | null;
  readonly usedAt: number | null;
};

export type ApprovalVerdict = 'wait' | 'use' | 'denied' | 'expired' | 'void';

/** Whether the call that stands here now may be made on this approval. */
export function judgeApproval(approval: Approval, call: BoundTo, now: number): ApprovalVerdict {
  if (approval.binding !== bindingOf(call) || approval.usedAt !== null) return 'void';
  switch (approval.status) {
    case 'pending':
      return now >= approval.expiresAt ? 'expired' : 'wait';
    case 'approved':
      return 'use';
    case 'denied':
      return 'denied';
    case 'expired':
      return 'expired';
    case 'cancelled':
      return 'void';
  }
}
