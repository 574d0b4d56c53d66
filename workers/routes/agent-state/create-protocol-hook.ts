import { ok } from '../../../shared/core/result.ts';
import { createProtocolHook as createProtocolHookBody, protocolHook } from '../../../shared/contracts/agent-state.ts';
import { tenantRoute } from '../../http/define-route.ts';
import { json } from '../../http/reply.ts';
import { agentParams } from '../params.ts';
import { requireTaskRight } from './require-task-right.ts';

export const createProtocolHook = tenantRoute(
  {
    method: 'POST',
    path: '/v1/agents/{agent}/protocol_hooks',
    operation: 'createProtocolHook',
    summary: 'Say what an agent does on a named moment: it is instructed, given a task, or an event is raised.',
    tag: 'Agent state',
    surface: 'native',
    permission: 'agents:write',
    idempotent: true,
    params: agentParams,
    body: createProtocolHookBody,
    answer: { status: 201, schema: protocolHook },
  },
  async (call, { body }) => {
    const allowed = requireTaskRight(call, body.action);
    if (!allowed.ok) return allowed;
    const { id: agentId, definition } = call.agent!;
    const { principal } = call;
    const agentLimit = definition.limits.concurrent_tasks;
    const hook = { ...body, id: call.mint('protocolHook'), agentId, agentLimit, principal };
    const made = await call.agentObject(agentId).hooks.create(hook);
    return made.ok ? ok(json(made.value, 201)) : made;
  },
);
