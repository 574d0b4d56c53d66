/**
 * The turns of one conversation over Node's SQLite, with a model that answers what a test says, and processes that die at
 * any statement: what they had not committed is gone, and so is all that they knew.
 */
import { ok } from '../../shared/core/result.ts';
import { mintId, mintResponseId, type ResponseId } from '../../shared/core/ids.ts';
import type { DoubleTexting } from '../../shared/contracts/agents.ts';
import { agentDefinition } from '../../shared/contracts/agents.ts';
import type { Item } from '../../shared/contracts/conversations.ts';
import { terminalStatuses, type SequencedResponseEvent } from '../../shared/contracts/responses.ts';
import type { TurnStart } from '../../shared/contracts/turn-start.ts';
import { conversationMigrations } from '../../durable-objects/conversation/conversation-migrations.ts';
import { ConversationStore } from '../../durable-objects/conversation/conversation-store.ts';
import { toInputItems } from '../../durable-objects/conversation/prompt.ts';
import { TurnDesk } from '../../durable-objects/conversation/turn-desk.ts';
import { findPlace } from '../../durable-objects/conversation/turn-line.ts';
import type { TurnDeps } from '../../durable-objects/conversation/turn-runner.ts';
import { TurnStore } from '../../durable-objects/conversation/turn-store.ts';
import type { EventOutbox } from '../../durable-objects/runtime/event-outbox.ts';
import { Crash, CrashingStorage } from './crashing-storage.ts';
import { blankResponse } from './response-factory.ts';

const Now = Date.UTC(2026, 10, 1);
const price = { input_micros_per_mtok: 1, cached_input_micros_per_mtok: 1, output_micros_per_mtok: 1 };

/** The model's answer to what it is asked: its text, once it is there. `signal` aborts where the turn is cancelled. */
export type Answer = (messages: readonly unknown[], signal: AbortSignal) => Promise<string>;

type Process = { isDead: boolean; readonly death: PromiseWithResolvers<void> };

export class TurnWorld {
  readonly conversationId = mintId('conversation', Now);
  readonly disk: CrashingStorage;
  /** What the model was asked, one entry a call, over all processes. */
  readonly asked: string[][] = [];
  answer: Answer = async (messages) => `re: ${said(messages).at(-1)}`;
  store: ConversationStore;
  #desk: TurnDesk;
  #process: Process;
  #serial = 0;

