import { ok } from '../../../shared/core/result.ts';
import { protocolHook } from '../../../shared/contracts/agent-state.ts';
import { listOf, pageQuery } from '../../../shared/contracts/common.ts';
import { tenantRoute } from '../../http/define-route.ts';
import { json } from '../../http/reply.ts';
import { agentParams } from '../params.ts';

export const listProtocolHooks = tenantRoute(
  {
    method: 'GET',
    path: '/v1/agents/{agent}/protocol_hooks',
    operation: 'listProtocolHooks',
    summary: 'List what an agent does on named moments, and how often it did.',
    tag: 'Agent state',
    surface: 'native',
    permission: 'agents:read',
    params: agentParams,
    query: pageQuery,
    answer: { status: 200, schema: listOf(protocolHook) },
  },
  async (call, { query }) => {
    const agentId = call.agent!.id;
    const listed = await call.agentObject(agentId).hooks.list(agentId, query.limit, query.cursor);
    return listed.ok ? ok(json(listed.value)) : listed;
  },
);
