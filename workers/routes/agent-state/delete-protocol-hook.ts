import { z } from 'zod';
import { ok } from '../../../shared/core/result.ts';
import { tenantRoute } from '../../http/define-route.ts';
import { json } from '../../http/reply.ts';
import { agentProtocolHookParams } from '../params.ts';

const deletedHook = z.object({
  object: z.literal('agent.protocol_hook.deleted'),
  id: z.string(),
  deleted: z.literal(true),
});

export const deleteProtocolHook = tenantRoute(
  {
    method: 'DELETE',
    path: '/v1/agents/{agent}/protocol_hooks/{protocol_hook}',
    operation: 'deleteProtocolHook',
    summary: 'Delete a protocol hook. The tasks that it gave stay.',
    tag: 'Agent state',
    surface: 'native',
    permission: 'agents:write',
    params: agentProtocolHookParams,
    answer: { status: 200, schema: deletedHook },
  },
  async (call, { params: { protocol_hook: id } }) => {
    const agentId = call.agent!.id;
    const deleted = await call.agentObject(agentId).hooks.delete(agentId, id, call.principal);
    return deleted.ok ? ok(json({ object: 'agent.protocol_hook.deleted', id, deleted: true })) : deleted;
  },
);
