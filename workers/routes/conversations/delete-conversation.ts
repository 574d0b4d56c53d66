import { isId } from '../../../shared/core/ids.ts';
import { err, ok } from '../../../shared/core/result.ts';
import { deletedConversation } from '../../../shared/contracts/conversations.ts';
import { tenantRoute } from '../../http/define-route.ts';
import { json } from '../../http/reply.ts';
import { conversationParams } from '../params.ts';

export const deleteConversation = tenantRoute(
  {
    method: 'DELETE',
    path: '/v1/conversations/{conversation}',
    operation: 'deleteConversation',
    summary: 'Delete a conversation with everything in it.',
    tag: 'Conversations',
    surface: 'openai',
    permission: 'conversations:write',
    reach: 'own',
    params: conversationParams,
    answer: { status: 200, schema: deletedConversation },
  },
  async (call, { params: { conversation: id } }) => {
    if (!isId('conversation', id)) return err('not_found', 'There is no such conversation.');
    const erased = await call.conversation(id).destroy(call.principal);
    if (!erased.ok) return erased;
    const removed = await call.tenant.conversations.remove(id, call.traceparent);
    return removed.ok ? ok(json({ id, object: 'conversation.deleted', deleted: true })) : removed;
  },
);
