/** What the index finds is asked of its conversation again: what was deleted, or is not the caller's, is not shown. */
import { excerptAround } from '../../../shared/core/excerpt.ts';
import { ok } from '../../../shared/core/result.ts';
import { listOf, toList } from '../../../shared/contracts/common.ts';
import { conversationMatch, searchQuery } from '../../../shared/contracts/conversations.ts';
import { tenantRoute } from '../../http/define-route.ts';
import { json } from '../../http/reply.ts';

export const searchConversations = tenantRoute(
  {
    method: 'GET',
    path: '/v1/conversations/search',
    operation: 'searchConversations',
    summary: 'Find items of conversations by their words, newest first.',
    tag: 'Conversations',
    surface: 'openai',
    permission: 'conversations:read',
    reach: 'own',
    query: searchQuery,
    answer: { status: 200, schema: listOf(conversationMatch) },
  },
  async (call, { query }) => {
    const found = await call.tenant.conversations.search(call.principal, query);
    if (!found.ok) return found;
    const page = toList(found.value, query.limit, ({ rid }) => String(rid));
    const read = await Promise.all(
      page.data.map(({ id, item }) => call.conversation(id).findMatch(call.principal, item)),
    );
    const outage = read.find((each) => !each.ok && each.failure.code !== 'not_found');
    if (outage && !outage.ok) return outage;
    const data = page.data.flatMap(({ agent, item }, at) => {
      const match = read[at]!;
      if (!match.ok) return [];
      const { conversation, text } = match.value;
      const excerpt = excerptAround(text, query.q);
      return [{ object: 'conversation.match' as const, conversation: { ...conversation, agent }, item, excerpt }];
    });
    return ok(json({ ...page, data }));
  },
);
