import { ok } from '../../../shared/core/result.ts';
import { listOf, pageQuery } from '../../../shared/contracts/common.ts';
import { agentVersion } from '../../../shared/contracts/agents.ts';
import { tenantRoute } from '../../http/define-route.ts';
import { json } from '../../http/reply.ts';
import { agentParams } from '../params.ts';

export const listAgentVersions = tenantRoute(
  {
    method: 'GET',
    path: '/v1/agents/{agent}/versions',
    operation: 'listAgentVersions',
    summary: 'List the versions of an agent, newest first.',
    tag: 'Agents',
    surface: 'native',
    permission: 'agents:read',
    params: agentParams,
    query: pageQuery,
    answer: { status: 200, schema: listOf(agentVersion) },
  },
  async (call, { params, query }) => {
    const versions = await call.tenant.agents.versions(params.agent, query.limit, query.cursor);
    return versions.ok ? ok(json(versions.value)) : versions;
  },
);
