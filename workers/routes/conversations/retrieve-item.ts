import { ok } from '../../../shared/core/result.ts';
import { item } from '../../../shared/contracts/conversations.ts';
import { tenantRoute } from '../../http/define-route.ts';
import { json } from '../../http/reply.ts';
import { conversationItemParams } from '../params.ts';
import { requireConversation } from './require-conversation.ts';

export const retrieveItem = tenantRoute(
  {
    method: 'GET',
    path: '/v1/conversations/{conversation}/items/{item}',
    operation: 'retrieveItem',
    summary: 'Retrieve an item of a conversation.',
    tag: 'Conversations',
    surface: 'openai',
    permission: 'conversations:read',
    reach: 'own',
    params: conversationItemParams,
    answer: { status: 200, schema: item },
  },
  async (call, { params }) => {
    const found = requireConversation(call, params.conversation);
    if (!found.ok) return found;
    const read = await found.value.findItem(call.principal, params.item);
    return read.ok ? ok(json(read.value)) : read;
  },
);
