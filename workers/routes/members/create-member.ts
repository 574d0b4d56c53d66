import { ok } from '../../../shared/core/result.ts';
import { createMember as createMemberBody, member } from '../../../shared/contracts/members.ts';
import { tenantRoute } from '../../http/define-route.ts';
import { json } from '../../http/reply.ts';

export const createMember = tenantRoute(
  {
    method: 'POST',
    path: '/v1/members',
    operation: 'createMember',
    summary: 'Make somebody a member, by the subject or the verified address of their tokens.',
    tag: 'Members',
    surface: 'native',
    permission: 'members:write',
    idempotent: true,
    body: createMemberBody,
    answer: { status: 201, schema: member },
  },
  async (call, { body }) => {
    const created = await call.tenant.people.createMember(call.principal, call.mint('member'), body);
    return created.ok ? ok(json(created.value, 201)) : created;
  },
);
