import { ok } from '../../../shared/core/result.ts';
import { agent, createAgent as createAgentBody } from '../../../shared/contracts/agents.ts';
import { tenantRoute } from '../../http/define-route.ts';
import { json } from '../../http/reply.ts';

export const createAgent = tenantRoute(
  {
    method: 'POST',
    path: '/v1/agents',
    operation: 'createAgent',
    summary: 'Create an agent and publish its first version.',
    tag: 'Agents',
    surface: 'native',
    permission: 'agents:write',
    idempotent: true,
    body: createAgentBody,
    answer: { status: 201, schema: agent },
  },
  async (call, { body }) => {
    const created = await call.tenant.agents.create(call.mint('agent'), body, call.actor);
    return created.ok ? ok(json(created.value, 201)) : created;
  },
);
