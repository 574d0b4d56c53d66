import { z } from 'zod';
import { ok } from '../../../shared/core/result.ts';
import { tenantRoute } from '../../http/define-route.ts';
import { json } from '../../http/reply.ts';
import { memberParams } from '../params.ts';

const deletedMember = z.object({ object: z.literal('member.deleted'), id: z.string(), deleted: z.literal(true) });

export const deleteMember = tenantRoute(
  {
    method: 'DELETE',
    path: '/v1/members/{member}',
    operation: 'deleteMember',
    summary: 'Remove a member. Their next request is refused.',
    tag: 'Members',
    surface: 'native',
    permission: 'members:write',
    params: memberParams,
    answer: { status: 200, schema: deletedMember },
  },
  async (call, { params }) => {
    const removed = await call.tenant.people.deleteMember(call.principal, params.member);
    return removed.ok ? ok(json({ object: 'member.deleted', id: params.member, deleted: true })) : removed;
  },
);
