import { ok } from '../../../shared/core/result.ts';
import { conversation, createConversation as createConversationBody } from '../../../shared/contracts/conversations.ts';
import { tenantRoute } from '../../http/define-route.ts';
import { json } from '../../http/reply.ts';

export const createConversation = tenantRoute(
  {
    method: 'POST',
    path: '/v1/conversations',
    operation: 'createConversation',
    summary: 'Create a conversation, with items if you like.',
    tag: 'Conversations',
    surface: 'openai',
    permission: 'conversations:write',
    reach: 'own',
    idempotent: true,
    body: createConversationBody,
    plan: async (request) => {
      const id = request.mint('conversation');
      return ok({ conversation: { id, listed: true }, planned: { id } });
    },
    answer: { status: 200, schema: conversation },
  },
  async (call, { body }) => {
    const { id } = call.planned;
    const created = await call.conversation(id).create(call.principal, {
      id,
      agentId: call.principal.scope.agent,
      metadata: body.metadata ?? {},
      items: body.items ?? [],
    });
    return created.ok ? ok(json(created.value)) : created;
  },
);
