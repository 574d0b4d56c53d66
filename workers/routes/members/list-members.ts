import { ok } from '../../../shared/core/result.ts';
import { listOf, pageQuery } from '../../../shared/contracts/common.ts';
import { member } from '../../../shared/contracts/members.ts';
import { tenantRoute } from '../../http/define-route.ts';
import { json } from '../../http/reply.ts';

export const listMembers = tenantRoute(
  {
    method: 'GET',
    path: '/v1/members',
    operation: 'listMembers',
    summary: 'List members, newest first.',
    tag: 'Members',
    surface: 'native',
    permission: 'members:read',
    query: pageQuery,
    answer: { status: 200, schema: listOf(member) },
  },
  async (call, { query }) => {
    const listed = await call.tenant.people.listMembers(query.limit, query.cursor);
    return listed.ok ? ok(json(listed.value)) : listed;
  },
);
