/**
 * The event log over WebSockets that outlast the object's sleep: what a socket has seen lies with the socket itself, so an
 * object that wakes goes on where it was. One message an event, the same JSON as a server-sent one; what comes in is not
 * read. A socket that is too far behind is told to page the list first: nothing is buffered for it without bound.
 */
import type { Principal } from '../../shared/core/principal.ts';
import type { MeterReading } from '../../shared/contracts/billing.ts';
import type { EventFilter } from '../../shared/contracts/events.ts';
import { addSent, nothingSent, readingOf, type Sent } from '../runtime/socket-egress.ts';
import type { EventLog } from './event-log.ts';

const Tag = 'events';
const PageSize = 100;
const MostBehind = 5_000;

/** Kept with each socket, at most 2 KB: of the reader only what tells whether it stands. */
type Seat = {
  readonly reader: Principal;
  readonly filter: EventFilter;
  readonly position: number;
  readonly sent: Sent;
};

export type SocketOpening = {
  readonly reader: Principal;
  readonly filter: EventFilter;
  readonly lastEventId: string | undefined;
};

export type EventSocketParts = {
  readonly log: () => EventLog;
  readonly mayRead: (reader: Principal) => boolean;
  readonly meter: (reading: MeterReading) => void;
  readonly now: () => number;
};

export class EventSockets {
  readonly #state: DurableObjectState;
  readonly #parts: EventSocketParts;

  constructor(state: DurableObjectState, parts: EventSocketParts) {
    this.#state = state;
    this.#parts = parts;
  }

  open({ reader, filter, lastEventId }: SocketOpening): Response {
    const [client, server] = Object.values(new WebSocketPair()) as [WebSocket, WebSocket];
    this.#state.acceptWebSocket(server, [Tag]);
    const { log: findLog, now } = this.#parts;
    const log = findLog();
    const seen = lastEventId === undefined ? log.startOf(filter) : log.positionOf(lastEventId);
    if (seen === undefined) {
      server.send(
        JSON.stringify({ object: 'event.gap', reason: 'the event after which to go on is not kept any more' }),
      );
    }
    const seat: Seat = {
      reader: { ...reader, permissions: [] },
      filter,
      position: seen ?? 0,
      sent: nothingSent(now()),
    };
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

  /** Its other end is gone: what went to it is told. */
  ended(socket: WebSocket): void {
    const seat = socket.deserializeAttachment() as Seat | null;
    const reading = seat && readingOf(seat.sent, this.#parts.now());
    socket.serializeAttachment(null);
    if (reading) this.#parts.meter(reading);
  }

  #send(socket: WebSocket): void {
    const { log: findLog, mayRead, meter, now } = this.#parts;
    const log = findLog();
    let seat = socket.deserializeAttachment() as Seat | null;
    if (seat === null) return;
    const head = log.head();
    if (!mayRead(seat.reader)) return this.#end(socket, 1008, 'the credential has ended');
    if (head - seat.position > MostBehind)
      return this.#end(socket, 1013, 'too far behind: page the list, then come back');
    while (seat.position < head) {
      const events = log.after(seat.position, seat.filter, PageSize);
      const messages = events.map(({ event }) => JSON.stringify(event));
      for (const message of messages) socket.send(message);
      const { sent, due } = addSent(seat.sent, messages, now());
      seat = { ...seat, position: events.length < PageSize ? head : events.at(-1)!.position, sent };
      socket.serializeAttachment(seat);
      if (due) meter(due);
    }
  }

  /** Its other end may take its time to close: until then it has no seat. */
  #end(socket: WebSocket, code: number, reason: string): void {
    this.ended(socket);
    socket.close(code, reason);
  }
}
