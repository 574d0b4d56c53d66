/**
 * The event log as it grows, for those who listen: server-sent events, pulled, so that a slow reader holds a place in the
 * log and never a buffer. Nothing is shown to a credential that has ended meanwhile: whether it stands is asked before
 * every frame.
 */
import type { Principal } from '../../shared/core/principal.ts';
import { formatSse, keepAliveFrame } from '../../shared/core/sse.ts';
import type { EventFilter } from '../../shared/contracts/events.ts';
import { resolvesWithin, Wake } from '../runtime/wake.ts';
import type { EventLog } from './event-log.ts';
import type { PlacedEvent } from './event-store.ts';

const PageSize = 100;
/** Also how soon a reader who left is noticed, and at the latest one whose credential has ended. */
const KeepAliveMs = 5_000;
const encoder = new TextEncoder();

/** Tells a reader that what it saw last is not kept any more: what follows begins with the oldest that is. */
export const gapFrame = formatSse({
  event: 'gap',
  data: '{"reason":"the event after which to go on is not kept any more"}',
});

export function encodeEvent({ event }: PlacedEvent): string {
  return formatSse({ event: event.type, id: event.id, data: JSON.stringify(event) });
}

export class EventFeed {
  readonly #findLog: () => EventLog;
  readonly #mayRead: (reader: Principal) => boolean;
  readonly #confirm: () => Promise<void>;
  readonly #wake = new Wake();

  /** `confirm`: resolves when all that was entered is on disk; only then it is shown. */
  constructor(log: () => EventLog, mayRead: (reader: Principal) => boolean, confirm: () => Promise<void>) {
    this.#findLog = log;
    this.#mayRead = mayRead;
    this.#confirm = confirm;
  }

  get #log(): EventLog {
    return this.#findLog();
  }

  /** Something was entered. */
  ring(): void {
    this.#wake.ring();
  }

  stream(reader: Principal, filter: EventFilter, lastEventId: string | undefined): ReadableStream<Uint8Array> {
    const seen = lastEventId === undefined ? this.#log.startOf(filter) : this.#log.positionOf(lastEventId);
    let position = seen ?? 0;
    let opening = seen === undefined ? gapFrame : keepAliveFrame;
    const next = async (): Promise<string | undefined> => {
      for (;;) {
        const { rung } = this.#wake;
        if (!this.#mayRead(reader)) return undefined;
        const head = this.#log.head();
        const events = this.#log.after(position, filter, PageSize);
        position = events.length < PageSize ? Math.max(position, head) : events.at(-1)!.position;
        if (opening !== '' || events.length > 0) {
          const text = opening + events.map(encodeEvent).join('');
          opening = '';
          await this.#confirm();
          return text;
        }
        if (!(await resolvesWithin(rung, KeepAliveMs))) return keepAliveFrame;
      }
    };
    return new ReadableStream<Uint8Array>({
      type: 'bytes' as '',
      async pull(controller) {
        const text = await next();
        if (text === undefined) controller.close();
        else controller.enqueue(encoder.encode(text));
      },
    });
  }
}
