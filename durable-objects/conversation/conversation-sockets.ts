/**
 * A conversation over WebSockets that outlast the object's sleep: the events of all its responses, the same JSON as in their
 * streams, each with its `response_id`. What a socket has seen lies with the socket, so an object that wakes goes on where
 * it was. What comes in is not read. A reader whose credential has ended sees nothing more.
 */
import { parseId, type ResponseId } from '../../shared/core/ids.ts';
import type { Principal } from '../../shared/core/principal.ts';
import type { Result } from '../../shared/core/result.ts';
import type { MeterReading } from '../../shared/contracts/billing.ts';
import { addSent, nothingSent, readingOf, type Sent } from '../runtime/socket-egress.ts';

const Tag = 'conversation';
/** How long what the tenant's object said of a reader holds. */
const StandingMs = 700;
/** Responses that a socket may be in the middle of: its seat is kept in 2 KB. */
const MostOpen = 16;

/** `floor`: newer responses are shown from their beginning, older ones where `next` names them, from that event on. */
type Seat = {
  readonly reader: Principal;
  readonly floor: ResponseId | '';
  readonly next: Readonly<Record<ResponseId, number>>;
  readonly sent: Sent;
};

export type SocketOpening = {
  readonly reader: Principal;
  /** The last event that was seen of a response, by its id. */
  readonly after: Readonly<Record<string, number>> | undefined;
};

export type SocketSource = {
  /** All responses, the oldest first; whether each has ended. */
  readonly responses: () => readonly { readonly id: ResponseId; readonly isOver: boolean }[];
  readonly frames: (id: ResponseId) => { readonly isOver: boolean; read(from: number): readonly string[] };
  readonly stands: (reader: Principal) => Promise<Result<unknown>>;
  readonly meter: (reading: MeterReading) => void;
  readonly now: () => number;
};

export class ConversationSockets {
  readonly #state: DurableObjectState;
  readonly #source: SocketSource;
  readonly #standing = new Map<string, { readonly at: number; readonly stands: Promise<boolean> }>();

  constructor(state: DurableObjectState, source: SocketSource) {
    this.#state = state;
    this.#source = source;
  }

  open({ reader, after }: SocketOpening): Response {
    const [client, server] = Object.values(new WebSocketPair()) as [WebSocket, WebSocket];
    this.#state.acceptWebSocket(server, [Tag]);
    server.serializeAttachment(this.#seat({ ...reader, permissions: [] }, after));
    void this.ring();
    return new Response(null, { status: 101, webSocket: client });
  }

  /** There is more to show, of this response or of any. */
  async ring(id?: ResponseId): Promise<void> {
    const sockets = this.#state.getWebSockets(Tag);
    if (sockets.length === 0) return;
    const ids = id === undefined ? this.#source.responses().map((each) => each.id) : [id];
    for (const socket of sockets) {
      const seat = socket.deserializeAttachment() as Seat | null;
      if (seat === null) continue;
      if (!(await this.#stands(seat.reader))) this.#end(socket, 1008, 'the credential has ended');
      else for (const each of ids) this.#send(socket, each);
    }
  }

  closeAll(): void {
    for (const socket of this.#state.getWebSockets(Tag)) this.#end(socket, 1000, 'the conversation was deleted');
  }

  /** Its other end is gone: what went to it is told. */
  ended(socket: WebSocket): void {
    const seat = socket.deserializeAttachment() as Seat | null;
    const reading = seat && readingOf(seat.sent, this.#source.now());
    socket.serializeAttachment(null);
    if (reading) this.#source.meter(reading);
  }

  /** From now on; or from what was seen: the rest of what is named, and all that is newer. */
  #seat(reader: Principal, after: SocketOpening['after']): Seat {
    const all = this.#source.responses();
    const seen = Object.entries(after ?? {}).flatMap(([text, number]) => {
      const id = parseId('response', text);
      return id && all.some((each) => each.id === id) ? [[id, number + 1] as const] : [];
    });
    const newest = (ids: readonly ResponseId[]) =>
      ids.reduce<ResponseId | ''>((most, id) => (id > most ? id : most), '');
    const open = all.flatMap(({ id, isOver }) => (isOver ? [] : [[id, 0] as const]));
    const floor = newest(after === undefined ? all.map(({ id }) => id) : seen.map(([id]) => id));
    return { reader, floor, next: Object.fromEntries([...open, ...seen]), sent: nothingSent(this.#source.now()) };
  }

  #send(socket: WebSocket, id: ResponseId): void {
    const seat = socket.deserializeAttachment() as Seat | null;
    if (seat === null) return;
    const from = seat.next[id] ?? (id > seat.floor ? 0 : undefined);
    if (from === undefined) return;
    const source = this.#source.frames(id);
    const { isOver } = source;
    const frames = source.read(from);
    const messages = frames.map((frame) => `${frame.slice(0, -1)},"response_id":"${id}"}`);
    for (const message of messages) socket.send(message);
    const { sent, due } = addSent(seat.sent, messages, this.#source.now());
    const { [id]: _, ...others } = seat.next;
    // Those that have not ended stay named, so that the floor can rise above them.
    const next = isOver ? { ...this.#unended(), ...others } : { ...others, [id]: from + frames.length };
    const floor = isOver && id > seat.floor ? id : seat.floor;
    socket.serializeAttachment({ ...seat, floor, next, sent } satisfies Seat);
    if (due) this.#source.meter(due);
    if (Object.keys(next).length > MostOpen) this.#end(socket, 1013, 'too many responses at once: list them');
  }

  /** Its other end may take its time to close: until then it has no seat. */
  #end(socket: WebSocket, code: number, reason: string): void {
    if (socket.deserializeAttachment() === null) return;
    this.ended(socket);
    socket.close(code, reason);
  }

  #unended(): Record<ResponseId, number> {
    return Object.fromEntries(this.#source.responses().flatMap(({ id, isOver }) => (isOver ? [] : [[id, 0]])));
  }

  #stands(reader: Principal): Promise<boolean> {
    const known = this.#standing.get(reader.id);
    const now = this.#source.now();
    if (known && now >= known.at && now - known.at < StandingMs) return known.stands;
    // An outage ends nothing.
    const stands = this.#source
      .stands(reader)
      .then((answer) => answer.ok || answer.failure.code === 'service_unavailable');
    this.#standing.set(reader.id, { at: now, stands });
    return stands;
  }
}
