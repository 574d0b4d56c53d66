import { z } from 'zod';
import { ok } from '../../../shared/core/result.ts';
import { listOf, pageQuery } from '../../../shared/contracts/common.ts';
import { memory, memoryFilter, memoryKind, type MemoryFilter } from '../../../shared/contracts/memories.ts';
import { toMemory } from '../../../shared/store/memory-view.ts';
import { tenantRoute } from '../../http/define-route.ts';
import { json } from '../../http/reply.ts';
import { agentParams } from '../params.ts';

const { scope, subject, visitor, source, author, after, before } = memoryFilter.shape;
const memoryQuery = pageQuery.extend({
  kind: memoryKind.optional(),
  tag: z.string().min(1).max(64).optional(),
  scope,
  subject,
  visitor,
  source,
  author,
  recorded_after: after,
  recorded_before: before,
});

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
    const { limit, cursor, tag, recorded_after: after, recorded_before: before, ...named } = query;
    const given = { ...named, tags: tag === undefined ? undefined : [tag], after, before };
    const filter = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)) as MemoryFilter;
    const page = await call.memories().listMemories(call.scope, {
      agentId: call.agent!.id,
      limit,
      ...(cursor === undefined ? {} : { cursor }),
      filter,
    });
    return page.ok ? ok(json({ ...page.value, data: page.value.data.map(toMemory) })) : page;
  },
);
