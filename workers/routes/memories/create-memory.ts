import { ok } from '../../../shared/core/result.ts';
import { memoryPolicyOf } from '../../../shared/agents/memory-policy.ts';
import { createMemory as createMemoryBody, memory } from '../../../shared/contracts/memories.ts';
import { tenantRoute } from '../../http/define-route.ts';
import { json } from '../../http/reply.ts';
import { agentParams } from '../params.ts';

export const createMemory = tenantRoute(
  {
    method: 'POST',
    path: '/v1/agents/{agent}/memories',
    operation: 'createMemory',
    summary: 'Give an agent a memory. What says nothing, or nothing new, is refused.',
    tag: 'Memories',
    surface: 'native',
    permission: 'memories:write',
    idempotent: 'by ids',
    params: agentParams,
    body: createMemoryBody,
    answer: { status: 201, schema: memory },
  },
  async (call, { body }) => {
    const agentId = call.agent!.id;
    const { id: author, traceparent } = call.actor;
    const entry = { ...body, id: call.mint('memory'), author, traceparent };
    const written = await call.agentObject(agentId).memories.append(agentId, [entry], memoryPolicyOf(call.agent!));
    return written.ok ? ok(json(written.value[0], 201)) : written;
  },
);
