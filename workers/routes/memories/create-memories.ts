import { z } from 'zod';
import { memoryPolicyOf } from '../../../shared/agents/memory-policy.ts';
import { ok } from '../../../shared/core/result.ts';
import { createMemories as createMemoriesBody, writeOutcome } from '../../../shared/contracts/memories.ts';
import { tenantRoute } from '../../http/define-route.ts';
import { json } from '../../http/reply.ts';
import { agentParams } from '../params.ts';

const outcomes = z.object({ object: z.literal('list'), data: z.array(writeOutcome) });

export const createMemories = tenantRoute(
  {
    method: 'POST',
    path: '/v1/agents/{agent}/memories/batch',
    operation: 'createMemories',
    summary: 'Give an agent many memories at once; the answer says of each whether it was accepted, and if not, why.',
    tag: 'Memories',
    surface: 'native',
    permission: 'memories:write',
    idempotent: 'by ids',
    params: agentParams,
    body: createMemoriesBody,
    answer: { status: 200, schema: outcomes },
  },
  async (call, { body }) => {
    const agent = call.agent!;
    const { id: author, traceparent } = call.actor;
    const entries = body.memories.map((each) => ({ ...each, id: call.mint('memory'), author, traceparent }));
    const written = await call.agentObject(agent.id).memories.write(agent.id, entries, memoryPolicyOf(agent));
    return written.ok ? ok(json({ object: 'list', data: written.value })) : written;
  },
);
