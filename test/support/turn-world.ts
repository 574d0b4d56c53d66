/**
 * The turns of one conversation over Node's SQLite, with a model that answers what a test says, and processes that die at
 * any statement: what they had not committed is gone, and so is all that they knew.
 */
import { err, ok, type Result } from '../../shared/core/result.ts';
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
import type { EgressAnswer, EgressRequest } from '../../shared/egress/egress.ts';
import { migrate } from '../../durable-objects/runtime/migrate.ts';
import type { EventOutbox } from '../../durable-objects/runtime/event-outbox.ts';
import { Crash, CrashingStorage } from './crashing-storage.ts';
import { blankResponse } from './response-factory.ts';

const Now = Date.UTC(2026, 10, 1);
const price = { input_micros_per_mtok: 1, cached_input_micros_per_mtok: 1, output_micros_per_mtok: 1 };

export type Said = {
  readonly text?: string;
  readonly calls?: readonly { readonly name: string; readonly arguments: object | string }[];
  readonly finish?: string;
  /** Its connection breaks before it is whole. */
  readonly breaksOff?: boolean;
  /** What it has said is on disk, and then the process dies. */
  readonly dies?: boolean;
};
/** The model's answer to what it is asked, once it is there. `signal` aborts where the turn is cancelled. */
export type Answer = (messages: readonly unknown[], signal: AbortSignal) => Promise<string | Said | Response>;
/** A request of a tool that has left. */
export type Sent = { readonly url: string; readonly body: string; readonly key: string };
/** What a tool's receiver answers. `world.kill()` in it: the process dies while the call is under way. */
export type Receive = (sent: Sent) => Promise<Result<EgressAnswer>>;

/** How a turn differs from a plain one. */
export type TurnChange = {
  readonly definition?: object;
  readonly start?: Partial<TurnStart>;
};

type Process = { isDead: boolean; readonly death: PromiseWithResolvers<void> };

export class TurnWorld {
  readonly conversationId = mintId('conversation', Now);
  readonly disk: CrashingStorage;
  /** What the model was asked, one entry a call, over all processes. */
  readonly asked: string[][] = [];
  answer: Answer = async (messages) => `re: ${linesOf(messages).at(-1)}`;
  /** Every request of a tool that left, over all processes. */
  readonly sent: Sent[] = [];
  receive: Receive = async () => toAnswer(200, '{"ok":true}');
  /** Whether the caller's credential stands. */
  mayAct = true;
  /** In tokens; null: the node does not tell. */
  contextWindow: number | null = null;
  store: ConversationStore;
  turns: TurnStore;
  #desk: TurnDesk;
  #process: Process;
  #serial = 0;

