import { z } from 'zod';
import { ok } from '../../../shared/core/result.ts';
import { tenantRoute } from '../../http/define-route.ts';
import { json } from '../../http/reply.ts';
import { agentParams } from '../params.ts';

const deletedAgent = z.object({ object: z.literal('agent.deleted'), id: z.string(), deleted: z.literal(true) });

export const deleteAgent = tenantRoute(
  {
    method: 'DELETE',
    path: '/v1/agents/{agent}',
    operation: 'deleteAgent',
    summary: 'Delete an agent and forget its memories.',
    tag: 'Agents',
    surface: 'native',
    permission: 'agents:write',
    params: agentParams,
    answer: { status: 200, schema: deletedAgent },
  },
  async (call, { params }) => {
    const agentId = call.agent!.id;
    const { memories, state } = call.agentObject(agentId);
    const forgotten = await memories.end(agentId, call.traceparent);
    if (!forgotten.ok) return forgotten;
    const ended = await state.end(agentId);
    if (!ended.ok) return ended;
    const deleted = await call.tenant.agents.delete(params.agent, call.actor);
    return deleted.ok ? ok(json({ object: 'agent.deleted', id: deleted.value, deleted: true })) : deleted;
  },
);
