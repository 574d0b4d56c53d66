import { ok } from '../../../shared/core/result.ts';
import { member } from '../../../shared/contracts/members.ts';
import { tenantRoute } from '../../http/define-route.ts';
import { json } from '../../http/reply.ts';
import { memberParams } from '../params.ts';

export const retrieveMember = tenantRoute(
  {
    method: 'GET',
    path: '/v1/members/{member}',
    operation: 'retrieveMember',
    summary: 'Retrieve a member.',
    tag: 'Members',
    surface: 'native',
    permission: 'members:read',
    params: memberParams,
    answer: { status: 200, schema: member },
  },
  async (call, { params }) => {
    const found = await call.tenant.people.findMember(params.member);
    return found.ok ? ok(json(found.value)) : found;
  },
);
