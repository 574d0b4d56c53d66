import { ok } from '../../../shared/core/result.ts';
import { consolidation } from '../../../shared/contracts/memories.ts';
import { tenantRoute } from '../../http/define-route.ts';
import { json } from '../../http/reply.ts';
import { agentConsolidationParams } from '../params.ts';

export const undoConsolidation = tenantRoute(
  {
    method: 'POST',
    path: '/v1/agents/{agent}/memories/consolidations/{consolidation}/undo',
    operation: 'undoConsolidation',
    summary: 'Undo a run of consolidation: what it has made is forgotten, and its sources are open again.',
    tag: 'Memories',
    surface: 'native',
    permission: 'memories:write',
    params: agentConsolidationParams,
    answer: { status: 200, schema: consolidation },
  },
  async (call, { params }) => {
    const agentId = call.agent!.id;
    const { memories } = call.agentObject(agentId);
    const undone = await memories.undoConsolidation(agentId, params.consolidation, call.traceparent);
    return undone.ok ? ok(json(undone.value)) : undone;
  },
);
