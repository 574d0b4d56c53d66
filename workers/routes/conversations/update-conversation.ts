import { ok } from '../../../shared/core/result.ts';
import { conversation, updateConversation as updateConversationBody } from '../../../shared/contracts/conversations.ts';
import { tenantRoute } from '../../http/define-route.ts';
import { json } from '../../http/reply.ts';
import { conversationParams } from '../params.ts';
import { requireConversation } from './require-conversation.ts';

export const updateConversation = tenantRoute(
  {
    method: 'POST',
    path: '/v1/conversations/{conversation}',
    operation: 'updateConversation',
    summary: 'Replace the metadata of a conversation.',
    tag: 'Conversations',
    surface: 'openai',
    permission: 'conversations:write',
    reach: 'own',
    params: conversationParams,
    body: updateConversationBody,
    answer: { status: 200, schema: conversation },
  },
  async (call, { params, body }) => {
    const found = requireConversation(call, params.conversation);
    if (!found.ok) return found;
    const updated = await found.value.update(call.principal, body.metadata ?? {});
    return updated.ok ? ok(json(updated.value)) : updated;
  },
);