  constructor() {
    this.disk = new CrashingStorage(conversationMigrations.map(({ sql }) => sql));
    ({ desk: this.#desk, store: this.store, process: this.#process } = this.#boot());
    const principal = this.#principal();
    this.store.create({ id: this.conversationId, agentId: null, metadata: {}, listed: true }, principal, Now);
  }

  /** As the object does it: undefined where the process died under it, or the message was refused. */
  send(text: string, policy: DoubleTexting): ResponseId | undefined {
    const id = mintResponseId(this.conversationId, Now + this.#serial++);
    try {
      const place = findPlace(this.store.thread(), policy);
      if (!place.ok) return undefined;
      const items = toInputItems(text, (kind) => mintId(kind, Now));
      this.#desk.start(this.#start(id, text, policy), items, place.value);
      return id;
    } catch (error) {
      if (!(error instanceof Crash)) throw error;
      return undefined;
    }
  }

  cancel(id: ResponseId): void {
    this.#desk.cancel(id);
  }

  /** The process is gone; another one takes up what it finds, as the watchdog does. */
  reboot(): void {
    this.#process.isDead = true;
    this.disk.fuse = undefined;
    ({ desk: this.#desk, store: this.store, process: this.#process } = this.#boot());
    for (const id of this.store.unfinished()) {
      const { start, response } = this.store.findResponse(id)!;
      this.#desk.resume(start, response);
    }
  }

  /** Until these turns have ended, in whatever process. Says how often one died under them. */
  async over(...ids: readonly ResponseId[]): Promise<number> {
    for (let deaths = 0; ; deaths++) {
      const ended = Promise.all(ids.map((id) => this.#desk.over(id)));
      await Promise.race([ended, this.#process.death.promise]);
      if (!this.#process.isDead) return deaths;
      this.reboot();
    }
  }

  status(id: ResponseId): string | undefined {
    return this.store.findResponse(id)?.response.status;
  }

  events(id: ResponseId): SequencedResponseEvent[] {
    return this.store.frames(id, 0).map((frame) => JSON.parse(frame) as SequencedResponseEvent);
  }

  terminals(id: ResponseId): string[] {
    return this.events(id).flatMap((event) =>
      'response' in event && terminalStatuses.has(event.response.status) ? [event.type] : [],
    );
  }

  /** The thread as `role: text`. */
  thread(): string[] {
    return this.store.threadItems().map(toLine);
  }

  #boot() {
    const process: Process = { isDead: false, death: Promise.withResolvers() };
    const guard = <T>(work: () => T): T => {
      if (process.isDead) throw new Crash('this process is dead');
      try {
        return work();
      } catch (error) {
        if (error instanceof Crash) {
          process.isDead = true;
          process.death.resolve();
        }
        throw error;
      }
    };
    const sql = {
      exec: (query: string, ...bound: unknown[]) => guard(() => this.disk.sql.exec(query, ...bound)),
    } as unknown as SqlStorage;
    const storage = {
      sql,
      transactionSync: (work: () => void) => guard(() => this.disk.transaction(work)),
      sync: async () => guard(() => undefined),
    } as unknown as DurableObjectStorage;
    const store = new ConversationStore(sql);
    const outbox = { enter: () => {}, deliver: async () => ok() } as unknown as EventOutbox;
    const desk = new TurnDesk(storage, store, new TurnStore(sql), this.#deps(), outbox, {
      shown: () => {},
      rearm: () => {},
      ending: () => {},
      ended: () => {},
    });
    return { desk, store, process };
  }

  #deps(): TurnDeps {
    const model = { id: 'm', context_window: null, operations: ['chat'] };
    const route = { bridge: { id: 'brg' }, others: [], model, priceId: 'p', price };
    return {
      clock: { now: () => Now },
      traceTurn: () => {},
      watchStanding: () => () => {},
      meetAgent: async () => ok({ persona: null, goals: [], instructions: [] }),
      listTools: async () => [],
      recall: async () => ok([]),
      findRoute: async () => ok(route),
      admitRun: async () => ok(null),
      callModel: async (_start: TurnStart, { body, signal }: { body: string; signal: AbortSignal }) => {
        const { messages } = JSON.parse(body) as { messages: unknown[] };
        this.asked.push(said(messages));
        const text = await Promise.race([this.answer(messages, signal), aborted(signal)]);
        return ok(text === undefined ? new Response('') : toSse(text));
      },
    } as unknown as TurnDeps;
  }

  #principal(): TurnStart['principal'] {
    const scope = { project: null, environment: null, agent: null };
    return { kind: 'key', id: mintId('key', 0), permissions: [], scope };
  }

  #start(id: ResponseId, text: string, policy: DoubleTexting): TurnStart {
    return {
      tenantId: mintId('tenant', 0),
      conversationId: this.conversationId,
      responseId: id,
      principal: this.#principal(),
      agent: {
        id: mintId('agent', 0),
        slug: 'a',
        name: 'A',
        version: 1,
        definition: agentDefinition.parse({ double_texting: policy }),
      } as NonNullable<TurnStart['agent']>,
      model: 'm',
      input: { kind: 'items', input: text },
      context: { kind: 'thread' },
      sampling: {},
      maxOutputTokens: 100,
      recallLimit: 0,
      timeoutMs: 600_000,
      allowExternal: false,
      response: blankResponse({ id, conversation: { id: this.conversationId } }),
      requestId: 'r',
      traceparent: 't',
    };
  }
}

function said(messages: readonly unknown[]): string[] {
  return (messages as { role: string; content: string }[])
    .filter(({ role }) => role !== 'system')
    .map(({ content }) => content);
}

function toLine(item: Item): string {
  if (item.type !== 'message') return item.type;
  return `${item.role}: ${item.content.map((part) => ('text' in part ? String(part.text) : '')).join('')}`;
}

function aborted(signal: AbortSignal): Promise<undefined> {
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve(undefined), { once: true }));
}

function toSse(text: string): Response {
  const chunk = (delta: object, finish: string | null, usage?: object) =>
    `data: ${JSON.stringify({ choices: [{ index: 0, delta, finish_reason: finish }], ...(usage ? { usage } : {}) })}\n\n`;
  const usage = { prompt_tokens: 1, completion_tokens: 1, total_tokens: 2 };
  return new Response(`${chunk({ content: text }, null)}${chunk({}, 'stop', usage)}data: [DONE]\n\n`);
}
