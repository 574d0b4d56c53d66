/** What the two decisions on an approval share: everything but their names. */
import { ok } from '../../../shared/core/result.ts';
import { approvalObject, decideApproval } from '../../../shared/contracts/approvals.ts';
import { tenantRoute } from '../../http/define-route.ts';
import { json } from '../../http/reply.ts';
import { approvalParams } from '../params.ts';
import { requireApproval } from './require-approval.ts';

type Decision = {
  readonly verb: 'approve' | 'deny';
  readonly operation: string;
  readonly summary: string;
  readonly status: 'approved' | 'denied';
};

export function decisionRoute({ verb, operation, summary, status }: Decision) {
  return tenantRoute(
    {
      method: 'POST',
      path: `/v1/approvals/{approval}/${verb}`,
      operation,
      summary,
      tag: 'Approvals',
      surface: 'native',
      permission: 'approvals:write',
      reach: 'own',
      params: approvalParams,
      body: decideApproval,
      answer: { status: 200, schema: approvalObject },
    },
    async (call, { params, body }) => {
      const found = requireApproval(call, params.approval);
      if (!found.ok) return found;
      const { id, conversation } = found.value;
      const decided = await conversation.approvals.decide(call.principal, id, status, body.reason ?? null);
      return decided.ok ? ok(json(decided.value)) : decided;
    },
  );
}
