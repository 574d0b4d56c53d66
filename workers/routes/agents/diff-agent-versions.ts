import { ok } from '../../../shared/core/result.ts';
import { agentDiff, diffVersionsQuery } from '../../../shared/contracts/agents.ts';
import { tenantRoute } from '../../http/define-route.ts';
import { json } from '../../http/reply.ts';
import { agentParams } from '../params.ts';

export const diffAgentVersions = tenantRoute(
  {
    method: 'GET',
    path: '/v1/agents/{agent}/diff',
    operation: 'diffAgentVersions',
    summary: 'Compare two versions of an agent; the newest with the one before it, if none is named.',
    tag: 'Agents',
    surface: 'native',
    permission: 'agents:read',
    params: agentParams,
    query: diffVersionsQuery,
    answer: { status: 200, schema: agentDiff },
  },
  async (call, { params, query }) => {
    const diff = await call.tenant.agents.diff(params.agent, query.from, query.to);
    return diff.ok ? ok(json(diff.value)) : diff;
  },
);
