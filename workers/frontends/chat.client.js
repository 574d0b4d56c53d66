/**
 * The chat page of a tenant, served as it stands at /chat.js. The first half is pure and can be imported anywhere:
 * markdown, server-sent events, what a turn has become, what a retry has to do. The second half is the page.
 *
 * What a model or a memory says is never HTML here: text is parsed into a closed set of nodes, and those become elements
 * by `createElement` and `textContent`. An answer that has not ended well never looks like one that has.
 */

/**
 * @typedef {{ tag: 'text', text: string } | { tag: 'br' } | { tag: 'code', text: string }
 *   | { tag: 'strong', children: Inline[] } | { tag: 'a', href: string, text: string } | { tag: 'cite', number: number }} Inline
 * @typedef {{ children: Inline[], lists: List[] }} ListItem
 * @typedef {{ tag: 'ul' | 'ol', start: number, items: ListItem[] }} List
 * @typedef {{ tag: 'p', children: Inline[] } | { tag: 'pre', text: string } | List} Block
 * @typedef {{ id: string, score: number, text: string }} Source
 * @typedef {{ id: string, type: string, role?: string, status?: string, content?: { type: string, text?: string }[] }} Item
 * @typedef {{ id: string, status: string, output: Item[], recalled_memories?: Source[],
 *   error?: { code: string, message: string } | null, incomplete_details?: { reason: string } | null }} ResponseBody
 * @typedef {{ type: string, sequence_number?: number, response?: ResponseBody, item?: Item, item_id?: string,
 *   delta?: string, text?: string, message?: string }} StreamEvent
 * @typedef {{ conversation: string, responseId: string | null, sequence: number, status: string,
 *   parts: { id: string, text: string }[], sources: Source[], reason: string }} Turn
 * @typedef {{ turn: Turn, text: string, answer: MessageView, connection: AbortController,
 *   stop: 'no' | 'wanted' | 'sent' }} Running
 */

// ---------------------------------------------------------------------------------------------------------- markdown

const MaxListDepth = 4;
const MaxLabelChars = 500;
const MaxUrlChars = 2_000;

