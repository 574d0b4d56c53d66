import { ok } from '../../../shared/core/result.ts';
import { listOf, pageQuery } from '../../../shared/contracts/common.ts';
import { consolidation } from '../../../shared/contracts/memories.ts';
import { tenantRoute } from '../../http/define-route.ts';
import { json } from '../../http/reply.ts';
import { agentParams } from '../params.ts';

export const listConsolidations = tenantRoute(
  {
    method: 'GET',
    path: '/v1/agents/{agent}/memories/consolidations',
    operation: 'listConsolidations',
    summary: 'List the runs of consolidation of an agent, newest first.',
    tag: 'Memories',
    surface: 'native',
    permission: 'memories:read',
    params: agentParams,
    query: pageQuery,
    answer: { status: 200, schema: listOf(consolidation) },
  },
  async (call, { query }) => {
    const agentId = call.agent!.id;
    const page = await call.agentObject(agentId).memories.consolidations(agentId, query);
    return page.ok ? ok(json(page.value)) : page;
  },
);
