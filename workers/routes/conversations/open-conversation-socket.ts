/** The events of all responses of a conversation over one WebSocket; without an upgrade, which responses there are. */
import { isId } from '../../../shared/core/ids.ts';
import { err, ok } from '../../../shared/core/result.ts';
import { listOf, MaxPage } from '../../../shared/contracts/common.ts';
import { followedResponse, socketQuery } from '../../../shared/contracts/conversations.ts';
import { tenantRoute } from '../../http/define-route.ts';
import { json, raw } from '../../http/reply.ts';
import { conversationParams } from '../params.ts';

const noConversation = () => err('not_found', 'There is no such conversation.');

export const openConversationSocket = tenantRoute(
  {
    method: 'GET',
    path: '/v1/conversations/{conversation}/socket',
    operation: 'openConversationSocket',
    summary:
      'Follow the responses of a conversation over a WebSocket; `after` resumes. Without an upgrade: its newest responses, each with its last event.',
    tag: 'Conversations',
    surface: 'openai',
    permission: 'conversations:read',
    reach: 'own',
    params: conversationParams,
    query: socketQuery,
    answer: { status: 200, schema: listOf(followedResponse) },
  },
  async (call, { params: { conversation: id }, query }) => {
    if (!isId('conversation', id)) return noConversation();
    if (call.header('upgrade')?.toLowerCase() !== 'websocket') {
      const followed = await call.conversation(id).listFollowed(call.principal, MaxPage);
      return followed.ok
        ? ok(json({ object: 'list', data: followed.value, has_more: false, next_cursor: null }))
        : followed;
    }
    const socket = await call.conversationSocket(id, query.after);
    if (!socket.ok) return socket;
    const { webSocket } = socket.value;
    return webSocket ? ok(raw(new Response(null, { status: 101, webSocket }))) : noConversation();
  },
);
