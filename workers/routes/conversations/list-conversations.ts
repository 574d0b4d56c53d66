import { ok } from '../../../shared/core/result.ts';
import { listOf, toList } from '../../../shared/contracts/common.ts';
import { conversationsQuery, conversationSummary } from '../../../shared/contracts/conversations.ts';
import { tenantRoute } from '../../http/define-route.ts';
import { json } from '../../http/reply.ts';

export const listConversations = tenantRoute(
  {
    method: 'GET',
    path: '/v1/conversations',
    operation: 'listConversations',
    summary: 'List conversations, newest first, by agent, visitor, metadata or time.',
    tag: 'Conversations',
    surface: 'openai',
    permission: 'conversations:read',
    reach: 'own',
    query: conversationsQuery,
    answer: { status: 200, schema: listOf(conversationSummary) },
  },
  async (call, { query }) => {
    const indexed = await call.tenant.conversations.list(call.principal, query);
    if (!indexed.ok) return indexed;
    const page = toList(indexed.value, query.limit, (entry) => entry.id);
    const read = await Promise.all(page.data.map(({ id }) => call.conversation(id).read(call.principal)));
    const data = page.data.flatMap(({ agent }, at) => {
      const conversation = read[at]!;
      return conversation.ok ? [{ ...conversation.value, agent }] : [];
    });
    const outage = read.find((each) => !each.ok && each.failure.code !== 'not_found');
    return outage && !outage.ok ? outage : ok(json({ ...page, data }));
  },
);
