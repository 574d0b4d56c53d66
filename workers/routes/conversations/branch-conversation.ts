import { ok } from '../../../shared/core/result.ts';
import {
  branchConversation as branchConversationBody,
  branchedConversation,
} from '../../../shared/contracts/conversations.ts';
import { tenantRoute } from '../../http/define-route.ts';
import { json } from '../../http/reply.ts';
import { conversationParams } from '../params.ts';
import { requireConversation } from './require-conversation.ts';

export const branchConversation = tenantRoute(
  {
    method: 'POST',
    path: '/v1/conversations/{conversation}/branch',
    operation: 'branchConversation',
    summary: 'Begin another conversation with what was said in this one, up to an item.',
    tag: 'Conversations',
    surface: 'openai',
    permission: 'conversations:write',
    reach: 'own',
    idempotent: true,
    params: conversationParams,
    body: branchConversationBody,
    answer: { status: 200, schema: branchedConversation },
  },
  async (call, { params, body }) => {
    const found = requireConversation(call, params.conversation);
    if (!found.ok) return found;
    const branch = await found.value.readBranch(call.principal, body.item);
    if (!branch.ok) return branch;
    const { agentId, metadata, past } = branch.value;
    const id = call.mint('conversation');
    // In the tenant's list before it is made: what nobody lists, no deletion would find.
    const held = await call.tenant.holdConversation(call.principal, agentId, id, true);
    if (!held.ok) return held;
    const conversation = { id, agentId, metadata: body.metadata ?? metadata, items: [], past };
    const created = await call.conversation(id).create(call.principal, conversation);
    if (!created.ok) return created;
    const from = { conversation: params.conversation, item: body.item ?? past.at(-1)?.id ?? null };
    return ok(json({ ...created.value, branched_from: from }));
  },
);
