import { ok } from '../../../shared/core/result.ts';
import { conversation } from '../../../shared/contracts/conversations.ts';
import { tenantRoute } from '../../http/define-route.ts';
import { json } from '../../http/reply.ts';
import { conversationParams } from '../params.ts';
import { requireConversation } from './require-conversation.ts';

export const retrieveConversation = tenantRoute(
  {
    method: 'GET',
    path: '/v1/conversations/{conversation}',
    operation: 'retrieveConversation',
    summary: 'Retrieve a conversation.',
    tag: 'Conversations',
    surface: 'openai',
    permission: 'conversations:read',
    reach: 'own',
    params: conversationParams,
    answer: { status: 200, schema: conversation },
  },
  async (call, { params }) => {
    const found = requireConversation(call, params.conversation);
    if (!found.ok) return found;
    const read = await found.value.read(call.principal);
    return read.ok ? ok(json(read.value)) : read;
  },
);
