import { ok } from '../../../shared/core/result.ts';
import { approvalObject } from '../../../shared/contracts/approvals.ts';
import { tenantRoute } from '../../http/define-route.ts';
import { json } from '../../http/reply.ts';
import { approvalParams } from '../params.ts';
import { requireApproval } from './require-approval.ts';

export const retrieveApproval = tenantRoute(
  {
    method: 'GET',
    path: '/v1/approvals/{approval}',
    operation: 'retrieveApproval',
    summary: 'Retrieve an approval: what would be done, for whom, until when.',
    tag: 'Approvals',
    surface: 'native',
    permission: 'approvals:read',
    reach: 'own',
    params: approvalParams,
    answer: { status: 200, schema: approvalObject },
  },
  async (call, { params }) => {
    const found = requireApproval(call, params.approval);
    if (!found.ok) return found;
    const approval = await found.value.conversation.approvals.find(call.principal, found.value.id);
    return approval.ok ? ok(json(approval.value)) : approval;
  },
);
