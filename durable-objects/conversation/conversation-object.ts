/**
 * ConversationObject: one per conversation. Owns its items, its responses and their event logs, and runs the turns.
 * A turn goes on when its caller leaves; a caller may come back to any event it has missed. What is not the caller's
 * (another visitor's, another agent's) is not found, whatever its id.
 */
import { DurableObject } from 'cloudflare:workers';
import { systemClock, type Clock } from '../../shared/core/clock.ts';
import { isId, mintId, type ResponseId, type TenantId } from '../../shared/core/ids.ts';
import type { Principal } from '../../shared/core/principal.ts';
import { err, ok, type Result } from '../../shared/core/result.ts';
import type { ChatCompletion } from '../../shared/contracts/chat-completions.ts';
import type { Conversation, InputItem, Item, ItemList, ItemQuery } from '../../shared/contracts/conversations.ts';
import { terminalStatuses, type Response as ResponseBody } from '../../shared/contracts/responses.ts';
import { migrate } from '../runtime/migrate.ts';
import { requireOwnTenant } from '../runtime/object-identity.ts';
import type { Platform } from '../stubs.ts';
import { chatFrameEncoder, toChatCompletion, type ChatStreamOptions } from './chat-view.ts';
import { conversationMigrations } from './conversation-migrations.ts';
import { ConversationStore, toConversation } from './conversation-store.ts';
import { encodeResponseFrame, streamFrames } from './event-stream.ts';
import { toInputItems, toStoredItem } from './prompt.ts';
import type { NewConversation, TurnStart } from '../../shared/contracts/turn-start.ts';
import { TurnDesk } from './turn-desk.ts';
import { turnDeps } from './turn-deps.ts';

/** How long what nobody asked to store stays readable after its turn. */
const UnstoredMs = 5 * 60_000;
/** How often a running turn is looked after, so that a dead isolate's turn is found. */
const WatchMs = 5_000;

/** A row of an object's database may hold 2 MB on Cloudflare; an item is one, and so is what a turn begins with. */
const MaxRowBytes = 1_900_000;

const noResponse = () => err('not_found', 'There is no such response.');
const noConversation = () => err('not_found', 'There is no such conversation.');
const noItem = () => err('not_found', 'There is no such item.');
const tooLarge = () =>
  err('payload_too_large', `An item, or all that a turn begins with, may hold ${MaxRowBytes} bytes.`);

export class ConversationObject extends DurableObject<Platform> {
  clock: Clock = systemClock;
  readonly #tenantId: TenantId;
  readonly #store: ConversationStore;
  readonly #desk: TurnDesk;

  constructor(state: DurableObjectState, env: Platform) {
    super(state, env);
    this.#tenantId = requireOwnTenant(state);
    migrate(state.storage, conversationMigrations);
    this.#store = new ConversationStore(state.storage.sql);
    this.#desk = new TurnDesk(
      state.storage,
      this.#store,
      turnDeps(env, this.#tenantId, { now: () => this.clock.now() }),
    );
  }

