/**
 * A visitor's conversation: what was said, the turn that runs, what the browser remembers of both. It knows nothing of how
 * that looks. An answer that has not ended well is marked; a lost connection is taken up after the last event seen.
 */
import type { ChatProfile } from '../../../shared/contracts/branding.ts';
import { toParts, type Attachment } from './attachments.ts';
import type { BrowserMemory } from './browser-memory.ts';
import { readEvents } from './event-reader.ts';
import type { PlatformClient } from './platform-client.ts';
import { describeError, ignoreGone, isGone, PlatformError } from './platform-error.ts';
import type { Texts } from './texts/texts.ts';
import { answerOf, idsOf, message, readThread, type Action, type Entry, type MessageEntry } from './thread.ts';
import * as turns from './turn.ts';
import type { Item, ResponseBody, Source, Turn } from './turn.ts';

/** What was asked, in the visitor's words. */
type Asked = { readonly text: string; readonly files: readonly Attachment[] };
type Begin = (running: Running, signal: AbortSignal) => Promise<Response>;
type Running = {
  turn: Turn;
  readonly asked: Asked;
  readonly key: string;
  readonly connection: AbortController;
  stop: 'no' | 'wanted' | 'sent';
};

const SaveEveryMs = 400;
const MaxAttempts = 8;
const MaxKeptSources = 30;
const MaxKeptSourceChars = 2_000;
const GreetingKey = 'greeting';

export class ChatModel {
  entries: readonly Entry[] = [];
  status = '';
  isBusy = true;
  profile: ChatProfile | undefined;
  readonly #client: PlatformClient;
  readonly #memory: BrowserMemory;
  readonly #texts: () => Texts;
  readonly #changed: (what: 'state' | 'reply' | 'expired') => void;
  /** Ends whatever belongs to the conversation on the screen. */
  #view = new AbortController();
  #running: Running | null = null;
  #savedAt = 0;
  #keys = 0;
  #wake = () => {};

  constructor(
    client: PlatformClient,
    memory: BrowserMemory,
    texts: () => Texts,
    changed: (what: 'state' | 'reply' | 'expired') => void,
  ) {
    this.#client = client;
    this.#memory = memory;
    this.#texts = texts;
    this.#changed = changed;
  }

  get isRunning(): boolean {
    return this.#running !== null;
  }

  get isOpen(): boolean {
    return this.#client.session !== null;
  }

  get agentName(): string {
    return this.#client.session?.agent_name ?? this.profile?.agent_name ?? this.#texts().agent;
  }

  async open(): Promise<void> {
    this.isBusy = true;
    this.#setStatus(this.#texts().connecting);
    const { signal } = this.#leave();
    try {
      this.profile ??= await this.#client.readProfile();
      if (signal.aborted) return;
      this.#show([]);
      await this.#client.openSession(this.profile);
      if (signal.aborted) return;
      this.#setStatus('');
      await this.#showThread();
    } catch (error) {
      if (signal.aborted) return;
      this.#setStatus('');
      this.#show([]);
      this.#fail(error, () => void this.open());
    }
  }

  /** Lets go of everything; an answer that is being written goes on without a reader. */
  close(): void {
    this.save(true);
    this.#leave();
  }

  /** The network or the reader is back. */
  wake(): void {
    this.#wake();
    this.#client.renewIfNear().catch(() => {});
  }

