import { ok } from '../../../shared/core/result.ts';
import { member, updateMember as updateMemberBody } from '../../../shared/contracts/members.ts';
import { tenantRoute } from '../../http/define-route.ts';
import { json } from '../../http/reply.ts';
import { memberParams } from '../params.ts';

export const updateMember = tenantRoute(
  {
    method: 'PATCH',
    path: '/v1/members/{member}',
    operation: 'updateMember',
    summary: "Change a member's role or status.",
    tag: 'Members',
    surface: 'native',
    permission: 'members:write',
    params: memberParams,
    body: updateMemberBody,
    answer: { status: 200, schema: member },
  },
  async (call, { params, body }) => {
    const updated = await call.tenant.people.updateMember(call.principal, params.member, body);
    return updated.ok ? ok(json(updated.value)) : updated;
  },
);