  create(owner: Principal, conversation: NewConversation): Result<Conversation> {
    const items = conversation.items.map((input) => this.#toItem(input));
    if (!items.every(fitsRow)) return tooLarge();
    this.ctx.storage.transactionSync(() => {
      this.#store.create({ ...conversation, listed: true }, owner, this.clock.now());
      for (const item of items) this.#store.addItem(item, 'input', null, true);
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
    return this.read(caller);
  }

  async destroy(caller: Principal): Promise<Result<undefined>> {
    if (!this.#ownHead(caller)) return noConversation();
    this.#desk.cancelAll();
    await this.#erase();
    return ok();
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
    return ok({ object: 'list', data: items, first_id: items[0]!.id, last_id: items.at(-1)!.id, has_more: false });
  }

  findItem(caller: Principal, id: string): Result<Item> {
    const item = this.#ownHead(caller) && this.#store.findItem(id);
    return item ? ok(item) : noItem();
  }

  deleteItem(caller: Principal, id: string): Result<Conversation> {
    if (!this.#ownHead(caller) || !this.#store.deleteItem(id)) return noItem();
    return ok(toConversation(this.#store.head()!));
  }

  /** Begins a turn, durably, and answers with its response as it stands. Starting it again finds the same turn. */
  async startResponse(start: TurnStart): Promise<Result<ResponseBody>> {
    const known = this.#store.findResponse(start.responseId);
    if (known) return this.#mayAct(start.principal) ? ok(known.response) : noResponse();
    const refusal = this.#findRefusal(start);
    if (refusal) return refusal;
    if (!fitsRow(start)) return tooLarge();
    const input =
      start.input.kind === 'items' ? toInputItems(start.input.input, (kind) => mintId(kind, this.clock.now())) : [];
    this.ctx.storage.transactionSync(() => {
      const { conversationId: id, agent, principal } = start;
      this.#store.create({ id, agentId: agent?.id ?? null, metadata: {}, listed: false }, principal, this.clock.now());
      this.#store.addResponse(start.response, start);
      for (const item of input) this.#store.addItem(item, 'input', start.responseId, start.context.kind === 'thread');
    });
    this.#desk.begin(start);
    await this.ctx.storage.setAlarm(this.clock.now() + WatchMs);
    return ok(start.response);
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

  async awaitResponse(caller: Principal, id: ResponseId): Promise<Result<ResponseBody>> {
    if (!this.#ownResponse(caller, id)) return noResponse();
    await this.#desk.over(id);
    return this.findResponse(caller, id);
  }

  async awaitChat(caller: Principal, id: ResponseId, completionId: string): Promise<Result<ChatCompletion>> {
    const response = await this.awaitResponse(caller, id);
    return response.ok ? toChatCompletion(completionId, response.value) : response;
  }

  findResponse(caller: Principal, id: ResponseId): Result<ResponseBody> {
    const found = this.#ownResponse(caller, id);
    return found ? ok(found.response) : noResponse();
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
    this.ctx.storage.transactionSync(() => this.#store.deleteResponse(id));
    this.#desk.forget(id);
    return ok();
  }

  listInputItems(caller: Principal, id: ResponseId, query: ItemQuery): Result<ItemList> {
    return this.#ownResponse(caller, id) ? this.#store.listItems(query, id) : noResponse();
  }

  /** Looks after unfinished turns, then clears what nobody asked to keep. Never throws. */
  override async alarm(): Promise<void> {
    for (const id of this.#store.unfinished()) {
      const stored = this.#store.findResponse(id);
      if (stored) this.#desk.resume(stored.start, stored.response);
    }
    const head = this.#store.head();
    if (!head) return;
    if (this.#store.unfinished().length > 0) {
      await this.ctx.storage.setAlarm(this.clock.now() + WatchMs);
    } else if (head.listed === 0 && this.#store.countStored() === 0) {
      if (this.clock.now() - head.created_at >= UnstoredMs) await this.#erase();
      else await this.ctx.storage.setAlarm(head.created_at + UnstoredMs);
    }
  }

  #findRefusal(start: TurnStart): Result<never> | undefined {
    const head = this.#store.head();
    if (head && !this.#mayAct(start.principal)) return noConversation();
    if (start.context.kind === 'thread') {
      if (!head) return noConversation();
      if (this.#store.unfinished().length > 0) {
        return err('conflict', 'A response is still running in this conversation.', { retryAfterMs: 500 });
      }
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
    return undefined;
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

  async #erase(): Promise<void> {
    await this.ctx.storage.deleteAlarm();
    await this.ctx.storage.deleteAll();
    migrate(this.ctx.storage, conversationMigrations);
  }
}

function fitsRow(value: unknown): boolean {
  const text = JSON.stringify(value);
  return text.length * 3 <= MaxRowBytes || (text.length <= MaxRowBytes && Buffer.byteLength(text) <= MaxRowBytes);
}
