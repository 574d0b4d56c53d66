/**
 * ConversationObject: one per conversation. Owns its items, its responses and their event logs, and runs the turns.
 * A turn goes on when its caller leaves; a caller may come back to any event it has missed. What is not the caller's
 * (another visitor's, another agent's) is not found, whatever its id.
 */
import { DurableObject } from 'cloudflare:workers';
import { systemClock, type Clock } from '../../shared/core/clock.ts';
import {
  isId,
  mintId,
  type AgentId,
  type ConversationId,
  type ResponseId,
  type TenantId,
} from '../../shared/core/ids.ts';
import { describeError } from '../../shared/core/log.ts';
import type { Principal } from '../../shared/core/principal.ts';
import { err, ok, type Result } from '../../shared/core/result.ts';
import type { ChatCompletion } from '../../shared/contracts/chat-completions.ts';
import type {
  Conversation,
  FollowedResponse,
  InputItem,
  Item,
  ItemList,
  ItemQuery,
} from '../../shared/contracts/conversations.ts';
import type { CarriedEvent } from '../../shared/contracts/events.ts';
import { terminalStatuses, type Response as ResponseBody } from '../../shared/contracts/responses.ts';
import { measure, type Measure } from '../../shared/inference/input-estimate.ts';
import { Holding } from '../runtime/holding.ts';
import { migrate } from '../runtime/migrate.ts';
import { requireObjectName, requireOwnTenant } from '../runtime/object-identity.ts';
import { EventOutbox } from '../runtime/event-outbox.ts';
import { ConversationSockets, type SocketOpening } from './conversation-sockets.ts';
import { Objects, reached, type Platform } from '../stubs.ts';
import { chatFrameEncoder, toChatCompletion, type ChatStreamOptions } from './chat-view.ts';
import { conversationMigrations } from './conversation-migrations.ts';
import { ConversationStore, toConversation } from './conversation-store.ts';
import { encodeResponseFrame, streamFrames } from './event-stream.ts';
import { ExtractionStore } from './extraction-store.ts';
import { MemoryExtractor } from './memory-extractor.ts';
import { toInputItems, toMessages, toStoredItem } from './prompt.ts';
import type { EffectObject } from '../../shared/contracts/approvals.ts';
import type { Branch, EndedTurn, Match, NewConversation, TurnStart } from '../../shared/contracts/turn-start.ts';
import { ApprovalDesk } from './approval-desk.ts';
import { SearchFeed, textOf } from './search-feed.ts';
import { TurnDesk } from './turn-desk.ts';
import { turnDeps } from './turn-deps.ts';
import { findPlace, type Place } from './turn-line.ts';
import { toEffectObject, TurnStore } from './turn-store.ts';

/** How long what nobody asked to store stays readable after its turn. */
const UnstoredMs = 5 * 60_000;
/** How often a running turn is looked after, so that a dead isolate's turn is found. */
const WatchMs = 5_000;

/** A row of an object's database may hold 2 MB on Cloudflare; an item is one, and so is what a turn begins with. */
const MaxRowBytes = 1_900_000;
/** A call between objects may carry 32 MB. */
const MaxBranchChars = 8_000_000;

const noResponse = () => err('not_found', 'There is no such response.');
const noConversation = () => err('not_found', 'There is no such conversation.');
const noItem = () => err('not_found', 'There is no such item.');
const tooLarge = () =>
  err('payload_too_large', `An item, or all that a turn begins with, may hold ${MaxRowBytes} bytes.`);

export class ConversationObject extends DurableObject<Platform> {
  clock: Clock = systemClock;
  readonly #tenantId: TenantId;
  readonly #store: ConversationStore;
  readonly #outbox: EventOutbox;
  readonly #feed: SearchFeed;
  readonly #turns: TurnStore;
  readonly #desk: TurnDesk;
  readonly #extractions: ExtractionStore;
  readonly #extractor: MemoryExtractor;
  readonly #objects: Objects;
  readonly #holding: Holding;
  readonly #approvals: ApprovalDesk;
  readonly #sockets: ConversationSockets;
  /** What is known to be set. */
  #alarmAt: number | undefined;

