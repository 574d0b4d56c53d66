import { z } from 'zod';
import { ok } from '../../../shared/core/result.ts';
import { chainVerification } from '../../../shared/contracts/memories.ts';
import { tenantRoute } from '../../http/define-route.ts';
import { json } from '../../http/reply.ts';
import { agentParams } from '../params.ts';

const verifyQuery = z.strictObject({
  incremental: z.enum(['true', 'false']).default('false').describe('From the last checkpoint that was verified on.'),
});

export const verifyMemories = tenantRoute(
  {
    method: 'GET',
    path: '/v1/agents/{agent}/memories/verify',
    operation: 'verifyMemories',
    summary: 'Recompute the chain of an agent and name the first memory that does not hold.',
    tag: 'Memories',
    surface: 'native',
    permission: 'memories:read',
    params: agentParams,
    query: verifyQuery,
    answer: { status: 200, schema: chainVerification },
  },
  async (call, { query }) => {
    const agentId = call.agent!.id;
    const verified = await call.agentObject(agentId).memories.verify(agentId, query.incremental === 'true');
    return verified.ok ? ok(json(verified.value)) : verified;
  },
);
