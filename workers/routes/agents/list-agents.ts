import { ok } from '../../../shared/core/result.ts';
import { listOf, pageQuery } from '../../../shared/contracts/common.ts';
import { agent } from '../../../shared/contracts/agents.ts';
import { tenantRoute } from '../../http/define-route.ts';
import { json } from '../../http/reply.ts';

export const listAgents = tenantRoute(
  {
    method: 'GET',
    path: '/v1/agents',
    operation: 'listAgents',
    summary: 'List agents.',
    tag: 'Agents',
    surface: 'native',
    permission: 'agents:read',
    query: pageQuery,
    answer: { status: 200, schema: listOf(agent) },
  },
  async (call, { query }) => {
    const agents = await call.tenant.agents.list(query.limit, query.cursor);
    return agents.ok ? ok(json(agents.value)) : agents;
  },
);
