import { ok } from '../../../shared/core/result.ts';
import { greetingCount } from '../../../shared/contracts/agents.ts';
import { listOf, pageQuery } from '../../../shared/contracts/common.ts';
import { tenantRoute } from '../../http/define-route.ts';
import { json } from '../../http/reply.ts';
import { agentParams } from '../params.ts';

export const listGreetings = tenantRoute(
  {
    method: 'GET',
    path: '/v1/agents/{agent}/greetings',
    operation: 'listGreetings',
    summary: "List the variants of an agent's greeting that were shown, and how often.",
    tag: 'Agents',
    surface: 'native',
    permission: 'agents:read',
    params: agentParams,
    query: pageQuery,
    answer: { status: 200, schema: listOf(greetingCount) },
  },
  async (call, { params, query }) => {
    const counts = await call.tenant.agents.greetingCounts(params.agent, query.limit, query.cursor);
    return counts.ok ? ok(json(counts.value)) : counts;
  },
);
