import { ok } from '../../../shared/core/result.ts';
import { itemList, itemQuery } from '../../../shared/contracts/conversations.ts';
import { tenantRoute } from '../../http/define-route.ts';
import { json } from '../../http/reply.ts';
import { conversationParams } from '../params.ts';
import { requireConversation } from './require-conversation.ts';

export const listItems = tenantRoute(
  {
    method: 'GET',
    path: '/v1/conversations/{conversation}/items',
    operation: 'listItems',
    summary: 'List the items of a conversation.',
    tag: 'Conversations',
    surface: 'openai',
    permission: 'conversations:read',
    reach: 'own',
    params: conversationParams,
    query: itemQuery,
    answer: { status: 200, schema: itemList },
  },
  async (call, { params, query }) => {
    const found = requireConversation(call, params.conversation);
    if (!found.ok) return found;
    const items = await found.value.listItems(call.principal, query);
    return items.ok ? ok(json(items.value)) : items;
  },
);
