import { conversationOfApproval, type ApprovalId } from '../../../shared/core/ids.ts';
import { ok } from '../../../shared/core/result.ts';
import { approvalObject, listApprovalsQuery } from '../../../shared/contracts/approvals.ts';
import { listOf, toList } from '../../../shared/contracts/common.ts';
import { tenantRoute } from '../../http/define-route.ts';
import { json } from '../../http/reply.ts';

export const listApprovals = tenantRoute(
  {
    method: 'GET',
    path: '/v1/approvals',
    operation: 'listApprovals',
    summary: 'List approvals, newest first: what waits for a decision, and what was decided.',
    tag: 'Approvals',
    surface: 'native',
    permission: 'approvals:read',
    reach: 'own',
    query: listApprovalsQuery,
    answer: { status: 200, schema: listOf(approvalObject) },
  },
  async (call, { query }) => {
    const indexed = await call.tenant.approvals.list(call.principal, query);
    if (!indexed.ok) return indexed;
    const page = toList(indexed.value, query.limit, (entry) => entry.id);
    const read = await Promise.all(
      page.data.map(({ id }) =>
        call.conversation(conversationOfApproval(id as ApprovalId)).approvals.find(call.principal, id),
      ),
    );
    const outage = read.find((each) => !each.ok && each.failure.code !== 'not_found');
    if (outage && !outage.ok) return outage;
    return ok(json({ ...page, data: read.flatMap((each) => (each.ok ? [each.value] : [])) }));
  },
);
