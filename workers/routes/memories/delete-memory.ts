import { z } from 'zod';
import { isId } from '../../../shared/core/ids.ts';
import { err, ok } from '../../../shared/core/result.ts';
import { tenantRoute } from '../../http/define-route.ts';
import { json } from '../../http/reply.ts';
import { agentMemoryParams } from '../params.ts';

const deletedMemory = z.object({ object: z.literal('memory.deleted'), id: z.string(), deleted: z.literal(true) });

export const deleteMemory = tenantRoute(
  {
    method: 'DELETE',
    path: '/v1/agents/{agent}/memories/{memory}',
    operation: 'deleteMemory',
    summary: 'Delete a memory: its text, vector and full text go, its link in the chain stays.',
    tag: 'Memories',
    surface: 'native',
    permission: 'memories:write',
    params: agentMemoryParams,
    answer: { status: 200, schema: deletedMemory },
  },
  async (call, { params: { memory: id } }) => {
    if (!isId('memory', id)) return err('not_found', 'There is no such memory.');
    const agentId = call.agent!.id;
    const deleted = await call.agentObject(agentId).memories.delete(agentId, id, call.traceparent);
    return deleted.ok ? ok(json({ object: 'memory.deleted', id, deleted: true })) : deleted;
  },
);
