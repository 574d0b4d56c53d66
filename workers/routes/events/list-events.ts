/** The event log as a list, newest first; to who accepts `text/event-stream`, as a stream that goes on; to who upgrades, as a WebSocket. */
import { ok } from '../../../shared/core/result.ts';
import { listOf } from '../../../shared/contracts/common.ts';
import { event, eventQuery } from '../../../shared/contracts/events.ts';
import { tenantRoute } from '../../http/define-route.ts';
import { eventStream, json, raw } from '../../http/reply.ts';

export const listEvents = tenantRoute(
  {
    method: 'GET',
    path: '/v1/events',
    operation: 'listEvents',
    summary:
      'List events, newest first, or follow them as server-sent events or over a WebSocket; Last-Event-ID resumes.',
    tag: 'Events',
    surface: 'native',
    permission: 'events:read',
    query: eventQuery,
    answer: { status: 200, schema: listOf(event) },
  },
  async (call, { query }) => {
    const { limit: _, cursor: __, last_event_id: given, ...filter } = query;
    const lastEventId = call.header('last-event-id') ?? given;
    if (call.header('upgrade')?.toLowerCase() === 'websocket') {
      const socket = await call.eventSocket(filter, lastEventId);
      if (!socket.ok) return socket;
      return ok(raw(new Response(null, { status: 101, webSocket: socket.value.webSocket })));
    }
    if (call.header('accept')?.includes('text/event-stream')) {
      const stream = await call.tenant.events.stream(call.principal, filter, lastEventId);
      return stream.ok ? ok(eventStream(stream.value)) : stream;
    }
    const events = await call.tenant.events.list(query);
    return events.ok ? ok(json(events.value)) : events;
  },
);
