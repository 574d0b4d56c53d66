import { ok } from '../../../shared/core/result.ts';
import { traceEntry } from '../../../shared/contracts/agent-state.ts';
import { listOf, pageQuery } from '../../../shared/contracts/common.ts';
import { tenantRoute } from '../../http/define-route.ts';
import { json } from '../../http/reply.ts';
import { agentParams } from '../params.ts';

export const listTrace = tenantRoute(
  {
    method: 'GET',
    path: '/v1/agents/{agent}/trace',
    operation: 'listTrace',
    summary: 'List what an agent did, newest first: turns, calls of tools, tasks, memories, changes of its state.',
    tag: 'Agent state',
    surface: 'native',
    permission: 'agents:read',
    params: agentParams,
    query: pageQuery,
    answer: { status: 200, schema: listOf(traceEntry) },
  },
  async (call, { query }) => {
    const agentId = call.agent!.id;
    const listed = await call.agentObject(agentId).state.trace(agentId, query.limit, query.cursor);
    return listed.ok ? ok(json(listed.value)) : listed;
  },
);
