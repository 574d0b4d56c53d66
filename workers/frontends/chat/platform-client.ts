/**
 * The platform as the element sees it: a visitor's session, its own or one that the site's server minted, and requests
 * with it. A session of its own that has expired is renewed once in the middle; the site's can only be asked for anew.
 */
import type { ChatProfile } from '../../../shared/contracts/branding.ts';
import type { BrowserMemory } from './browser-memory.ts';
import { PlatformError } from './platform-error.ts';
import type { Item } from './turn.ts';

export type Session = {
  readonly token: string;
  readonly agent: string;
  readonly agent_name: string;
  readonly greeting: string;
  readonly expires_at: string;
};
type RequestOptions = { readonly method?: string; readonly body?: unknown; readonly signal?: AbortSignal };

const RenewBeforeMs = 6 * 60 * 60 * 1000;

export class PlatformClient {
  session: Session | null = null;
  readonly #base: string;
  readonly #memory: BrowserMemory;
  readonly #given: { readonly token: string; readonly agent: string | undefined } | undefined;

  /** `base` is an origin. `given`: a session of the site's own making. */
  constructor(base: string, memory: BrowserMemory, given?: { token: string; agent: string | undefined }) {
    this.#base = base;
    this.#memory = memory;
    this.#given = given;
  }

  async readProfile(): Promise<ChatProfile> {
    const answer = await this.#send('/v1/chat/profile', { method: 'GET' });
    return (await answer.json()) as ChatProfile;
  }

  /** Begins a session, or goes on with the same visitor's. */
  async openSession(profile: ChatProfile | undefined): Promise<Session> {
    if (this.#given) {
      const { token, agent = profile?.agent ?? '' } = this.#given;
      const isChatAgent = agent === profile?.agent;
      this.session = {
        token,
        agent,
        agent_name: (isChatAgent ? profile?.agent_name : undefined) ?? agent,
        greeting: isChatAgent ? (profile?.greeting ?? '') : '',
        expires_at: '',
      };
      return this.session;
    }
    const token = this.#memory.get<string>('session');
    const body = JSON.stringify(typeof token === 'string' ? { token } : {});
    const answer = await this.#send('/v1/sessions', { method: 'POST', body });
    this.session = (await answer.json()) as Session;
    this.#memory.set('session', this.session.token);
    return this.session;
  }

  async renewIfNear(): Promise<void> {
    const { session } = this;
    if (!session || this.#given) return;
    if (Date.parse(session.expires_at) - Date.now() < RenewBeforeMs) await this.openSession(undefined);
  }

  async json<T>(path: string, options?: RequestOptions): Promise<T> {
    const answer = await this.request(path, options);
    try {
      return (await answer.json()) as T;
    } catch {
      throw new PlatformError('lost');
    }
  }

  async request(path: string, { method = 'GET', body, signal }: RequestOptions = {}): Promise<Response> {
    const init: RequestInit = {
      method,
      ...(signal && { signal }),
      ...(body !== undefined && { body: JSON.stringify(body) }),
    };
    try {
      return await this.#send(path, init);
    } catch (error) {
      if (!(error instanceof PlatformError) || error.status !== 401 || this.#given) throw error;
      await this.openSession(undefined);
      return this.#send(path, init);
    }
  }

  /** All items of a conversation, oldest first. */
  async items(conversation: string, signal: AbortSignal): Promise<Item[]> {
    type Page = { data: Item[]; has_more: boolean; last_id: string | null };
    const items: Item[] = [];
    const path = `/v1/conversations/${encodeURIComponent(conversation)}/items?order=asc&limit=100`;
    for (let after = ''; ;) {
      const page = await this.json<Page>(after ? `${path}&after=${encodeURIComponent(after)}` : path, { signal });
      items.push(...page.data);
      if (!page.has_more || !page.last_id) return items;
      after = page.last_id;
    }
  }

  async #send(path: string, init: RequestInit): Promise<Response> {
    const headers: Record<string, string> = {};
    if (init.body !== undefined) headers['content-type'] = 'application/json';
    if (this.session && path !== '/v1/sessions') headers['authorization'] = `Bearer ${this.session.token}`;
    let answer: Response;
    try {
      answer = await fetch(this.#base + path, { ...init, headers, cache: 'no-store', credentials: 'omit' });
    } catch (error) {
      if (init.signal?.aborted) throw error;
      throw new PlatformError(navigator.onLine ? 'unreachable' : 'offline');
    }
    if (answer.ok) return answer;
    type Failure = { error?: { message?: string; code?: string | null } };
    const failure = await (answer.json() as Promise<Failure>).then(
      ({ error }) => error,
      () => undefined,
    );
    throw new PlatformError(failure?.code ?? 'unexpected', {
      ...(failure?.message !== undefined && { message: failure.message }),
      status: answer.status,
      retryAfterMs: Number(answer.headers.get('retry-after-ms') ?? 0),
    });
  }
}
