import { ok } from '../../../shared/core/result.ts';
import { createItems as createItemsBody, itemList } from '../../../shared/contracts/conversations.ts';
import { tenantRoute } from '../../http/define-route.ts';
import { json } from '../../http/reply.ts';
import { conversationParams } from '../params.ts';
import { requireConversation } from './require-conversation.ts';

export const createItems = tenantRoute(
  {
    method: 'POST',
    path: '/v1/conversations/{conversation}/items',
    operation: 'createItems',
    summary: 'Add items to a conversation.',
    tag: 'Conversations',
    surface: 'openai',
    permission: 'conversations:write',
    reach: 'own',
    idempotent: true,
    params: conversationParams,
    body: createItemsBody,
    answer: { status: 200, schema: itemList },
  },
  async (call, { params, body }) => {
    const found = requireConversation(call, params.conversation);
    if (!found.ok) return found;
    const items = await found.value.addItems(call.principal, body.items);
    return items.ok ? ok(json(items.value)) : items;
  },
);
