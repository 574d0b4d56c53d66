import { ok } from '../../../shared/core/result.ts';
import { conversation } from '../../../shared/contracts/conversations.ts';
import { tenantRoute } from '../../http/define-route.ts';
import { json } from '../../http/reply.ts';
import { conversationItemParams } from '../params.ts';
import { requireConversation } from './require-conversation.ts';

export const deleteItem = tenantRoute(
  {
    method: 'DELETE',
    path: '/v1/conversations/{conversation}/items/{item}',
    operation: 'deleteItem',
    summary: 'Delete an item of a conversation.',
    tag: 'Conversations',
    surface: 'openai',
    permission: 'conversations:write',
    reach: 'own',
    params: conversationItemParams,
    answer: { status: 200, schema: conversation },
  },
  async (call, { params }) => {
    const found = requireConversation(call, params.conversation);
    if (!found.ok) return found;
    const left = await found.value.deleteItem(call.principal, params.item);
    return left.ok ? ok(json(left.value)) : left;
  },
);
