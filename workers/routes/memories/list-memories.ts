import { ok } from '../../../shared/core/result.ts';
import { listOf, pageQuery } from '../../../shared/contracts/common.ts';
import { memory, memoryKind } from '../../../shared/contracts/memories.ts';
import { toMemory } from '../../../shared/store/memory-store.ts';
import { tenantRoute } from '../../http/define-route.ts';
import { json } from '../../http/reply.ts';
import { agentParams } from '../params.ts';

const memoryQuery = pageQuery.extend({ kind: memoryKind.optional() });

export const listMemories = tenantRoute(
  {
    method: 'GET',
    path: '/v1/agents/{agent}/memories',
    operation: 'listMemories',
    summary: 'List the memories of an agent, newest first.',
    tag: 'Memories',
    surface: 'native',
    permission: 'memories:read',
    params: agentParams,
    query: memoryQuery,
    answer: { status: 200, schema: listOf(memory) },
  },
  async (call, { query }) => {
    const { limit, cursor, kind } = query;
    const page = await call.memories().listMemories(call.scope, {
      agentId: call.agent!.id,
      limit,
      ...(cursor === undefined ? {} : { cursor }),
      ...(kind === undefined ? {} : { kind }),
    });
    return page.ok ? ok(json({ ...page.value, data: page.value.data.map(toMemory) })) : page;
  },
);
