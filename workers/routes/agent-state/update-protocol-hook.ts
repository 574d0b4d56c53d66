import { ok } from '../../../shared/core/result.ts';
import { protocolHook, updateProtocolHook as updateProtocolHookBody } from '../../../shared/contracts/agent-state.ts';
import { tenantRoute } from '../../http/define-route.ts';
import { json } from '../../http/reply.ts';
import { agentProtocolHookParams } from '../params.ts';
import { requireTaskRight } from './require-task-right.ts';

export const updateProtocolHook = tenantRoute(
  {
    method: 'PATCH',
    path: '/v1/agents/{agent}/protocol_hooks/{protocol_hook}',
    operation: 'updateProtocolHook',
    summary: 'Change a protocol hook, or turn it off and on. It acts as whoever changed it last.',
    tag: 'Agent state',
    surface: 'native',
    permission: 'agents:write',
    params: agentProtocolHookParams,
    body: updateProtocolHookBody,
    answer: { status: 200, schema: protocolHook },
  },
  async (call, { params, body }) => {
    const { id: agentId, definition } = call.agent!;
    const { hooks } = call.agentObject(agentId);
    const known = await hooks.find(agentId, params.protocol_hook);
    if (!known.ok) return known;
    const allowed = requireTaskRight(call, body.action ?? known.value.action);
    if (!allowed.ok) return allowed;
    const { principal } = call;
    const actor = { principal, agentLimit: definition.limits.concurrent_tasks };
    const updated = await hooks.update(agentId, params.protocol_hook, body, actor);
    return updated.ok ? ok(json(updated.value)) : updated;
  },
);