  /** `left`: the disk of a process that has died; its turns are taken up. */
  constructor(left?: CrashingStorage) {
    this.disk = left ?? new CrashingStorage([]);
    ({ desk: this.#desk, store: this.store, turns: this.turns, process: this.#process } = this.#boot());
    if (left) return;
    const principal = this.#principal();
    this.store.create({ id: this.conversationId, agentId: null, metadata: {}, listed: true }, principal, Now);
  }

  /** As the object does it: undefined where the process died under it, or the message was refused. */
  send(text: string, policy: DoubleTexting, change: TurnChange = {}): ResponseId | undefined {
    const id = mintResponseId(this.conversationId, Now + this.#serial++);
    try {
      const place = findPlace(this.store.thread(), policy);
      if (!place.ok) return undefined;
      const items = toInputItems(text, (kind) => mintId(kind, Now));
      this.#desk.start(this.#start(id, text, policy, change), items, place.value);
      return id;
    } catch (error) {
      if (!(error instanceof Crash)) throw error;
      return undefined;
    }
  }

  /** A message that stands in the thread already. */
  say(text: string): void {
    for (const item of toInputItems(text, (kind) => mintId(kind, Now))) this.store.addItem(item, 'input', null, true);
  }

  cancel(id: ResponseId): void {
    this.#desk.cancel(id);
  }

  /** A person decides about a call that waits. */
  settleApproval(id: string, status: 'approved' | 'denied'): void {
    this.turns.settleApproval(id, status, { kind: 'key', id: 'somebody' }, null, Now);
    this.#desk.wake(this.turns.findApproval(id)!.responseId as ResponseId);
  }

  /** Resolves when the present process has died. */
  died(): Promise<void> {
    return this.#process.death.promise;
  }

  get isDead(): boolean {
    return this.#process.isDead;
  }

  /** From now on nothing of this process is written. */
  kill(): void {
    this.#process.isDead = true;
    this.#process.death.resolve();
  }

  /** The process is gone; another one takes up what it finds, as the watchdog does. */
  reboot(): void {
    this.#process.isDead = true;
    this.disk.fuse = undefined;
    ({ desk: this.#desk, store: this.store, turns: this.turns, process: this.#process } = this.#boot());
    this.takeUp();
  }

  /** What the watchdog does at each of its rounds. */
  takeUp(): void {
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

  /** Until this turn has ended or waits for a person. */
  async atRest(id: ResponseId): Promise<void> {
    await this.#desk.atRest(id);
  }

  status(id: ResponseId): string | undefined {
    return this.store.findResponse(id)?.response.status;
  }

  events(id: ResponseId): SequencedResponseEvent[] {
    return this.store.frames(id, 0).map((frame) => JSON.parse(frame) as SequencedResponseEvent);
  }

  /** What a reader is shown by the present process, from number `from` on. */
  shown(id: ResponseId, from: number): SequencedResponseEvent[] {
    return this.#desk
      .frames(id)
      .read(from)
      .map((frame) => JSON.parse(frame) as SequencedResponseEvent);
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
    migrate(storage, conversationMigrations);
    const store = new ConversationStore(sql);
    const turns = new TurnStore(sql);
    const outbox = { enter: () => {}, deliver: async () => ok() } as unknown as EventOutbox;
    const desk = new TurnDesk(storage, store, turns, this.#deps(), outbox, {
      shown: () => {},
      rearm: () => {},
      ending: () => {},
      ended: () => {},
    });
    return { desk, store, turns, process };
  }

  #deps(): TurnDeps {
    const model = () => ({ id: 'm', context_window: this.contextWindow, operations: ['chat'] });
    const route = () => ({ bridge: { id: 'brg' }, others: [], model: model(), priceId: 'p', price });
    return {
      clock: { now: () => Now },
      traceTurn: () => {},
      watchStanding: () => () => {},
      meetAgent: async () => ok({ persona: null, goals: [], instructions: [] }),
      listTools: async () => [],
      recall: async () => ok([]),
      findRoute: async () => ok(route()),
      admitRun: async () => ok(null),
      callModel: async (_start: TurnStart, { body, signal }: { body: string; signal: AbortSignal }) => {
        const { messages } = JSON.parse(body) as { messages: unknown[] };
        this.asked.push(linesOf(messages));
        const said = await Promise.race([this.answer(messages, signal), aborted(signal)]);
        if (said === undefined) return ok(new Response(''));
        if (said instanceof Response) return ok(said);
        return ok(typeof said === 'object' && said.dies ? this.#dieAfter(said) : toSse(said));
      },
      checkStanding: async () => (this.mayAct ? ok() : err('permission_denied', 'The key was revoked.')),
      noteApproval: async () => ok(),
      egress: {
        fetch: async ({ url, body, headers }: EgressRequest) => {
          const sent = { url, body: String(body ?? ''), key: headers?.['idempotency-key'] ?? '' };
          this.sent.push(sent);
          return this.receive(sent);
        },
      },
    } as unknown as TurnDeps;
  }

  #dieAfter(said: Said): Response {
    const last = said.calls ? '_arguments.delta' : 'output_text.delta';
    const isShown = () => (this.disk.rows()['events'] ?? []).some(({ frames }) => String(frames).includes(last));
    const dying = async (controller: ReadableStreamDefaultController<Uint8Array>) => {
      controller.enqueue(new Uint8Array(await toSse({ ...said, breaksOff: true }).arrayBuffer()));
      while (!isShown()) await new Promise((resolve) => setTimeout(resolve, 1));
      this.kill();
      controller.close();
    };
    return new Response(new ReadableStream({ start: (controller) => void dying(controller) }));
  }

  #principal(): TurnStart['principal'] {
    const scope = { project: null, environment: null, agent: null };
    return { kind: 'key', id: mintId('key', 0), permissions: [], scope };
  }

  #start(id: ResponseId, text: string, policy: DoubleTexting, { definition, start }: TurnChange): TurnStart {
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
        definition: agentDefinition.parse({ double_texting: policy, ...definition }),
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
      ...start,
    };
  }
}

function linesOf(messages: readonly unknown[]): string[] {
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

export function toAnswer(status: number, text: string): Result<EgressAnswer> {
  const body = Uint8Array.from(Buffer.from(text));
  return ok({ status, headers: new Headers(), body, truncated: false, url: '' });
}

/** One chunk of a model's stream. */
export function chunk(delta: object, end: string | null = null, usage?: object): string {
  return `data: ${JSON.stringify({ choices: [{ index: 0, delta, finish_reason: end }], ...(usage ? { usage } : {}) })}\n\n`;
}

function toSse(said: string | Said): Response {
  const { text, calls = [], finish, breaksOff = false } = typeof said === 'string' ? { text: said } : said;
  const usage = { prompt_tokens: 1, completion_tokens: 1, total_tokens: 2 };
  const written = calls.map(({ name, arguments: args }, index) => {
    const text = typeof args === 'string' ? args : JSON.stringify(args);
    return chunk({ tool_calls: [{ index, function: { name, arguments: text } }] }, null);
  });
  const body = [...(text === undefined ? [] : [chunk({ content: text }, null)]), ...written];
  const last = chunk({}, finish ?? (calls.length > 0 ? 'tool_calls' : 'stop'), usage);
  return new Response(breaksOff ? body.join('') : `${body.join('')}${last}data: [DONE]\n\n`);
}