  constructor(state: DurableObjectState, env: Platform) {
    super(state, env);
    this.#tenantId = requireOwnTenant(state);
    migrate(state.storage, conversationMigrations);
    this.#store = new ConversationStore(state.storage.sql);
    this.#turns = new TurnStore(state.storage.sql);
    this.#objects = new Objects(env);
    this.#holding = new Holding(state.storage, conversationMigrations, {
      quiesce: () => this.#desk.stopAll(),
      // A turn that was restored unfinished is looked after.
      changed: () => {
        this.#alarmAt = undefined;
        return this.#arm();
      },
    });
    const now = () => this.clock.now();
    this.#outbox = new EventOutbox(state.storage.sql, now, (events) => this.#carry(events));
    const deps = turnDeps(env, this.#tenantId, { now });
    this.#extractions = new ExtractionStore(state.storage.sql);
    this.#extractor = new MemoryExtractor(deps, this.#extractions, this.#store);
    this.#feed = new SearchFeed(this.#store, (report) =>
      reached(this.#objects.tenant(this.#tenantId).conversations.report(report)),
    );
    this.#desk = new TurnDesk(state.storage, this.#store, this.#turns, deps, this.#outbox, {
      shown: (id) => void this.#sockets.ring(id),
      rearm: () => void this.#arm(),
      ending: (start, response) => this.#extractor.plan(start, response),
      ended: () => void this.#tell(),
    });
    this.#sockets = new ConversationSockets(state, {
      responses: () => this.#store.responses(),
      frames: (id) => this.#desk.frames(id),
      stands: async (reader) => {
        const answer = await reached(this.#objects.tenant(this.#tenantId).stands(reader));
        return answer.ok ? answer.value : answer;
      },
      meter: (reading) => state.waitUntil(reached(this.#objects.tenant(this.#tenantId).billing.meter([reading]))),
      now,
    });
    this.#approvals = new ApprovalDesk({
      turns: this.#turns,
      now,
      findStart: (id) => this.#store.findResponse(id)?.start,
      mayAct: (caller) => this.#mayAct(caller),
      decided: (id) => {
        this.#goOn(id);
        this.#wakeTask();
      },
      note: deps.noteApproval,
    });
  }

  get approvals(): ApprovalDesk {
    return this.#approvals;
  }

  /** Everything here, for export, restoration and erasure. */
  get holding(): Holding {
    return this.#holding;
  }

  create(owner: Principal, conversation: NewConversation): Result<Conversation> {
    const made = this.#make(owner, conversation);
    if (made.ok) void this.#tell();
    return made;
  }

  #make(owner: Principal, conversation: NewConversation): Result<Conversation> {
    const items = conversation.items.map((input) => this.#toItem(input));
    if (!items.every(fitsRow)) return tooLarge();
    this.ctx.storage.transactionSync(() => {
      this.#store.create({ ...conversation, listed: true }, owner, this.clock.now());
      for (const item of [...(conversation.past ?? []), ...items]) this.#store.addItem(item, 'input', null, true);
    });
    return ok(toConversation(this.#store.head()!));
  }

  read(caller: Principal): Result<Conversation> {
    const head = this.#ownHead(caller);
    return head && head.listed === 1 ? ok(toConversation(head)) : noConversation();
  }

  update(caller: Principal, metadata: Readonly<Record<string, string>>): Result<Conversation> {
    if (!this.#ownHead(caller)) return noConversation();
    this.#store.setMetadata(metadata);
    void this.#tell();
    return this.read(caller);
  }

  async destroy(caller: Principal): Promise<Result<undefined>> {
    if (!this.#ownHead(caller)) return noConversation();
    await this.#desk.stopAll();
    const delivered = await this.#outbox.deliver();
    if (!delivered.ok) return delivered;
    await this.#feed.feed();
    this.#sockets.closeAll();
    await this.#erase();
    return ok();
  }

  /** All that was said up to an item, for a conversation that goes on from there. */
  readBranch(caller: Principal, lastItem: string | undefined): Result<Branch> {
    const head = this.#ownHead(caller);
    if (!head || head.listed === 0) return noConversation();
    const items = this.#store.threadItems();
    const end = lastItem === undefined ? items.length : items.findIndex(({ id }) => id === lastItem) + 1;
    if (lastItem !== undefined && end === 0) return noItem();
    const past = items.slice(0, end);
    if (JSON.stringify(past).length > MaxBranchChars)
      return err('payload_too_large', `A branch may begin with ${MaxBranchChars} characters.`);
    return ok({ agentId: head.agent_id, metadata: toConversation(head).metadata, past });
  }

  /** The conversation with one of its items, as a search shows it. */
  findMatch(caller: Principal, itemId: string): Result<Match> {
    const conversation = this.read(caller);
    if (!conversation.ok) return conversation;
    const text = textOf(this.#store.findItem(itemId));
    return text === null ? noItem() : ok({ conversation: conversation.value, text });
  }

  listItems(caller: Principal, query: ItemQuery): Result<ItemList> {
    return this.#ownHead(caller) ? this.#store.listItems(query, null) : noConversation();
  }

  addItems(caller: Principal, inputs: readonly InputItem[]): Result<ItemList> {
    if (!this.#ownHead(caller)) return noConversation();
    const items = inputs.map((input) => this.#toItem(input));
    if (!items.every(fitsRow)) return tooLarge();
    this.ctx.storage.transactionSync(() => {
      for (const item of items) this.#store.addItem(item, 'input', null, true);
    });
    void this.#tell();
    return ok({ object: 'list', data: items, first_id: items[0]!.id, last_id: items.at(-1)!.id, has_more: false });
  }

  findItem(caller: Principal, id: string): Result<Item> {
    const item = this.#ownHead(caller) && this.#store.findItem(id);
    return item ? ok(item) : noItem();
  }

  deleteItem(caller: Principal, id: string): Result<Conversation> {
    if (!this.#ownHead(caller) || !this.#store.deleteItem(id)) return noItem();
    void this.#tell();
    return ok(toConversation(this.#store.head()!));
  }

  /** Begins a turn, durably, and answers with its response as it stands. Starting it again finds the same turn. */
  async startResponse(start: TurnStart): Promise<Result<ResponseBody>> {
    const known = this.#store.findResponse(start.responseId);
    if (known) return this.#mayAct(start.principal) ? ok(known.response) : noResponse();
    const found = this.#findPlace(start);
    if (!found.ok) return found;
    if (!fitsRow(start)) return tooLarge();
    const input =
      start.input.kind === 'items' ? toInputItems(start.input.input, (kind) => mintId(kind, this.clock.now())) : [];
    const response = this.#desk.start(start, input, found.value);
    await this.#arm();
    return ok(response);
  }

  /** A turn and, where it is the first one, its conversation. As often as it is asked. */
  async startThread(conversation: NewConversation, start: TurnStart): Promise<Result<ResponseBody>> {
    if (!this.#store.head()) {
      const made = this.#make(start.principal, conversation);
      if (!made.ok) return made;
    }
    const started = await this.startResponse(start);
    if (!started.ok) void this.#tell();
    return started;
  }

  /** How much of the past a turn in this context would read. */
  measurePast(caller: Principal, context: TurnStart['context']): Result<Measure> {
    if (!this.#ownHead(caller)) return noConversation();
    if (context.kind === 'previous' && !this.#ownResponse(caller, context.id)?.response.store)
      return err('not_found', 'There is no such response.', { param: 'previous_response_id' });
    return ok(measure(...toMessages(this.#desk.pastOf(context)).map(({ content, ...rest }) => content ?? rest)));
  }

  /** Events from number `from` on, as they come, until the terminal one. `cancelOnLeave`: nobody else can ever read it. */
  streamResponse(
    caller: Principal,
    id: ResponseId,
    from: number,
    view: { readonly kind: 'responses' } | ({ readonly kind: 'chat' } & ChatStreamOptions),
    cancelOnLeave: boolean,
  ): Result<ReadableStream<Uint8Array>> {
    const found = this.#ownResponse(caller, id);
    if (!found) return noResponse();
    const encode = view.kind === 'chat' ? chatFrameEncoder(view) : encodeResponseFrame;
    const leave = cancelOnLeave ? () => this.#desk.cancel(id) : undefined;
    return ok(streamFrames(this.#desk.frames(id), from, encode, leave));
  }

  /** Once it has ended, or waits for a person: then it is `in_progress`, and holds the request for approval. */
  async awaitResponse(caller: Principal, id: ResponseId): Promise<Result<ResponseBody>> {
    if (!this.#ownResponse(caller, id)) return noResponse();
    await this.#desk.atRest(id);
    return this.findResponse(caller, id);
  }

  async awaitChat(caller: Principal, id: ResponseId, completionId: string): Promise<Result<ChatCompletion>> {
    const ended = await this.awaitEnd(caller, id);
    return ended.ok ? toChatCompletion(completionId, ended.value.response) : ended;
  }

  /** The ended turn and what it has spent, for the turn that asked for it. */
  async awaitEnd(caller: Principal, id: ResponseId): Promise<Result<EndedTurn>> {
    if (!this.#ownResponse(caller, id)) return noResponse();
    await this.#desk.over(id);
    const response = this.findResponse(caller, id);
    if (!response.ok) return response;
    const state = this.#turns.findState(id);
    return ok({ response: response.value, costMicros: state?.costMicros ?? 0, toolCalls: state?.toolCalls ?? 0 });
  }

  listEffects(caller: Principal, id: ResponseId): Result<EffectObject[]> {
    return this.#ownResponse(caller, id) ? ok(this.#turns.effectsOf(id).map(toEffectObject)) : noResponse();
  }

  findResponse(caller: Principal, id: ResponseId): Result<ResponseBody> {
    const found = this.#ownResponse(caller, id);
    return found ? ok(found.response) : noResponse();
  }

  /** For the kill switch of an agent or its tenant. */
  stopTurns(): void {
    void this.#desk.stopAll();
  }

  async cancelResponse(caller: Principal, id: ResponseId): Promise<Result<ResponseBody>> {
    const found = this.#ownResponse(caller, id);
    if (!found) return noResponse();
    if (!found.response.background) {
      return err('conflict', 'Only a response that was started with background: true can be cancelled.');
    }
    this.#desk.cancel(id);
    await this.#desk.over(id);
    return this.findResponse(caller, id);
  }

  async deleteResponse(caller: Principal, id: ResponseId): Promise<Result<undefined>> {
    if (!this.#ownResponse(caller, id)) return noResponse();
    this.#desk.cancel(id);
    await this.#desk.over(id);
    this.ctx.storage.transactionSync(() => {
      this.#store.deleteResponse(id);
      this.#turns.delete(id);
      this.#extractions.delete(id);
    });
    this.#desk.forget(id);
    return ok();
  }

  listInputItems(caller: Principal, id: ResponseId, query: ItemQuery): Result<ItemList> {
    return this.#ownResponse(caller, id) ? this.#store.listItems(query, id) : noResponse();
  }

  /** The newest responses, newest first, each with the number of its last event. */
  listFollowed(caller: Principal, limit: number): Result<FollowedResponse[]> {
    if (!this.#ownHead(caller)) return noConversation();
    const newest = this.#store.responses().toReversed().slice(0, limit);
    return ok(
      newest.map(({ id, isOver }) => ({
        object: 'conversation.response',
        id,
        is_over: isOver,
        sequence_number: this.#store.lastFrame(id),
      })),
    );
  }

  /** Sockets of the conversation; only the edge comes here, with a reader that was admitted. */
  override fetch(request: Request): Response {
    const text = new URL(request.url).searchParams.get('opening');
    const opening = text === null ? undefined : (JSON.parse(text) as SocketOpening);
    if (!opening || !this.#ownHead(opening.reader)) return new Response(null, { status: 404 });
    for (const id of this.#store.unfinished()) this.#goOn(id);
    return this.#sockets.open(opening);
  }

  override webSocketClose(socket: WebSocket): void {
    this.#sockets.ended(socket);
    socket.close();
  }

  /** Looks after unfinished turns, events that wait and memories to be found, then clears what nobody asked to keep. Never throws. */
  override async alarm(): Promise<void> {
    this.#alarmAt = undefined;
    await this.#approvals.expire();
    for (const id of this.#store.unfinished()) {
      try {
        this.#goOn(id);
      } catch (error) {
        const reason = describeError(error);
        console.error(JSON.stringify({ level: 'error', event: 'turn_not_resumed', response: id, reason }));
      }
    }
    await this.#outbox.deliver();
    await this.#feed.feed();
    await this.#extractor.run();
    const head = this.#store.head();
    if (head && this.#isDisposable(head) && this.clock.now() - head.created_at >= UnstoredMs)
      await this.#expire(head.id);
    else await this.#arm();
  }

  /**
   * A turn that waits for a person needs no watch: its approvals' end rings, or a decision wakes it. Nor does one that
   * waits for another turn.
   */
  async #arm(): Promise<void> {
    const head = this.#store.head();
    if (!head) return;
    const isRunning =
      !this.#outbox.isEmpty || !this.#feed.isEmpty || this.#store.unfinished().some((id) => !this.#desk.isResting(id));
    const due = [
      ...(isRunning ? [this.clock.now() + WatchMs] : []),
      ...(this.#isDisposable(head) ? [head.created_at + UnstoredMs] : []),
      this.#turns.nextExpiry() ?? Number.POSITIVE_INFINITY,
      this.#extractor.dueAt() ?? Number.POSITIVE_INFINITY,
    ];
    const next = Math.min(...due);
    if (!Number.isFinite(next)) return this.#disarm();
    // One that rings before it must finds nothing to do, and is set again: cheaper than a write for every change.
    if (this.#alarmAt !== undefined && this.#alarmAt > this.clock.now() && this.#alarmAt <= next) return;
    this.#alarmAt = next;
    await this.ctx.storage.setAlarm(next);
  }

  async #disarm(): Promise<void> {
    this.#alarmAt = undefined;
    await this.ctx.storage.deleteAlarm();
  }

  /** Tells the tenant what has happened here. The alarm sees to what it does not take. */
  async #tell(): Promise<void> {
    await this.#arm();
    await this.#outbox.deliver();
    await this.#feed.feed();
    await this.#arm();
  }

  #isDisposable(head: { readonly listed: number }): boolean {
    return (
      head.listed === 0 &&
      this.#outbox.isEmpty &&
      this.#store.unfinished().length === 0 &&
      this.#store.countStored() === 0
    );
  }

  /** To the tenant's log, and to the agents that the events are about: both take them at least once. */
  async #carry(events: readonly CarriedEvent[]): Promise<Result<unknown>> {
    const size = { name: requireObjectName(this.ctx), bytes: this.ctx.storage.sql.databaseSize };
    const carried = await reached(this.#objects.tenant(this.#tenantId).events.carry(events, size));
    if (!carried.ok) return carried;
    for (const [agent, own] of Map.groupBy(events, (event) => event.agent as AgentId | null)) {
      if (agent === null) continue;
      const observed = await reached(this.#objects.agent(this.#tenantId, agent).state.observe(agent, own));
      if (!observed.ok) return observed;
    }
    return carried;
  }

  /** Where the conversation is a task's, that waits for this turn: the agent's object asks by itself as well, but seldom. */
  #wakeTask(): void {
    const head = this.#store.head();
    const task = head && toConversation(head).metadata['task'];
    if (head?.agent_id && isId('task', task))
      void reached(this.#objects.agent(this.#tenantId, head.agent_id).tasks.wake(task));
  }

  #goOn(id: ResponseId): void {
    const stored = this.#store.findResponse(id);
    if (!stored || terminalStatuses.has(stored.response.status)) return;
    this.#desk.resume(stored.start, stored.response);
    this.#desk.wake(id);
  }

  /** Where the turn is to begin: undefined at once, otherwise in the line. */
  #findPlace(start: TurnStart): Result<Place> {
    const head = this.#store.head();
    if (head && !this.#mayAct(start.principal)) return noConversation();
    if (start.context.kind === 'thread') {
      if (!head) return noConversation();
      return findPlace(this.#store.thread(), start.agent?.definition.double_texting ?? 'reject');
    }
    if (start.context.kind === 'previous') {
      const previous = this.#ownResponse(start.principal, start.context.id);
      if (!previous?.response.store) {
        return err('not_found', `There is no response "${start.context.id}".`, { param: 'previous_response_id' });
      }
      if (!terminalStatuses.has(previous.response.status)) {
        return err('conflict', 'The previous response is still running.', { param: 'previous_response_id' });
      }
    }
    return ok(undefined);
  }

  /** A turn that another isolate left unfinished is taken up as soon as somebody asks for it. */
  #ownResponse(caller: Principal, id: ResponseId) {
    const found = isId('response', id) && this.#mayAct(caller) ? this.#store.findResponse(id) : undefined;
    if (found && !terminalStatuses.has(found.response.status)) this.#desk.resume(found.start, found.response);
    return found;
  }

  #ownHead(caller: Principal) {
    return this.#mayAct(caller) ? this.#store.head() : undefined;
  }

  /** A visitor meets its own conversations only; a key bound to an agent, that agent's. */
  #mayAct(caller: Principal): boolean {
    const head = this.#store.head();
    if (!head) return false;
    if (caller.kind === 'visitor' && (head.owner_kind !== 'visitor' || head.owner_id !== caller.id)) return false;
    return caller.scope.agent === null || caller.scope.agent === head.agent_id;
  }

  #toItem(input: InputItem): Item {
    return toStoredItem(input, (kind) => mintId(kind, this.clock.now()));
  }

  /** Its place in the tenant's index goes last: what is in there can be found, and erased again. */
  async #expire(id: ConversationId): Promise<void> {
    await this.#erase();
    await reached(this.#objects.tenant(this.#tenantId).conversations.remove(id));
  }

  async #erase(): Promise<void> {
    await this.#disarm();
    await this.ctx.storage.deleteAll();
    migrate(this.ctx.storage, conversationMigrations);
  }
}

function fitsRow(value: unknown): boolean {
  const text = JSON.stringify(value);
  return text.length * 3 <= MaxRowBytes || (text.length <= MaxRowBytes && Buffer.byteLength(text) <= MaxRowBytes);
}
