/**
 * Carries events from the log to the webhooks' objects. Each webhook has a cursor of its own, moved only after its object
 * has taken the events durably: a crash in between sends some twice, with the same ids, and loses none. A read of the log
 * serves all webhooks that are equally far. An object that takes no more, or does not answer, holds up no other.
 */
import { computeBackoffMs } from '../../shared/core/backoff.ts';
import type { WebhookId } from '../../shared/core/ids.ts';
import type { Result } from '../../shared/core/result.ts';
import type { OutgoingMessage } from '../../shared/contracts/webhooks.ts';
import type { EventLog } from './event-log.ts';
import type { PlacedEvent } from './event-store.ts';
import { rendererFor, selectorFor, toMessage, webhooksOf } from './webhook-payload.ts';
import type { StoredWebhook, WebhookCursor, WebhookStore } from './webhook-store.ts';

/** Any time in the past says that something is due. */
export const DueNow = 1_000;
const BatchSize = 250;
/** After so many rounds the alarm comes again: whoever else waits for the object has a turn. */
const MaxRounds = 8;
const Retry = { baseMs: 1_000, capMs: 30_000 };

/** Hands messages to a webhook's object. `full`: it has taken none, because it has enough. */
export type Hand = (
  webhook: WebhookId,
  revision: number,
  messages: readonly OutgoingMessage[],
) => Promise<Result<'taken' | 'full'>>;

type Target = {
  readonly hook: StoredWebhook;
  readonly selects: ReturnType<typeof selectorFor>;
  readonly render: ReturnType<typeof rendererFor>;
  /** Webhooks with the same get the same, and it is made once. */
  readonly key: string;
};

export class WebhookFanOut {
  readonly #store: WebhookStore;
  readonly #log: EventLog;
  readonly #hand: Hand;
  readonly #transaction: (work: () => void) => void;
  readonly #random: () => number;
  /** Cursors that wait, in memory alone: a new start tries at once. */
  readonly #waiting = new Map<number, { readonly times: number; readonly until: number }>();

  constructor(
    store: WebhookStore,
    log: EventLog,
    hand: Hand,
    transaction: (work: () => void) => void,
    random: () => number = Math.random,
  ) {
    this.#store = store;
    this.#log = log;
    this.#hand = hand;
    this.#transaction = transaction;
    this.#random = random;
  }

  dueAt(): number | undefined {
    const head = this.#log.head();
    let due: number | undefined;
    for (const cursor of this.#store.cursors()) {
      if (cursor.position >= (cursor.until ?? head)) continue;
      const at = this.#waiting.get(cursor.id)?.until ?? DueNow;
      if (due === undefined || at < due) due = at;
    }
    return due;
  }

  async run(now: number): Promise<void> {
    const targets = new Map(this.#store.enabled().map((hook): [WebhookId, Target] => [hook.id, toTarget(hook)]));
    for (let round = 0; round < MaxRounds; round++) {
      const head = this.#log.head();
      const behind = this.#store
        .cursors()
        .filter(({ id, position, until }) => position < (until ?? head) && (this.#waiting.get(id)?.until ?? 0) <= now);
      if (behind.length === 0) return;
      const groups = Map.groupBy(behind, ({ position }) => position);
      const moved = await Promise.all(
        [...groups].flatMap(([position, cursors]) => {
          const events = this.#log.after(position, {}, BatchSize);
          const end = events.at(-1)?.position ?? head;
          const bodies = new Map<string, OutgoingMessage[]>();
          return cursors.map((cursor) => this.#send(cursor, targets.get(cursor.webhook), events, end, bodies, now));
        }),
      );
      this.#transaction(() => {
        for (const each of moved) if (each) this.#store.advance(each.cursor, each.to);
      });
    }
  }

  /** The cursor and where it goes; undefined where it stays. */
  async #send(
    cursor: WebhookCursor,
    target: Target | undefined,
    events: readonly PlacedEvent[],
    end: number,
    bodies: Map<string, OutgoingMessage[]>,
    now: number,
  ): Promise<{ readonly cursor: WebhookCursor; readonly to: number } | undefined> {
    if (!target) return undefined;
    const last = cursor.until ?? end;
    const key = `${target.key} ${last}`;
    const own = events.some(({ event }) => event.data['id'] === cursor.webhook || webhooksOf(event).length > 0);
    const messages =
      (own ? undefined : bodies.get(key)) ??
      events
        .filter(({ position, event }) => position <= last && target.selects(event))
        .map((placed) => toMessage(placed, target.render));
    if (!own) bodies.set(key, messages);
    const to = Math.min(end, last);
    if (messages.length === 0) return { cursor, to };
    const handed = await this.#hand(cursor.webhook, target.hook.revision, messages);
    if (handed.ok && handed.value === 'taken') {
      this.#waiting.delete(cursor.id);
      return { cursor, to };
    }
    const times = (this.#waiting.get(cursor.id)?.times ?? 0) + 1;
    this.#waiting.set(cursor.id, {
      times,
      until: now + computeBackoffMs(times - 1, { ...Retry, random: this.#random }),
    });
    return undefined;
  }
}

function toTarget(hook: StoredWebhook): Target {
  const { events, agent, environment, transform } = hook.settings;
  return {
    hook,
    selects: selectorFor(hook.id, hook.settings),
    render: rendererFor(transform),
    key: JSON.stringify([events, agent, environment, transform]),
  };
}
