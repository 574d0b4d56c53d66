import { ok } from '../../../shared/core/result.ts';
import { response } from '../../../shared/contracts/responses.ts';
import { tenantRoute } from '../../http/define-route.ts';
import { json } from '../../http/reply.ts';
import { responseParams } from '../params.ts';
import { requireResponse } from './require-response.ts';

export const cancelResponse = tenantRoute(
  {
    method: 'POST',
    path: '/v1/responses/{response}/cancel',
    operation: 'cancelResponse',
    summary: 'Cancel a response that runs in the background.',
    tag: 'Responses',
    surface: 'openai',
    permission: 'conversations:write',
    reach: 'own',
    params: responseParams,
    answer: { status: 200, schema: response },
  },
  async (call, { params }) => {
    const found = requireResponse(call, params.response);
    if (!found.ok) return found;
    const cancelled = await found.value.conversation.cancelResponse(call.principal, found.value.id);
    return cancelled.ok ? ok(json(cancelled.value)) : cancelled;
  },
);
