import { ok } from '../../../shared/core/result.ts';
import { itemList, itemQuery } from '../../../shared/contracts/conversations.ts';
import { tenantRoute } from '../../http/define-route.ts';
import { json } from '../../http/reply.ts';
import { responseParams } from '../params.ts';
import { requireResponse } from './require-response.ts';

export const listInputItems = tenantRoute(
  {
    method: 'GET',
    path: '/v1/responses/{response}/input_items',
    operation: 'listInputItems',
    summary: 'List the input items of a response.',
    tag: 'Responses',
    surface: 'openai',
    permission: 'conversations:read',
    reach: 'own',
    params: responseParams,
    query: itemQuery,
    answer: { status: 200, schema: itemList },
  },
  async (call, { params, query }) => {
    const found = requireResponse(call, params.response);
    if (!found.ok) return found;
    const items = await found.value.conversation.listInputItems(call.principal, found.value.id, query);
    return items.ok ? ok(json(items.value)) : items;
  },
);