/** An address that a click may open: http or https, without credentials in it. @param {string} text */
export function safeHref(text) {
  if (text.length > MaxUrlChars || !/^https?:\/\/[^\s\\"<>`]+$/i.test(text) || !URL.canParse(text)) return undefined;
  const url = new URL(text);
  const isWeb = url.protocol === 'https:' || url.protocol === 'http:';
  return isWeb && url.username === '' && url.password === '' ? url.href : undefined;
}

/**
 * Paragraphs, line breaks, code, bold, lists and web links; all else stays the text it is. `sources`: how many there are
 * for `[n]` to refer to. Time grows with the text's length, whatever is in it.
 * @param {string} text @param {number} [sources] @returns {Block[]}
 */
export function parseMarkdown(text, sources = 0) {
  const lines = text.replaceAll(/\r\n?/g, '\n').split('\n');
  /** @type {Block[]} */ const blocks = [];
  /** @type {string[]} */ let paragraph = [];
  const flush = () => {
    if (paragraph.length > 0) blocks.push({ tag: 'p', children: parseInline(paragraph.join('\n').trim(), sources) });
    paragraph = [];
  };
  let at = 0;
  while (at < lines.length) {
    const line = lines[at] ?? '';
    const fence = /^([ \t]*)(`{3,}|~{3,})[^`]*$/.exec(line);
    if (fence) {
      flush();
      const [, indent = '', mark = ''] = fence;
      let end = at + 1;
      while (end < lines.length && !isFenceEnd(lines[end] ?? '', mark)) end++;
      const code = lines.slice(at + 1, end).map((each) => (each.startsWith(indent) ? each.slice(indent.length) : each));
      blocks.push({ tag: 'pre', text: code.join('\n') });
      at = end + 1;
    } else if (matchItem(line)) {
      flush();
      const list = readList(lines, at, sources);
      blocks.push(...list.blocks);
      at = list.next;
    } else {
      const heading = /^#{1,6} (.*)$/.exec(line);
      const isBreak = line.trim() === '' || isRule(line);
      if (heading || isBreak) flush();
      if (heading) {
        const children = parseInline((heading[1] ?? '').trim(), sources, true);
        blocks.push({ tag: 'p', children: [{ tag: 'strong', children }] });
      } else if (!isBreak) paragraph.push(line);
      at++;
    }
  }
  flush();
  return blocks;
}

/** @param {string} line @param {string} mark */
function isFenceEnd(line, mark) {
  const text = line.trim();
  return text.startsWith(mark) && text === (mark[0] ?? '').repeat(text.length);
}

/** A line across the page, which parts paragraphs. @param {string} line */
function isRule(line) {
  return /^ {0,3}([-*_])( *\1){2,} *$/.test(line);
}

/** @param {string} line */
function matchItem(line) {
  if (isRule(line)) return undefined;
  const match = /^([ \t]*)(?:[-*+\u2022]|(\d{1,9})[.)])[ \t]+(\S.*)$/.exec(line);
  if (!match) return undefined;
  const [, space = '', number, text = ''] = match;
  return {
    indent: space.replaceAll('\t', '    ').length,
    ordered: number !== undefined,
    start: Number(number ?? 1),
    text,
  };
}

/** @param {string[]} lines @param {number} from @param {number} sources @returns {{ blocks: Block[], next: number }} */
function readList(lines, from, sources) {
  /** @type {NonNullable<ReturnType<typeof matchItem>>[]} */ const items = [];
  let at = from;
  for (; at < lines.length; at++) {
    const line = lines[at] ?? '';
    const item = matchItem(line);
    const last = items.at(-1);
    if (item) items.push(item);
    else if (line.trim() === '') {
      const next = lines[at + 1] ?? '';
      if (!matchItem(next) && !/^[ \t]+[^\s`~]/.test(next)) break;
    } else if (last && !/^[ \t]*(`{3}|~{3})|^#{1,6} /.test(line)) last.text += `\n${line.trim()}`;
    else break;
  }
  /** @type {Block[]} */ const blocks = [];
  let next = 0;
  while (next < items.length) {
    const built = buildList(items, next, 1, sources);
    blocks.push(built.list);
    next = built.next;
  }
  return { blocks, next: at };
}

/**
 * @param {NonNullable<ReturnType<typeof matchItem>>[]} items @param {number} from @param {number} depth
 * @param {number} sources @returns {{ list: List, next: number }}
 */
function buildList(items, from, depth, sources) {
  const first = items[from];
  /** @type {List} */ const list = { tag: first?.ordered ? 'ol' : 'ul', start: first?.start ?? 1, items: [] };
  const indent = first?.indent ?? 0;
  let at = from;
  while (at < items.length) {
    const item = items[at];
    if (!item || item.indent < indent) break;
    const parent = list.items.at(-1);
    if (parent && item.indent > indent + 1 && depth < MaxListDepth) {
      const inner = buildList(items, at, depth + 1, sources);
      parent.lists.push(inner.list);
      at = inner.next;
    } else if (parent && item.ordered !== (list.tag === 'ol')) break;
    else {
      list.items.push({ children: parseInline(item.text, sources), lists: [] });
      at++;
    }
  }
  return { list, next: at };
}

/** @param {string} text @param {number} sources @param {boolean} [isBold] @returns {Inline[]} */
function parseInline(text, sources, isBold = false) {
  /** @type {Inline[]} */ const nodes = [];
  let plain = '';
  /** Marks that have no partner in the rest of the text: looked for once, not once a mark. @type {Set<string>} */
  const unpaired = new Set();
  /** @param {Inline[]} found */
  const add = (...found) => {
    if (plain !== '') nodes.push({ tag: 'text', text: plain });
    plain = '';
    nodes.push(...found);
  };
  /** @param {string} mark @param {number} from */
  const findPartner = (mark, from) => {
    if (unpaired.has(mark)) return -1;
    const end = text.indexOf(mark, from);
    if (end < 0) unpaired.add(mark);
    return end;
  };
  let at = 0;
  while (at < text.length) {
    const character = text[at] ?? '';
    if (character === '\n') {
      add({ tag: 'br' });
      at++;
      while (text[at] === ' ') at++;
      continue;
    }
    if (character === '\\' && /^[\\`*_[\]#]$/.test(text[at + 1] ?? '')) {
      plain += text[at + 1];
      at += 2;
      continue;
    }
    if (character === '`') {
      const mark = /^`+/.exec(text.slice(at, at + 8))?.[0] ?? '`';
      const end = findPartner(mark, at + mark.length);
      if (end > at + mark.length) {
        add({
          tag: 'code',
          text: text
            .slice(at + mark.length, end)
            .replaceAll('\n', ' ')
            .trim(),
        });
        at = end + mark.length;
      } else {
        plain += mark;
        at += mark.length;
      }
      continue;
    }
    if (!isBold && text.startsWith('**', at) && /\S/.test(text[at + 2] ?? '')) {
      const end = findPartner('**', at + 2);
      if (end > at + 2) {
        add({ tag: 'strong', children: parseInline(text.slice(at + 2, end), sources, true) });
        at = end + 2;
        continue;
      }
    }
    if (character === '!' && text[at + 1] === '[') {
      const image = matchLink(text, at + 1);
      if (image) {
        plain += text.slice(at, image.end);
        at = image.end;
        continue;
      }
    }
    if (character === '[') {
      const cited = matchCitation(text, at, sources);
      const link = cited ? undefined : matchLink(text, at);
      if (cited) add(...cited.nodes);
      else if (link?.href) add({ tag: 'a', href: link.href, text: link.label });
      else if (link) plain += text.slice(at, link.end);
      const end = cited?.end ?? link?.end;
      if (end !== undefined) {
        at = end;
        continue;
      }
    }
    if (/[hH]/.test(character) && !/[\p{L}\p{N}_]/u.test(text[at - 1] ?? '')) {
      const bare = matchBareUrl(text, at);
      if (bare) {
        add({ tag: 'a', href: bare.href, text: bare.text });
        at += bare.text.length;
        continue;
      }
    }
    plain += character;
    at++;
  }
  add();
  return nodes;
}

/**
 * `[2]` or `[1, 3]`, where all of these sources exist.
 * @param {string} text @param {number} at @param {number} sources @returns {{ nodes: Inline[], end: number } | undefined}
 */
function matchCitation(text, at, sources) {
  const match = /^\[(\d{1,2}(?:, ?\d{1,2}){0,9})\](?!\()/.exec(text.slice(at, at + 50));
  const numbers = match?.[1]?.split(',').map(Number) ?? [];
  if (!match || !numbers.every((number) => number >= 1 && number <= sources)) return undefined;
  return { nodes: numbers.map((number) => ({ tag: 'cite', number })), end: at + match[0].length };
}

/**
 * `[label](address)`. Without `href` where the address is none to open.
 * @param {string} text @param {number} at @returns {{ label: string, href: string | undefined, end: number } | undefined}
 */
function matchLink(text, at) {
  const near = text.slice(at, at + MaxLabelChars);
  const close = near.indexOf(']');
  if (close < 1 || near[close + 1] !== '(' || near.lastIndexOf('[', close) > 0) return undefined;
  const from = at + close + 2;
  let depth = 1;
  let end = from;
  for (const limit = Math.min(text.length, from + MaxUrlChars); end < limit; end++) {
    if (text[end] === '(') depth++;
    else if (text[end] === ')' && --depth === 0) break;
    else if (text[end] === '\n') return undefined;
  }
  if (depth !== 0) return undefined;
  const [address = ''] = text.slice(from, end).trim().split(/\s/);
  const label = text.slice(at + 1, at + close).replaceAll(/[*`\n]/g, '');
  return { label: label.trim() === '' ? address : label, href: safeHref(address), end: end + 1 };
}

/** @param {string} text @param {number} at */
function matchBareUrl(text, at) {
  let url = /^https?:\/\/[^\s<>"`\\]+/i.exec(text.slice(at, at + MaxUrlChars))?.[0];
  while (url) {
    const last = url.at(-1) ?? '';
    const closesOwn = last === ')' && url.split('(').length >= url.split(')').length;
    if (!/[.,;:!?'*\])}]/.test(last) || closesOwn) break;
    url = url.slice(0, -1);
  }
  const href = url === undefined ? undefined : safeHref(url);
  return url !== undefined && href !== undefined ? { text: url, href } : undefined;
}

/**
 * A node as an element. The only attributes there are: `href`, `rel`, `target`, `start`, `tabindex`, `type`, `class`,
 * `data-source`, `aria-label`, all of fixed or checked content.
 * @param {Document} document @param {Block | Inline} node @returns {Node}
 */
export function buildNode(document, node) {
  if (node.tag === 'text') return document.createTextNode(node.text);
  if (node.tag === 'cite') {
    const button = document.createElement('button');
    button.setAttribute('type', 'button');
    button.setAttribute('class', 'cite');
    button.setAttribute('data-source', String(node.number));
    button.setAttribute('aria-label', `Source ${node.number}`);
    button.textContent = `[${node.number}]`;
    return button;
  }
  const element = document.createElement(node.tag);
  if (node.tag === 'code') element.textContent = node.text;
  if (node.tag === 'pre') {
    const code = document.createElement('code');
    code.textContent = node.text;
    element.setAttribute('tabindex', '0');
    element.append(code);
  }
  if (node.tag === 'a') {
    element.setAttribute('href', node.href);
    element.setAttribute('rel', 'noopener noreferrer nofollow');
    element.setAttribute('target', '_blank');
    element.textContent = node.text;
  }
  if (node.tag === 'ol' && node.start !== 1) element.setAttribute('start', String(node.start));
  if (node.tag === 'ul' || node.tag === 'ol') {
    for (const { children, lists } of node.items) {
      const item = document.createElement('li');
      item.append(...[...children, ...lists].map((child) => buildNode(document, child)));
      element.append(item);
    }
  }
  if (node.tag === 'p' || node.tag === 'strong') {
    element.append(...node.children.map((child) => buildNode(document, child)));
  }
  return element;
}

// ------------------------------------------------------------------------------------------------------ stream, turn

/** Text in any slices in, whole events out (WHATWG HTML, "Server-sent events"); comments are dropped. */
export class EventReader {
  #rest = '';
  /** @type {string[]} */ #data = [];

  /** @param {string} text @returns {StreamEvent[]} */
  push(text) {
    const lines = (this.#rest + text).split('\n');
    this.#rest = lines.pop() ?? '';
    /** @type {StreamEvent[]} */ const events = [];
    for (const raw of lines) {
      const line = raw.endsWith('\r') ? raw.slice(0, -1) : raw;
      if (line.startsWith('data:')) this.#data.push(line.slice(line[5] === ' ' ? 6 : 5));
      else if (line === '' && this.#data.length > 0) {
        events.push(JSON.parse(this.#data.join('\n')));
        this.#data = [];
      }
    }
    return events;
  }
}

/** @returns {Turn} */
export function newTurn(conversation = '') {
  return { conversation, responseId: null, sequence: -1, status: 'queued', parts: [], sources: [], reason: '' };
}

/** @param {Turn} turn */
export function isOver({ status }) {
  return status === 'completed' || status === 'incomplete' || status === 'failed' || status === 'cancelled';
}

/** @param {Turn} turn */
export function textOf({ parts }) {
  return parts.map(({ text }) => text).join('\n\n');
}

/** What the turn is after one more event. An event that it has already seen changes nothing. @param {Turn} turn @param {StreamEvent} event @returns {Turn} */
export function applyEvent(turn, event) {
  const sequence = event.sequence_number ?? turn.sequence + 1;
  if (sequence <= turn.sequence || isOver(turn)) return turn;
  if (event.response) return { ...applyResponse(turn, event.response), sequence };
  if (event.type === 'error') return { ...turn, sequence, status: 'failed', reason: event.message ?? '' };
  const id = event.item_id;
  if (id === undefined || !event.type.startsWith('response.output_text.')) return { ...turn, sequence };
  const before = turn.parts.find((part) => part.id === id)?.text ?? '';
  return { ...turn, sequence, parts: withPart(turn.parts, id, event.text ?? before + (event.delta ?? '')) };
}

/** A whole response says what counts: its state, its sources, and at the end its text. @param {Turn} turn @param {ResponseBody} response @returns {Turn} */
export function applyResponse(turn, response) {
  const next = {
    ...turn,
    responseId: response.id,
    status: response.status,
    sources: response.recalled_memories ?? turn.sources,
    reason: response.error?.message ?? response.incomplete_details?.reason ?? '',
  };
  if (!isOver(next)) return next;
  return { ...next, parts: response.output.filter(isMessage).map((item) => ({ id: item.id, text: itemText(item) })) };
}

/** @param {Turn['parts']} parts @param {string} id @param {string} text */
function withPart(parts, id, text) {
  const known = parts.some((part) => part.id === id);
  return known ? parts.map((part) => (part.id === id ? { id, text } : part)) : [...parts, { id, text }];
}

/** @param {Item} item */
export function itemText(item) {
  return (item.content ?? []).map(({ text }) => text ?? '').join('\n');
}

/** What a reader sees of a thread: what was said by either side. @param {Item} item */
function isMessage(item) {
  return item.type === 'message' && (item.role === 'user' || item.role === 'assistant');
}

/**
 * What it takes to ask again. The message may have arrived although its answer did not: then the thread already holds it,
 * perhaps with a part of an answer, which gives way.
 * @param {Item[]} items @param {string} text @returns {{ kind: 'answered' | 'again' | 'send', remove: string[] }}
 */
export function planRetry(items, text) {
  const thread = items.filter(isMessage);
  const lastUser = thread.findLastIndex((item) => item.role === 'user');
  const asked = thread[lastUser];
  if (!asked || itemText(asked).trim() !== text.trim()) return { kind: 'send', remove: [] };
  const answers = thread.slice(lastUser + 1);
  if (answers.some((item) => item.status === 'completed')) return { kind: 'answered', remove: [] };
  return { kind: 'again', remove: answers.map((item) => item.id) };
}

/** Doubles from half a second to fifteen, a random half of it: clients that fell together do not return together. @param {number} attempt */
export function backoffMs(attempt, random = Math.random()) {
  const most = Math.min(15_000, 500 * 2 ** attempt);
  return Math.round(most / 2 + (most / 2) * random);
}

/** How a turn that is over has ended, where that is not well. @param {Turn} turn */
export function describeEnd(turn) {
  const begun = textOf(turn) !== '';
  if (turn.status === 'cancelled')
    return begun ? 'Stopped. This answer is not complete.' : 'Stopped before an answer began.';
  if (turn.status === 'failed')
    return `${begun ? 'The answer broke off' : 'There is no answer'}: ${turn.reason || 'something failed.'}`;
  if (turn.status !== 'incomplete') return '';
  return turn.reason === 'content_filter'
    ? 'Cut off by the content filter. This answer is not complete.'
    : 'Cut off at the length limit. This answer is not complete.';
}

// --------------------------------------------------------------------------------------------------- store, platform

/** What the browser remembers for this host. Where it may not, the page remembers for itself. */
class Memory {
  /** @type {Map<string, string>} */ #own = new Map();

  /** @param {string} name @returns {any} */
  get(name) {
    try {
      return JSON.parse(localStorage.getItem(`freehold.${name}`) ?? this.#own.get(name) ?? 'null');
    } catch {
      return JSON.parse(this.#own.get(name) ?? 'null');
    }
  }

  /** `null` forgets. @param {string} name @param {unknown} value */
  set(name, value) {
    const text = JSON.stringify(value);
    this.#own.set(name, text);
    try {
      if (value === null) localStorage.removeItem(`freehold.${name}`);
      else localStorage.setItem(`freehold.${name}`, text);
    } catch {
      // Full or forbidden: what matters is in #own.
    }
  }
}

class ApiError extends Error {
  /** @param {string} message @param {{ status?: number, code?: string | null, retryAfterMs?: number }} [details] */
  constructor(message, { status = 0, code = null, retryAfterMs = 0 } = {}) {
    super(message);
    this.status = status;
    this.code = code;
    this.retryAfterMs = retryAfterMs;
  }

  /** The same request may succeed later. */
  get isTransient() {
    return this.status === 0 || this.status === 408 || this.status === 429 || this.status >= 500;
  }
}

const SilenceMs = 45_000;
const RenewBeforeMs = 6 * 60 * 60 * 1000;

class Api {
  #memory;
  /** @type {{ token: string, visitor: string, agent: string, agent_name: string, greeting: string, expires_at: string } | null} */
  session = null;

  /** @param {Memory} memory */
  constructor(memory) {
    this.#memory = memory;
  }

  /** Begins a session, or goes on with the same visitor's. */
  async openSession() {
    const token = this.#memory.get('session');
    const body = JSON.stringify(typeof token === 'string' ? { token } : {});
    const response = await this.#send('/v1/sessions', { method: 'POST', body });
    const session = await response.json();
    this.session = session;
    this.#memory.set('session', session.token);
    return session;
  }

  async renewIfNear() {
    if (this.session && Date.parse(this.session.expires_at) - Date.now() < RenewBeforeMs) await this.openSession();
  }

  /** @param {string} path @param {{ method?: string, body?: unknown, signal?: AbortSignal }} [options] @returns {Promise<any>} */
  async json(path, options) {
    const response = await this.request(path, options);
    try {
      return await response.json();
    } catch {
      throw new ApiError('The connection was lost.');
    }
  }

  /** @param {string} path @param {{ method?: string, body?: unknown, signal?: AbortSignal }} [options] */
  async request(path, { method = 'GET', body, signal } = {}) {
    const init = { method, signal, body: body === undefined ? undefined : JSON.stringify(body) };
    try {
      return await this.#send(path, init);
    } catch (error) {
      if (!(error instanceof ApiError) || error.status !== 401) throw error;
      await this.openSession();
      return this.#send(path, init);
    }
  }

  /** All items of a conversation, oldest first. @param {string} conversation @param {AbortSignal} signal @returns {Promise<Item[]>} */
  async items(conversation, signal) {
    /** @type {Item[]} */ const items = [];
    for (let after = ''; ;) {
      const page = await this.json(
        `/v1/conversations/${encodeURIComponent(conversation)}/items?order=asc&limit=100${after && `&after=${encodeURIComponent(after)}`}`,
        { signal },
      );
      items.push(...page.data);
      if (!page.has_more || !page.last_id) return items;
      after = page.last_id;
    }
  }

  /** @param {string} path @param {{ method: string, body?: string | undefined, signal?: AbortSignal | undefined }} init */
  async #send(path, init) {
    const { body, signal } = init;
    /** @type {Record<string, string>} */ const headers = {};
    if (body !== undefined) headers['content-type'] = 'application/json';
    if (this.session && path !== '/v1/sessions') headers['authorization'] = `Bearer ${this.session.token}`;
    let response;
    try {
      response = await fetch(path, /** @type {RequestInit} */ ({ ...init, headers, cache: 'no-store' }));
    } catch (error) {
      if (signal?.aborted) throw error;
      throw new ApiError(navigator.onLine ? 'The server cannot be reached.' : 'This device is offline.');
    }
    if (response.ok) return response;
    const failure = await response.json().then(
      (answer) => answer?.error,
      () => undefined,
    );
    throw new ApiError(failure?.message ?? `The server answered ${response.status}.`, {
      status: response.status,
      code: failure?.code ?? null,
      retryAfterMs: Number(response.headers.get('retry-after-ms') ?? 0),
    });
  }
}

/** The events of a stream. Ends where the connection ends, breaks, or stays silent for longer than a keep-alive takes. @param {Response} response */
async function* readEvents(response) {
  const reader = response.body?.getReader();
  if (!reader) return;
  const decoder = new TextDecoder();
  const events = new EventReader();
  let timer;
  try {
    for (;;) {
      /** @type {Promise<never>} */
      const silence = new Promise((_, reject) => {
        timer = setTimeout(() => reject(new ApiError('The connection fell silent.')), SilenceMs);
      });
      const { done, value } = await Promise.race([reader.read(), silence]);
      clearTimeout(timer);
      if (done) return;
      yield* events.push(decoder.decode(value, { stream: true }));
    }
  } catch (error) {
    throw error instanceof ApiError ? error : new ApiError('The connection was lost.');
  } finally {
    clearTimeout(timer);
    reader.cancel().catch(() => {});
  }
}

// --------------------------------------------------------------------------------------------------------------- page

/** @param {string} tag @param {string} className @param {string} [text] */
function make(tag, className, text) {
  const element = document.createElement(tag);
  element.className = className;
  if (text !== undefined) element.textContent = text;
  return element;
}

/** One message on the page. Its text may grow; what did not change keeps its elements. */
class MessageView {
  element;
  #body;
  #speaker;
  #name;
  /** @type {string[]} */ #shown = [];
  /** @type {HTMLDetailsElement | null} */ #sources = null;

  /** @param {'user' | 'assistant'} role @param {string} name */
  constructor(role, name) {
    this.#name = name;
    this.element = make('article', `message ${role}`);
    this.#speaker = make('span', 'unseen', `${name}:`);
    this.#body = make('div', 'text');
    this.#body.dir = 'auto';
    this.element.append(this.#speaker, this.#body);
    this.#body.addEventListener('click', (event) => {
      const cited = event.target instanceof Element ? event.target.closest('[data-source]') : null;
      if (cited instanceof HTMLElement) this.#showSource(Number(cited.dataset['source']));
    });
  }

  /** What was typed is shown as it was typed. @param {string} text */
  setPlain(text) {
    this.#body.textContent = text;
    this.#body.classList.add('plain');
  }

  /** @param {string} text @param {Source[]} sources */
  setText(text, sources) {
    const blocks = parseMarkdown(text, sources.length);
    const keys = blocks.map((block) => JSON.stringify(block));
    for (const [at, block] of blocks.entries()) {
      if (keys[at] === this.#shown[at]) continue;
      const node = buildNode(document, block);
      const old = this.#body.childNodes[at];
      if (old) old.replaceWith(node);
      else this.#body.append(node);
    }
    while (this.#body.childNodes.length > blocks.length) this.#body.lastChild?.remove();
    this.#shown = keys;
    if (!this.#sources && sources.length > 0 && text !== '') this.#addSources(sources);
  }

  /** @param {boolean} busy */
  setBusy(busy) {
    this.element.setAttribute('aria-busy', String(busy));
    this.element.classList.toggle('busy', busy);
    this.#speaker.textContent = `${this.#name}${busy ? ' is answering' : ''}:`;
  }

  /** @param {string} text @param {{ label: string, run: () => void }} [action] */
  mark(text, action) {
    this.element.classList.add('unfinished');
    this.element.append(makeNotice(text, action));
  }

  /** @param {Source[]} sources */
  #addSources(sources) {
    const details = document.createElement('details');
    details.className = 'sources';
    const list = document.createElement('ol');
    for (const source of sources) {
      const item = make('li', '', source.text);
      item.dir = 'auto';
      item.tabIndex = -1;
      list.append(item);
    }
    details.append(make('summary', '', `Sources (${sources.length})`), list);
    this.element.append(details);
    this.#sources = details;
  }

  /** @param {number} number */
  #showSource(number) {
    if (!this.#sources) return;
    this.#sources.open = true;
    const item = this.#sources.querySelectorAll('li')[number - 1];
    item?.focus({ preventScroll: true });
    item?.scrollIntoView({ block: 'nearest' });
  }
}

/** @param {string} text @param {{ label: string, run: () => void }} [action] */
function makeNotice(text, action) {
  const notice = make('div', 'notice');
  notice.append(make('p', '', text));
  if (action) {
    const button = make('button', 'quiet', action.label);
    button.setAttribute('type', 'button');
    button.addEventListener('click', action.run, { once: true });
    notice.append(button);
  }
  return notice;
}

/** @param {string} id @returns {any} */
const byId = (id) => document.getElementById(id);

const SaveEveryMs = 400;
const MaxAttempts = 8;
const MaxKeptSources = 30;
const MaxKeptSourceChars = 2_000;

class ChatPage {
  #memory = new Memory();
  #api = new Api(this.#memory);
  /** @type {HTMLElement} */ #log = byId('log');
  /** @type {HTMLElement} */ #scroller = byId('scroller');
  /** @type {HTMLTextAreaElement} */ #field = byId('message');
  /** @type {HTMLButtonElement} */ #send = byId('send');
  /** @type {HTMLButtonElement} */ #stop = byId('stop');
  /** @type {HTMLButtonElement} */ #new = byId('new');
  /** Ends whatever belongs to the conversation on the screen. */
  #view = new AbortController();
  /** @type {Running | null} */ #running = null;
  #isBusy = true;
  #savedAt = 0;
  #frame = 0;
  #wake = () => {};

  start() {
    byId('composer').addEventListener('submit', (/** @type {Event} */ event) => {
      event.preventDefault();
      this.#submit();
    });
    this.#field.addEventListener('input', () => this.#showState());
    this.#field.addEventListener('keydown', (event) => {
      if (event.key !== 'Enter' || event.shiftKey || event.isComposing || event.keyCode === 229) return;
      event.preventDefault();
      this.#submit();
    });
    document.addEventListener('keydown', (event) => {
      if (event.key === 'Escape' && !event.isComposing && this.#running) void this.#cancel();
    });
    this.#stop.addEventListener('click', () => void this.#cancel());
    this.#new.addEventListener('click', () => this.#beginNew());
    let stick = true;
    this.#scroller.addEventListener('scroll', () => (stick = this.#isAtEnd()), { passive: true });
    new ResizeObserver(() => stick && this.#toEnd()).observe(this.#scroller);
    addEventListener('online', () => this.#wake());
    addEventListener('pagehide', () => this.#save(true));
    document.addEventListener('visibilitychange', () => {
      if (document.visibilityState === 'hidden') return this.#save(true);
      this.#wake();
      this.#renew();
    });
    setInterval(() => this.#renew(), 10 * 60 * 1000);
    void this.#open();
  }

  async #open() {
    this.#setStatus('Connecting…');
    try {
      const session = await this.#api.openSession();
      byId('agent').textContent = session.agent_name;
      document.title = session.agent_name;
      this.#setStatus('');
      this.#new.disabled = false;
      await this.#showThread();
      if (matchMedia('(pointer: fine)').matches) this.#field.focus();
    } catch (error) {
      this.#setStatus('');
      this.#clear();
      this.#notify(messageOf(error), { label: 'Retry', run: () => void this.#open() });
    }
  }

  #renew() {
    this.#api.renewIfNear().catch(() => {});
  }

  /** Shows the conversation that is remembered, and goes on with the answer that was being written. */
  async #showThread() {
    const { signal } = this.#leave();
    this.#isBusy = true;
    this.#showState();
    try {
      const conversation = this.#memory.get('conversation');
      const items = conversation === null ? [] : await this.#api.items(conversation, signal);
      if (signal.aborted) return;
      this.#showItems(items);
    } catch (error) {
      if (signal.aborted) return;
      this.#clear();
      if (!isGone(error)) {
        this.#notify(messageOf(error), { label: 'Retry', run: () => void this.#showThread() });
        return;
      }
      this.#forgetConversation();
      this.#notify('The earlier conversation is no longer there. This is a new one.').classList.add('note');
    }
    this.#isBusy = false;
    this.#showState();
    this.#resumeRemembered();
  }

  /** @param {Item[]} items */
  #showItems(items) {
    // What was said before is there to be read, not to be announced.
    this.#log.setAttribute('aria-live', 'off');
    setTimeout(() => this.#log.setAttribute('aria-live', 'polite'), 500);
    this.#clear();
    /** @type {Turn | null} */ const turn = this.#memory.get('turn');
    const resumed = new Set(turn?.parts.map(({ id }) => id));
    const thread = items.filter((item) => isMessage(item) && !resumed.has(item.id));
    for (const item of thread) {
      const view = this.#addMessage(item.role === 'user' ? 'user' : 'assistant', item.id);
      if (item.role === 'user') view.setPlain(itemText(item));
      else view.setText(itemText(item), this.#sourcesOf(item.id));
      if (item.role === 'assistant' && item.status !== 'completed') view.mark('This answer is not complete.');
    }
    const last = thread.at(-1);
    if (last?.role === 'user' && turn === null) {
      const text = itemText(last);
      this.#notify('This message has no answer.', { label: 'Retry', run: () => void this.#retry(text) });
    }
    this.#toEnd();
  }

  #resumeRemembered() {
    /** @type {Turn | null} */ const turn = this.#memory.get('turn');
    if (turn === null) return;
    if (turn.conversation !== this.#memory.get('conversation') || turn.responseId === null)
      return this.#memory.set('turn', null);
    const asked = [...this.#log.querySelectorAll('.message.user .text')].at(-1)?.textContent ?? '';
    void this.#run(asked, turn, undefined);
  }

  #submit() {
    const text = this.#field.value.trim();
    if (text === '' || this.#isBusy || this.#running || !this.#api.session) return;
    this.#field.value = '';
    this.#dropActions();
    this.#addMessage('user').setPlain(text);
    void this.#ask(text, text);
  }

  /** Asks and follows the answer. An empty list as input asks about what the thread already holds. @param {string} text @param {string | []} input */
  #ask(text, input) {
    return this.#run(text, newTurn(), async (turn, signal) => {
      const ask = async () => {
        turn.conversation = await this.#ensureConversation(signal);
        const model = `agent/${this.#api.session?.agent}`;
        const body = { model, input, conversation: turn.conversation, stream: true, background: true };
        return this.#api.request('/v1/responses', { method: 'POST', body, signal });
      };
      try {
        return await ask();
      } catch (error) {
        if (!isGone(error) || input !== text) throw error;
        if (error instanceof ApiError && error.code !== 'model_not_found') this.#forgetConversation();
        await this.#api.openSession();
        return ask();
      }
    });
  }

  /** @param {AbortSignal} signal @returns {Promise<string>} */
  async #ensureConversation(signal) {
    const known = this.#memory.get('conversation');
    if (known !== null) return known;
    const { id } = await this.#api.json('/v1/conversations', { method: 'POST', body: {}, signal });
    if (!signal.aborted) this.#memory.set('conversation', id);
    return id;
  }

  /**
   * One turn from its beginning, or from where it was left, to its end.
   * @param {string} text @param {Turn} turn @param {((turn: Turn, signal: AbortSignal) => Promise<Response>) | undefined} begin
   */
  async #run(text, turn, begin) {
    const view = this.#view.signal;
    const connection = new AbortController();
    const leave = () => connection.abort();
    view.addEventListener('abort', leave, { once: true });
    const answer = this.#addMessage('assistant');
    /** @type {Running} */ const running = { turn, text, answer, connection, stop: 'no' };
    this.#running = running;
    answer.setBusy(true);
    answer.setText(textOf(turn), turn.sources);
    this.#showState();
    this.#toEnd();
    let failure;
    try {
      const first = await begin?.(turn, connection.signal);
      await this.#follow(running, first);
    } catch (error) {
      failure = error;
    }
    view.removeEventListener('abort', leave);
    if (view.aborted) return;
    this.#finish(running, failure);
  }

  /** Reads events until the last one; where the connection fails, again from the event after the last one seen. @param {Running} running @param {Response | undefined} first */
  async #follow(running, first) {
    const { signal } = running.connection;
    let response = first;
    for (let attempt = 0; ; attempt++) {
      let retryAfterMs = 0;
      try {
        response ??= await this.#api.request(
          `/v1/responses/${running.turn.responseId}?stream=true&starting_after=${running.turn.sequence}`,
          { signal },
        );
        for await (const event of readEvents(response)) {
          attempt = 0;
          this.#setStatus('');
          running.turn = applyEvent(running.turn, event);
          if (running.stop === 'wanted') void this.#sendCancel(running);
          this.#save(false);
          this.#draw();
          if (isOver(running.turn)) return;
        }
      } catch (error) {
        if (signal.aborted || isOver(running.turn)) return;
        if (!(error instanceof ApiError) || !error.isTransient) throw error;
        retryAfterMs = error.retryAfterMs;
        if (attempt >= MaxAttempts) throw error;
      }
      response = undefined;
      if (signal.aborted || isOver(running.turn)) return;
      if (running.turn.responseId === null) throw new ApiError('The connection was lost before the answer began.');
      if (attempt >= MaxAttempts) throw new ApiError('The connection was lost.');
      this.#setStatus('The connection was lost. Reconnecting…');
      await this.#pause(Math.max(backoffMs(attempt), retryAfterMs));
    }
  }

  /** Waits, or until the network or the reader is back. @param {number} ms @returns {Promise<void>} */
  #pause(ms) {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  /** @param {Running} running @param {unknown} failure */
  #finish(running, failure) {
    if (this.#running !== running) return;
    const { turn, answer, text } = running;
    const stick = this.#isAtEnd();
    cancelAnimationFrame(this.#frame);
    this.#running = null;
    this.#setStatus('');
    answer.setBusy(false);
    answer.setText(textOf(turn), turn.sources);
    const isLost = !isOver(turn) && turn.responseId !== null && !isGone(failure);
    if (!isLost) this.#memory.set('turn', null);
    this.#dropItems(turn);
    this.#keepSources(turn);
    if (isLost) {
      const resume = () => (answer.element.remove(), void this.#run(text, turn, undefined));
      answer.mark(`${messageOf(failure)} The answer may still be on its way.`, { label: 'Retry', run: resume });
    } else if (!isOver(turn)) {
      answer.mark(messageOf(failure), { label: 'Retry', run: () => void this.#retry(text) });
    } else if (turn.status !== 'completed') {
      const action = turn.status === 'incomplete' ? undefined : { label: 'Retry', run: () => void this.#retry(text) };
      answer.mark(describeEnd(turn), action);
    } else if (textOf(turn) === '') {
      answer.mark('The agent answered with nothing.');
    }
    this.#showState();
    if (stick) this.#toEnd();
  }

  /** Asks again: looks first at what has become of the message. @param {string} text @returns {Promise<void>} */
  async #retry(text) {
    if (this.#running || this.#isBusy) return;
    const { signal } = this.#view;
    this.#isBusy = true;
    this.#showState();
    try {
      const conversation = this.#memory.get('conversation');
      const items = conversation === null ? [] : await this.#api.items(conversation, signal);
      const plan = planRetry(items, text);
      for (const id of plan.remove) {
        await this.#api
          .request(`/v1/conversations/${conversation}/items/${id}`, { method: 'DELETE', signal })
          .catch(ignoreGone);
      }
      if (signal.aborted) return;
      this.#showItems(items.filter((item) => !plan.remove.includes(item.id)));
      this.#dropActions();
      this.#isBusy = false;
      this.#showState();
      if (plan.kind === 'send') this.#addMessage('user').setPlain(text);
      if (plan.kind !== 'answered') await this.#ask(text, plan.kind === 'send' ? text : []);
    } catch (error) {
      if (signal.aborted) return;
      this.#isBusy = false;
      this.#showState();
      if (isGone(error)) {
        this.#forgetConversation();
        return this.#retry(text);
      }
      this.#notify(messageOf(error), { label: 'Retry', run: () => void this.#retry(text) });
    }
  }

  async #cancel() {
    const running = this.#running;
    if (!running || running.stop !== 'no') return;
    running.stop = 'wanted';
    this.#setStatus('Stopping…');
    this.#field.focus();
    await this.#sendCancel(running);
  }

  /** Waits for the response's id where it is not known yet: the first event brings it. @param {Running} running */
  async #sendCancel(running) {
    if (running.turn.responseId === null) return;
    running.stop = 'sent';
    try {
      const path = `/v1/responses/${running.turn.responseId}/cancel`;
      const response = await this.#api.json(path, { method: 'POST', body: {} });
      if (!isOver(running.turn)) running.turn = applyResponse(running.turn, response);
      if (!isOver(running.turn)) return;
      running.connection.abort();
      this.#finish(running, undefined);
    } catch (error) {
      running.stop = 'no';
      if (this.#running === running) this.#setStatus(`The answer could not be stopped: ${messageOf(error)}`);
    }
  }

  #beginNew() {
    const before = this.#memory.get('conversation');
    this.#save(true);
    const turn = this.#memory.get('turn');
    this.#leave();
    this.#forgetConversation();
    this.#clear();
    if (before !== null) {
      const back = () => {
        this.#memory.set('conversation', before);
        this.#memory.set('turn', turn);
        void this.#showThread();
      };
      this.#notify('This is a new conversation.', { label: 'Back to the earlier one', run: back }).classList.add(
        'note',
      );
    }
    this.#isBusy = false;
    this.#setStatus('');
    this.#showState();
    this.#field.focus();
  }

  /** Lets go of what is on the screen; an answer that is being written goes on without a reader. */
  #leave() {
    this.#view.abort();
    this.#view = new AbortController();
    this.#running = null;
    return this.#view;
  }

  #forgetConversation() {
    this.#memory.set('conversation', null);
    this.#memory.set('turn', null);
  }

  /** @param {boolean} now */
  #save(now) {
    const turn = this.#running?.turn;
    if (!turn || turn.responseId === null || (!now && Date.now() - this.#savedAt < SaveEveryMs)) return;
    this.#savedAt = Date.now();
    this.#memory.set('turn', turn);
  }

  /** Items do not say what was recalled for them: the page keeps that of its latest answers. @param {Turn} turn */
  #keepSources(turn) {
    if (turn.sources.length === 0) return;
    const kept = Object.entries(this.#memory.get('sources') ?? {}).slice(1 - MaxKeptSources);
    const sources = turn.sources.map(({ id, score, text }) => ({ id, score, text: text.slice(0, MaxKeptSourceChars) }));
    this.#memory.set('sources', Object.fromEntries([...kept, ...turn.parts.map((part) => [part.id, sources])]));
  }

  /** @param {string} itemId @returns {Source[]} */
  #sourcesOf(itemId) {
    return this.#memory.get('sources')?.[itemId] ?? [];
  }

  #draw() {
    cancelAnimationFrame(this.#frame);
    this.#frame = requestAnimationFrame(() => {
      const running = this.#running;
      if (!running) return;
      this.#dropItems(running.turn);
      const stick = this.#isAtEnd();
      running.answer.setText(textOf(running.turn), running.turn.sources);
      if (stick) this.#toEnd();
    });
  }

  /** What the thread already showed of an answer that is now shown as it is written. @param {Turn} turn */
  #dropItems(turn) {
    for (const { id } of turn.parts) this.#log.querySelector(`[data-item="${CSS.escape(id)}"]`)?.remove();
  }

  #clear() {
    this.#log.replaceChildren();
    const { greeting } = this.#api.session ?? { greeting: '' };
    if (greeting) this.#addMessage('assistant').setText(greeting, []);
  }

  /** @param {'user' | 'assistant'} role @param {string} [itemId] */
  #addMessage(role, itemId) {
    const view = new MessageView(role, role === 'user' ? 'You' : (this.#api.session?.agent_name ?? 'Agent'));
    if (itemId !== undefined) view.element.dataset['item'] = itemId;
    this.#log.append(view.element);
    return view;
  }

  /** @param {string} text @param {{ label: string, run: () => void }} [action] */
  #notify(text, action) {
    const notice = makeNotice(text, action);
    this.#log.append(notice);
    this.#toEnd();
    return notice;
  }

  /** What one could do about an earlier failure is over once something new is asked. */
  #dropActions() {
    for (const button of this.#log.querySelectorAll('.notice button')) {
      const own = button.closest('.message') === null ? button.parentElement : button;
      own?.remove();
    }
  }

  #isAtEnd() {
    const { scrollTop, scrollHeight, clientHeight } = this.#scroller;
    return scrollHeight - scrollTop - clientHeight < 80;
  }

  #toEnd() {
    this.#scroller.scrollTop = this.#scroller.scrollHeight;
  }

  /** @param {string} text */
  #setStatus(text) {
    const status = byId('status');
    if (status.textContent !== text) status.textContent = text;
  }

  #showState() {
    const isRunning = this.#running !== null;
    const focused = document.activeElement;
    if ((isRunning && focused === this.#send) || (!isRunning && focused === this.#stop)) this.#field.focus();
    this.#field.style.height = 'auto';
    this.#field.style.height = `${this.#field.scrollHeight}px`;
    this.#stop.hidden = !isRunning;
    this.#send.hidden = isRunning;
    this.#send.disabled = this.#isBusy || this.#field.value.trim() === '' || !this.#api.session;
  }
}

/** @param {unknown} error */
function messageOf(error) {
  return error instanceof ApiError ? error.message : 'Something went wrong on this page.';
}

/** @param {unknown} error */
function isGone(error) {
  return error instanceof ApiError && error.status === 404;
}

/** @param {unknown} error */
function ignoreGone(error) {
  if (!isGone(error)) throw error;
}

if (typeof document !== 'undefined') new ChatPage().start();
