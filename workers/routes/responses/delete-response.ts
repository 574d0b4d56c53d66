import { ok } from '../../../shared/core/result.ts';
import { deletedResponse } from '../../../shared/contracts/responses.ts';
import { tenantRoute } from '../../http/define-route.ts';
import { json } from '../../http/reply.ts';
import { responseParams } from '../params.ts';
import { requireResponse } from './require-response.ts';

export const deleteResponse = tenantRoute(
  {
    method: 'DELETE',
    path: '/v1/responses/{response}',
    operation: 'deleteResponse',
    summary: 'Delete a response and its events.',
    tag: 'Responses',
    surface: 'openai',
    permission: 'conversations:write',
    reach: 'own',
    params: responseParams,
    answer: { status: 200, schema: deletedResponse },
  },
  async (call, { params }) => {
    const found = requireResponse(call, params.response);
    if (!found.ok) return found;
    const { id, conversation } = found.value;
    const deleted = await conversation.deleteResponse(call.principal, id);
    return deleted.ok ? ok(json({ id, object: 'response.deleted', deleted: true })) : deleted;
  },
);