  submit(text: string, files: readonly Attachment[]): boolean {
    const asked = { text: text.trim(), files };
    if ((asked.text === '' && files.length === 0) || this.isBusy || this.#running || !this.isOpen) return false;
    this.#dropActions();
    this.#add(message('user', this.#newKey(), asked));
    void this.#ask(asked, false);
    return true;
  }

  async cancel(): Promise<void> {
    const running = this.#running;
    if (!running || running.stop !== 'no') return;
    running.stop = 'wanted';
    this.#setStatus(this.#texts().stopping);
    await this.#sendCancel(running);
  }

  beginNew(): void {
    const before = this.#memory.get<string>('conversation');
    this.save(true);
    const turn = this.#memory.get<Turn>('turn');
    this.#leave();
    this.#forgetConversation();
    this.#show([]);
    if (before !== null) {
      const run = () => {
        this.#memory.set('conversation', before);
        this.#memory.set('turn', turn);
        void this.#showThread();
      };
      this.#notify(this.#texts().fresh, { label: this.#texts().back, run }, true);
    }
    this.isBusy = false;
    this.#setStatus('');
  }

  save(now: boolean): void {
    const turn = this.#running?.turn;
    if (!turn || turn.responseId === null || (!now && Date.now() - this.#savedAt < SaveEveryMs)) return;
    this.#savedAt = Date.now();
    this.#memory.set('turn', turn);
  }

  async #showThread(): Promise<void> {
    const { signal } = this.#leave();
    this.isBusy = true;
    this.#changed('state');
    const conversation = this.#memory.get<string>('conversation');
    try {
      const items = conversation === null ? [] : await this.#client.items(conversation, signal);
      if (signal.aborted) return;
      this.#showItems(items);
    } catch (error) {
      if (signal.aborted) return;
      this.#show([]);
      if (!isGone(error)) return this.#fail(error, () => void this.#showThread());
      this.#forgetConversation();
      this.#notify(this.#texts().forgotten, undefined, true);
    }
    this.isBusy = false;
    this.#changed('state');
    this.#resumeRemembered();
  }

  #showItems(items: readonly Item[]): void {
    const turn = this.#memory.get<Turn>('turn');
    const texts = this.#texts();
    const entries = readThread(items, (id) => this.#sourcesOf(id), texts.notComplete, idsOf(turn));
    this.#show(entries);
    const last = entries.at(-1);
    if (last?.role !== 'user' || turn !== null) return;
    const run = () => void this.#retry(last);
    this.#notify(texts.noReply, { label: texts.retry, run });
  }

  #resumeRemembered(): void {
    const turn = this.#memory.get<Turn>('turn');
    if (turn === null) return;
    if (turn.conversation !== this.#memory.get('conversation') || turn.responseId === null) {
      return this.#memory.set('turn', null);
    }
    const asked = this.entries.findLast((entry) => entry.kind === 'message' && entry.role === 'user');
    void this.#run(asked?.kind === 'message' ? asked : { text: '', files: [] }, turn, undefined);
  }

  /** Asks and follows the answer. `isHeld`: the thread holds the question already. */
  #ask(asked: Asked, isHeld: boolean): Promise<void> {
    return this.#run(asked, turns.newTurn(), async (running, signal) => {
      const ask = async () => {
        const conversation = await this.#ensureConversation(signal);
        running.turn = { ...running.turn, conversation };
        const model = `agent/${this.#client.session?.agent}`;
        const body = { model, input: isHeld ? [] : toInput(asked), conversation, stream: true, background: true };
        return this.#client.request('/v1/responses', { method: 'POST', body, signal });
      };
      try {
        return await ask();
      } catch (error) {
        if (!isGone(error) || isHeld) throw error;
        if (error instanceof PlatformError && error.code !== 'model_not_found') this.#forgetConversation();
        await this.#client.openSession(this.profile);
        return ask();
      }
    });
  }

  async #ensureConversation(signal: AbortSignal): Promise<string> {
    const known = this.#memory.get<string>('conversation');
    if (known !== null) return known;
    const { id } = await this.#client.json<{ id: string }>('/v1/conversations', { method: 'POST', body: {}, signal });
    if (!signal.aborted) this.#memory.set('conversation', id);
    return id;
  }

  /** One turn from its beginning, or from where it was left, to its end. */
  async #run(asked: Asked, turn: Turn, begin: Begin | undefined): Promise<void> {
    const view = this.#view.signal;
    const connection = new AbortController();
    const leave = () => connection.abort();
    view.addEventListener('abort', leave, { once: true });
    const running: Running = { turn, asked, key: this.#newKey(), connection, stop: 'no' };
    this.#running = running;
    this.#add(answerOf(turn, running.key));
    let failure: unknown;
    try {
      const first = await begin?.(running, connection.signal);
      await this.#follow(running, first);
    } catch (error) {
      failure = error;
    }
    view.removeEventListener('abort', leave);
    if (!view.aborted) this.#finish(running, failure);
  }

  /** Reads events until the last one; where the connection fails, again from the event after the last one seen. */
  async #follow(running: Running, first: Response | undefined): Promise<void> {
    const { signal } = running.connection;
    let response = first;
    for (let attempt = 0; ; attempt++) {
      let retryAfterMs = 0;
      try {
        const { responseId, sequence } = running.turn;
        const path = `/v1/responses/${responseId}?stream=true&starting_after=${sequence}`;
        response ??= await this.#client.request(path, { signal });
        for await (const event of readEvents(response)) {
          attempt = 0;
          this.#setStatus(running.stop === 'no' ? '' : this.#texts().stopping);
          running.turn = turns.applyEvent(running.turn, event);
          if (running.stop === 'wanted') void this.#sendCancel(running);
          this.save(false);
          this.#draw(running.turn, answerOf(running.turn, running.key));
          if (turns.isOver(running.turn)) return;
        }
      } catch (error) {
        if (signal.aborted || turns.isOver(running.turn)) return;
        if (!(error instanceof PlatformError) || !error.isTransient) throw error;
        retryAfterMs = error.retryAfterMs;
        if (attempt >= MaxAttempts) throw error;
      }
      response = undefined;
      if (signal.aborted || turns.isOver(running.turn)) return;
      if (running.turn.responseId === null || attempt >= MaxAttempts) throw new PlatformError('lost');
      this.#setStatus(this.#texts().reconnecting);
      await this.#pause(Math.max(turns.backoffMs(attempt), retryAfterMs));
    }
  }

  /** Waits, or until the network or the reader is back. */
  #pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  #finish(running: Running, failure: unknown): void {
    if (this.#running !== running) return;
    const { turn, asked, key } = running;
    const texts = this.#texts();
    this.#running = null;
    this.#setStatus('');
    const isOver = turns.isOver(turn);
    const isLost = !isOver && turn.responseId !== null && !isGone(failure);
    this.#memory.set('turn', isLost ? turn : null);
    this.#keepSources(turn);
    const entry: MessageEntry = { ...answerOf(turn, key), isBusy: false };
    const retry = { label: texts.retry, run: () => void this.#retry(asked) };
    const resume = () => {
      this.entries = this.entries.filter((each) => each.key !== key);
      void this.#run(asked, turn, undefined);
    };
    let mark: MessageEntry['mark'];
    if (isLost) {
      const text = `${describeError(failure, texts)} ${texts.perhapsComing}`;
      mark = { text, action: { label: texts.retry, run: resume } };
    } else if (!isOver) mark = { text: describeError(failure, texts), action: retry };
    else if (turn.status !== 'completed') {
      mark = { text: turns.describeEnd(turn, texts), action: turn.status === 'incomplete' ? undefined : retry };
    } else if (turns.textOf(turn) === '') {
      const isForPage = turn.calls.some(({ kind }) => kind === 'function');
      mark = { text: isForPage ? texts.cannotAct : texts.nothingSaid };
    }
    this.#draw(turn, { ...entry, mark });
    this.#tellIfExpired(failure);
    this.#changed('reply');
  }

  /** Asks again: looks first at what has become of the message. */
  async #retry(asked: Asked): Promise<void> {
    if (this.#running || this.isBusy) return;
    const { signal } = this.#view;
    this.isBusy = true;
    this.#changed('state');
    try {
      const conversation = this.#memory.get<string>('conversation');
      const items = conversation === null ? [] : await this.#client.items(conversation, signal);
      const plan = turns.planRetry(items, textOfParts(asked));
      for (const id of plan.remove) {
        const path = `/v1/conversations/${conversation}/items/${id}`;
        await this.#client.request(path, { method: 'DELETE', signal }).catch(ignoreGone);
      }
      if (signal.aborted) return;
      this.#showItems(items.filter((item) => !plan.remove.includes(item.id)));
      this.#dropActions();
      this.isBusy = false;
      if (plan.kind === 'send') this.#add(message('user', this.#newKey(), asked));
      this.#changed('state');
      if (plan.kind !== 'answered') await this.#ask(asked, plan.kind === 'again');
    } catch (error) {
      if (signal.aborted) return;
      this.isBusy = false;
      if (isGone(error)) {
        this.#forgetConversation();
        return this.#retry(asked);
      }
      this.#fail(error, () => void this.#retry(asked));
    }
  }

  /** Waits for the response's id where it is not known yet: the first event brings it. */
  async #sendCancel(running: Running): Promise<void> {
    if (running.turn.responseId === null) return;
    running.stop = 'sent';
    try {
      const path = `/v1/responses/${running.turn.responseId}/cancel`;
      const response = await this.#client.json<ResponseBody>(path, { method: 'POST', body: {} });
      if (!turns.isOver(running.turn)) running.turn = turns.applyResponse(running.turn, response);
      if (!turns.isOver(running.turn)) return;
      running.connection.abort();
      this.#finish(running, undefined);
    } catch (error) {
      running.stop = 'no';
      const texts = this.#texts();
      if (this.#running === running) this.#setStatus(`${texts.notStopped} ${describeError(error, texts)}`);
    }
  }

  #leave(): AbortController {
    this.#view.abort();
    this.#wake();
    this.#view = new AbortController();
    this.#running = null;
    return this.#view;
  }

  #forgetConversation(): void {
    this.#memory.set('conversation', null);
    this.#memory.set('turn', null);
  }

  /** Items do not say what was recalled for them: the browser keeps that of its latest answers. */
  #keepSources(turn: Turn): void {
    if (turn.sources.length === 0) return;
    const kept = Object.entries(this.#memory.get<Record<string, Source[]>>('sources') ?? {}).slice(1 - MaxKeptSources);
    const sources = turn.sources.map(({ id, score, text }) => ({ id, score, text: text.slice(0, MaxKeptSourceChars) }));
    this.#memory.set('sources', Object.fromEntries([...kept, ...turn.parts.map((part) => [part.id, sources])]));
  }

  #sourcesOf(itemId: string): readonly Source[] {
    return this.#memory.get<Record<string, Source[]>>('sources')?.[itemId] ?? [];
  }

  #newKey(): string {
    return `own-${++this.#keys}`;
  }

  /** The thread anew, below the agent's greeting. */
  #show(entries: readonly Entry[]): void {
    const greeting = this.#client.session?.greeting ?? this.profile?.greeting ?? '';
    const first = greeting === '' ? [] : [message('assistant', GreetingKey, { text: greeting })];
    this.entries = [...first, ...entries];
    this.#changed('state');
  }

  #add(entry: Entry): void {
    this.entries = [...this.entries, entry];
    this.#changed('reply');
  }

  /** What the thread already shows of the answer gives way to the answer as it is written. */
  #draw(turn: Turn, answer: MessageEntry): void {
    const shown = idsOf(turn);
    this.entries = this.entries
      .filter(({ key }) => !shown.has(key))
      .map((each) => (each.key === answer.key ? answer : each));
    this.#changed('state');
  }

  #notify(text: string, action?: Action, isNote = false): void {
    this.#add({ kind: 'notice', key: this.#newKey(), text, action, isNote });
  }

  #fail(error: unknown, run: () => void): void {
    const texts = this.#texts();
    this.#tellIfExpired(error);
    const again = () => {
      this.#dropActions();
      run();
    };
    this.#notify(describeError(error, texts), { label: texts.retry, run: again });
  }

  #tellIfExpired(error: unknown): void {
    if (error instanceof PlatformError && error.status === 401) this.#changed('expired');
  }

  /** What one could do about an earlier failure is over once something new is asked. */
  #dropActions(): void {
    this.entries = this.entries
      .filter((entry) => entry.kind === 'message' || entry.action === undefined)
      .map((entry) => (entry.kind === 'message' && entry.mark ? { ...entry, mark: { text: entry.mark.text } } : entry));
  }

  #setStatus(text: string): void {
    if (this.status === text) return;
    this.status = text;
    this.#changed('state');
  }
}

function textOfParts({ text, files }: Asked): string {
  return toParts(text, files)
    .map((part) => part.text ?? '')
    .join('\n');
}

/** As the Responses API takes it. */
function toInput({ text, files }: Asked): unknown {
  return files.length === 0 ? text : [{ role: 'user', content: toParts(text, files) }];
}
