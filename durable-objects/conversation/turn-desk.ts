/**
 * The turns that run in this isolate, and the frames of those that do not. A turn that another isolate began and that
 * has shown nothing yet is begun again; one that has shown a part ends in a clear failure, so that a half answer never
 * looks whole.
 */
import { mintId, type ResponseId } from '../../shared/core/ids.ts';
import { describeError } from '../../shared/core/log.ts';
import type { Item } from '../../shared/contracts/conversations.ts';
import type { Response as ResponseBody } from '../../shared/contracts/responses.ts';
import type { ConversationStore } from './conversation-store.ts';
import { EventLog } from './event-log.ts';
import type { FrameSource } from './event-stream.ts';
import { runTurn, type TurnDeps } from './turn-runner.ts';
import type { TurnStart } from '../../shared/contracts/turn-start.ts';
import { Turn } from './turn.ts';

type LiveTurn = { readonly log: EventLog; readonly abort: AbortController; readonly done: Promise<void> };

/** Finished turns whose frames stay in memory for listeners that are still reading. */
const KeepFinished = 16;

export class TurnDesk {
  readonly #storage: DurableObjectStorage;
  readonly #store: ConversationStore;
  readonly #deps: TurnDeps;
  readonly #live = new Map<ResponseId, LiveTurn>();

  constructor(storage: DurableObjectStorage, store: ConversationStore, deps: TurnDeps) {
    this.#storage = storage;
    this.#store = store;
    this.#deps = deps;
  }

  begin(start: TurnStart): void {
    const turn = this.#turn(start.response);
    const log = new EventLog(start.responseId, this.#store, this.#storage, []);
    log.append(turn.created());
    this.#run(start, turn, log);
  }

  /** For the watchdog: does nothing where the turn runs here. */
  resume(start: TurnStart, response: ResponseBody): void {
    if (this.#live.has(start.responseId)) return;
    const past = this.#store.frames(start.responseId, 0);
    const log = new EventLog(start.responseId, this.#store, this.#storage, past);
    if (past.length === 0) {
      this.begin(start);
    } else if (past.some(showsOutput)) {
      const turn = this.#turn(response);
      const last = turn.failed(
        'upstream_cut',
        'The platform was interrupted in the middle of this answer.',
        this.#deps.clock.now(),
      );
      const done = log.finish(last, () => this.#commit(start, turn.response));
      this.#keep(start.responseId, { log, abort: new AbortController(), done });
    } else {
      this.#run(start, this.#turn(response), log);
    }
  }

  frames(id: ResponseId): FrameSource {
    const live = this.#live.get(id);
    if (live) return live.log;
    const stored = this.#store.frames(id, 0);
    return { isOver: true, read: (from) => stored.slice(from), changed: () => Promise.resolve() };
  }

  /** Resolves when the turn has ended; at once where it does not run here. */
  async over(id: ResponseId): Promise<void> {
    await this.#live.get(id)?.done;
  }

  cancel(id: ResponseId): void {
    this.#live.get(id)?.abort.abort('cancelled');
  }

  cancelAll(): void {
    for (const id of this.#live.keys()) this.cancel(id);
  }

  forget(id: ResponseId): void {
    this.#live.delete(id);
  }

  #run(start: TurnStart, turn: Turn, log: EventLog): void {
    const abort = new AbortController();
    const done = runTurn(this.#deps, {
      start,
      turn,
      log,
      past: this.#past(start),
      abort,
      save: (response) => this.#store.putResponse(response),
      commit: (response) => this.#commit(start, response),
    }).catch((error: unknown) => {
      // The log could not be finished: the row stays unfinished, and the watchdog takes it up.
      console.error(
        JSON.stringify({
          level: 'error',
          event: 'turn_lost',
          response: start.responseId,
          reason: describeError(error),
        }),
      );
      this.#live.delete(start.responseId);
    });
    this.#keep(start.responseId, { log, abort, done });
  }

  #keep(id: ResponseId, live: LiveTurn): void {
    this.#live.set(id, live);
    for (const [other, { log }] of this.#live) {
      if (this.#live.size <= KeepFinished) break;
      if (log.isOver) this.#live.delete(other);
    }
  }

  /** What the model reads: the past that the turn refers to, and its own input. */
  #past(start: TurnStart): Item[] {
    const own = this.#store.itemsOf(start.responseId, 'input');
    switch (start.context.kind) {
      case 'thread':
        return this.#store.threadItems();
      case 'previous':
        return [...this.#store.ancestry(start.context.id), ...own];
      case 'none':
        return own;
    }
  }

  #commit(start: TurnStart, response: ResponseBody): void {
    this.#store.putResponse(response);
    for (const item of response.output) {
      this.#store.addItem(item, 'output', start.responseId, start.context.kind === 'thread');
    }
  }

  #turn(response: ResponseBody): Turn {
    return new Turn(response, (kind) => mintId(kind, this.#deps.clock.now()));
  }
}

function showsOutput(frame: string): boolean {
  return frame.startsWith('{"type":"response.output_');
}
