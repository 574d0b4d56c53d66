/**
 * The event log over WebSockets that outlast the object's sleep: what a socket has seen lies with the socket itself, so an
 * object that wakes goes on where it was. One message an event, the same JSON as a server-sent one; what comes in is not
 * read. A socket that is too far behind is told to page the list first: nothing is buffered for it without bound.
 */
import type { Principal } from '../../shared/core/principal.ts';
import type { EventFilter } from '../../shared/contracts/events.ts';
import type { EventLog } from './event-log.ts';

const Tag = 'events';
const PageSize = 100;
const MostBehind = 5_000;

/** Kept with each socket, at most 2 KB: of the reader only what tells whether it stands. */
type Seat = { readonly reader: Principal; readonly filter: EventFilter; readonly position: number };

export type SocketOpening = {
  readonly reader: Principal;
  readonly filter: EventFilter;
  readonly lastEventId: string | undefined;
};

export class EventSockets {
  readonly #state: DurableObjectState;
  readonly #findLog: () => EventLog;
  readonly #mayRead: (reader: Principal) => boolean;

  constructor(state: DurableObjectState, log: () => EventLog, mayRead: (reader: Principal) => boolean) {
    this.#state = state;
    this.#findLog = log;
    this.#mayRead = mayRead;
  }

  open({ reader, filter, lastEventId }: SocketOpening): Response {
    const [client, server] = Object.values(new WebSocketPair()) as [WebSocket, WebSocket];
    this.#state.acceptWebSocket(server, [Tag]);
    const log = this.#findLog();
    const seen = lastEventId === undefined ? log.startOf(filter) : log.positionOf(lastEventId);
    if (seen === undefined) {
      server.send(
        JSON.stringify({ object: 'event.gap', reason: 'the event after which to go on is not kept any more' }),
      );
    }
    const seat: Seat = { reader: { ...reader, permissions: [] }, filter, position: seen ?? 0 };
    server.serializeAttachment(seat);
    void this.ring();
    return new Response(null, { status: 101, webSocket: client });
  }

  /** Something was entered. Shown when it is on disk. */
  async ring(): Promise<void> {
    const sockets = this.#state.getWebSockets(Tag);
    if (sockets.length === 0) return;
    await this.#state.storage.sync();
    for (const socket of sockets) this.#send(socket);
  }

  #send(socket: WebSocket): void {
    const log = this.#findLog();
    let seat = socket.deserializeAttachment() as Seat;
    const head = log.head();
    if (!this.#mayRead(seat.reader)) return socket.close(1008, 'the credential has ended');
    if (head - seat.position > MostBehind) return socket.close(1013, 'too far behind: page the list, then come back');
    while (seat.position < head) {
      const events = log.after(seat.position, seat.filter, PageSize);
      for (const { event } of events) socket.send(JSON.stringify(event));
      seat = { ...seat, position: events.length < PageSize ? head : events.at(-1)!.position };
    }
    socket.serializeAttachment(seat);
  }
}
