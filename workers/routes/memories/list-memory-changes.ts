import { ok } from '../../../shared/core/result.ts';
import { listOf } from '../../../shared/contracts/common.ts';
import { changesQuery, memoryChange } from '../../../shared/contracts/memories.ts';
import { toChange } from '../../../shared/store/memory-view.ts';
import { tenantRoute } from '../../http/define-route.ts';
import { json } from '../../http/reply.ts';
import { agentParams } from '../params.ts';

export const listMemoryChanges = tenantRoute(
  {
    method: 'GET',
    path: '/v1/agents/{agent}/memories/changes',
    operation: 'listMemoryChanges',
    summary: 'List what was written, closed or forgotten since a time, in the order of the chain.',
    tag: 'Memories',
    surface: 'native',
    permission: 'memories:read',
    params: agentParams,
    query: changesQuery,
    answer: { status: 200, schema: listOf(memoryChange) },
  },
  async (call, { query }) => {
    const asked = { ...query, since: Date.parse(query.since) };
    const page = await call.memories().listChanged(call.scope, call.agent!.id, asked);
    return page.ok ? ok(json({ ...page.value, data: page.value.data.map(toChange) })) : page;
  },
);
