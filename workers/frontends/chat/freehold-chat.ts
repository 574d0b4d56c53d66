/**
 * `<freehold-chat>`: an agent's chat on any page, or as the whole page. It draws what the model holds and hands it what the
 * visitor does; its host is where its script came from, unless it is told otherwise.
 */
import { LitElement, html, nothing, type PropertyValues, type TemplateResult } from 'lit';
import type { ChatProfile } from '../../../shared/contracts/branding.ts';
import { readAttachment, type Attachment } from './attachments.ts';
import { BrowserMemory } from './browser-memory.ts';
import { ChatModel } from './chat-model.ts';
import { icons } from './icons.ts';
import { PlatformClient } from './platform-client.ts';
import { shrinkImage } from './shrink-image.ts';
import { styles } from './styles/styles.ts';
import { chooseLocale, type Locale } from './texts/locales.ts';
import { catalogues, type Texts } from './texts/texts.ts';
import { themeVariables } from './theme.ts';
import { entryView, noticeView } from './views.ts';

const scriptOrigin = new URL(import.meta.url).origin;
const RenewEveryMs = 10 * 60 * 1000;
const NearEndPx = 80;

export class FreeholdChat extends LitElement {
  static override styles = styles;
  static override properties = {
    agent: {},
    token: {},
    host: {},
    mode: { reflect: true },
    locale: {},
    appearance: { reflect: true },
    isOpen: { state: true },
    files: { state: true },
    refusal: { state: true },
    isAway: { state: true },
  };
  declare agent: string | undefined;
  declare token: string | undefined;
  declare host: string | undefined;
  declare mode: string | undefined;
  declare locale: string | undefined;
  declare appearance: string | undefined;
  /** Whether the bubble's panel is open. */
  declare isOpen: boolean;
  declare files: readonly Attachment[];
  declare refusal: string;
  /** Whether the reader has scrolled away from the newest message. */
  declare isAway: boolean;
  #model: ChatModel | undefined;
  #life = new AbortController();
  readonly #theme = new CSSStyleSheet();
  #stick = true;
  #focusNext = false;

  constructor() {
    super();
    this.isOpen = false;
    this.files = [];
    this.refusal = '';
    this.isAway = false;
    this.#theme.replaceSync(':host {}');
  }

  /** By the attribute, else by the page around it, else by the browser. */
  get language(): Locale {
    return chooseLocale([this.locale, this.closest('[lang]')?.getAttribute('lang'), ...navigator.languages]);
  }

  get texts(): Texts {
    return catalogues[this.language];
  }

  protected override createRenderRoot(): HTMLElement | DocumentFragment {
    const root = super.createRenderRoot() as ShadowRoot;
    root.adoptedStyleSheets = [...root.adoptedStyleSheets, this.#theme];
    return root;
  }

  override connectedCallback(): void {
    super.connectedCallback();
    this.#life = new AbortController();
    const { signal } = this.#life;
    const save = () => this.#model?.save(true);
    addEventListener('online', () => this.#model?.wake(), { signal });
    addEventListener('pagehide', save, { signal });
    const look = () => (document.visibilityState === 'hidden' ? save() : this.#model?.wake());
    document.addEventListener('visibilitychange', look, { signal });
    const timer = setInterval(() => this.#model?.wake(), RenewEveryMs);
    signal.addEventListener('abort', () => clearInterval(timer));
    if (this.hasUpdated) this.#begin();
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.#life.abort();
    this.#model?.close();
    this.#model = undefined;
  }

  override willUpdate(changed: PropertyValues<this>): void {
    const isOther = (['agent', 'token', 'host'] as const).some((name) => changed.has(name));
    if (this.isConnected && (isOther || !this.#model)) this.#begin();
  }

  /** A conversation with whoever the attributes name. A bubble asks nothing before it is opened, but how it looks. */
  #begin(): void {
    const before = this.#model;
    before?.close();
    const base = this.#baseUrl();
    const given = this.token ? { token: this.token, agent: this.agent } : undefined;
    const isOwnHost = base === location.origin;
    const whose = given ? `${given.agent ?? ''}.${visitorOf(given.token)}.` : '';
    const memory = new BrowserMemory(isOwnHost ? whose : `${new URL(base).host}.${whose}`);
    const client = new PlatformClient(base, memory, given);
    const model = new ChatModel(
      client,
      memory,
      () => this.texts,
      (what) => this.#onChange(model, what),
    );
    this.#model = model;
    model.profile = this.#givenProfile() ?? before?.profile;
    this.#applyTheme(model.profile);
    if (this.mode !== 'bubble' || this.isOpen) void model.open();
    else void this.#readLooks(client, model);
  }

  async #readLooks(client: PlatformClient, model: ChatModel): Promise<void> {
    try {
      model.profile ??= await client.readProfile();
    } catch {
      // What is wrong is told once somebody opens the panel.
    }
    this.#onChange(model, 'state');
  }

  #baseUrl(): string {
    const host = this.host ?? scriptOrigin;
    const url = /^https?:\/\//.test(host) ? host : `https://${host}`;
    return URL.canParse(url) ? new URL(url).origin : scriptOrigin;
  }

  /** The hosted page brings the profile along. */
  #givenProfile(): ChatProfile | undefined {
    const text = this.querySelector('script[type="application/json"]')?.textContent;
    try {
      return text ? (JSON.parse(text) as ChatProfile) : undefined;
    } catch {
      return undefined;
    }
  }

  #onChange(model: ChatModel, what: 'state' | 'reply' | 'expired'): void {
    if (model !== this.#model) return;
    if (what === 'expired')
      this.dispatchEvent(new CustomEvent('freehold-session-expired', { bubbles: true, composed: true }));
    if (what === 'reply') this.#stick = true;
    this.#applyTheme(model.profile);
    this.requestUpdate();
  }

  #themed: ChatProfile | undefined;

  #applyTheme(profile: ChatProfile | undefined): void {
    if (!profile || profile === this.#themed) return;
    this.#themed = profile;
    const rule = this.#theme.cssRules[0] as CSSStyleRule;
    for (const [name, value] of themeVariables(profile)) rule.style.setProperty(name, value);
    if (!this.appearance && profile.appearance !== 'auto') this.appearance = profile.appearance;
  }

  /** Once a frame: a fast stream is not drawn word by word. */
  protected override async scheduleUpdate(): Promise<void> {
    if (this.hasUpdated && document.visibilityState === 'visible') {
      await new Promise((resolve) => requestAnimationFrame(resolve));
    }
    await super.scheduleUpdate();
  }

  protected override updated(): void {
    const field = this.#field;
    if (field) {
      field.style.height = 'auto';
      field.style.height = `${field.scrollHeight}px`;
    }
    if (this.#stick) this.#toEnd();
    if (this.#focusNext && field) {
      this.#focusNext = false;
      field.focus();
    }
  }

  get #field(): HTMLTextAreaElement | null {
    return this.renderRoot.querySelector('textarea');
  }

  get #scroller(): HTMLElement | null {
    return this.renderRoot.querySelector('.scroller');
  }

  protected override render(): TemplateResult | typeof nothing {
    const texts = this.texts;
    const model = this.#model;
    if (!model) return nothing;
    if (this.mode !== 'bubble') return this.#chatView(model, texts);
    const label = this.isOpen ? texts.close : texts.open;
    return html`<div dir=${texts.direction}>
      ${
        this.isOpen
          ? html`<div class="panel" id="panel" role="dialog" aria-label=${this.#title(model, texts)}>
              ${this.#chatView(model, texts)}
            </div>`
          : nothing
      }
      <button
        class="launcher"
        type="button"
        aria-label=${label}
        title=${label}
        aria-expanded=${this.isOpen ? 'true' : 'false'}
        @click=${() => this.#toggle()}
      >
        ${this.isOpen ? icons.close : icons.chat}
      </button>
    </div>`;
  }

  #title(model: ChatModel, texts: Texts): string {
    return model.profile?.name ?? (model.isOpen || model.profile ? model.agentName : texts.chat);
  }

  #chatView(model: ChatModel, texts: Texts): TemplateResult {
    const isPage = this.mode === 'page';
    const title = this.#title(model, texts);
    const badge = model.profile?.logo
      ? html`<img class="logo" src=${model.profile.logo} alt="" />`
      : html`<span class="badge" aria-hidden="true">${[...title][0] ?? ''}</span>`;
    return html`<div
      class="chat"
      dir=${texts.direction}
      lang=${this.language}
      role=${isPage ? nothing : 'region'}
      aria-label=${isPage ? nothing : title}
      @keydown=${(event: KeyboardEvent) => this.#onKey(event, model)}
    >
      <div class="head" role=${isPage ? 'banner' : nothing}>
        ${isPage ? html`<button class="skip" type="button" @click=${() => this.#field?.focus()}>${texts.skip}</button>` : nothing}
        <div class="column">
          ${badge}
          <p class="title" role="heading" aria-level=${isPage ? '1' : '2'}><bdi>${title}</bdi></p>
          <button
            class="icon"
            id="new"
            type="button"
            title=${texts.newConversation}
            aria-label=${texts.newConversation}
            ?disabled=${!model.isOpen}
            @click=${() => this.#beginNew(model)}
          >
            ${icons.fresh}
          </button>
          ${
            this.mode === 'bubble'
              ? html`<button
                  class="icon"
                  type="button"
                  aria-label=${texts.close}
                  title=${texts.close}
                  @click=${() => this.#toggle()}
                >
                  ${icons.close}
                </button>`
              : nothing
          }
        </div>
      </div>
      <div
        class="scroller"
        role=${isPage ? 'main' : nothing}
        tabindex="0"
        aria-label=${texts.conversation}
        @scroll=${() => this.#onScroll()}
      >
        <div class="log column" role="log" aria-live="polite" aria-label=${texts.conversation}>
          ${
            model.entries.length === 0 && !model.isBusy
              ? html`<div class="empty">
                  ${badge}
                  <p class="lead">${texts.emptyTitle(model.agentName)}</p>
                  <p>${texts.emptyText}</p>
                </div>`
              : model.entries.map((entry) => entryView(entry, model.agentName, texts))
          }
        </div>
      </div>
      <div class="dock" role=${isPage ? 'contentinfo' : nothing}>
        ${
          this.isAway
            ? html`<button
                class="icon newest"
                type="button"
                aria-label=${texts.toNewest}
                title=${texts.toNewest}
                @click=${() => this.#toEnd()}
              >
                ${icons.down}
              </button>`
            : nothing
        }
        ${this.#composerView(model, texts)}
      </div>
    </div>`;
  }

  #composerView(model: ChatModel, texts: Texts): TemplateResult {
    const isEmpty = (this.#field?.value.trim() ?? '') === '' && this.files.length === 0;
    return html`<form
      class="column"
      aria-label=${texts.writeMessage}
      autocomplete="off"
      @submit=${(event: Event) => this.#onSubmit(event, model)}
    >
      <p class="status" role="status">${model.status}</p>
      ${this.refusal === '' ? nothing : html`<div class="status" role="alert">${noticeView({ text: this.refusal }, false)}</div>`}
      <div class="field">
        ${
          this.files.length === 0
            ? nothing
            : html`<ul class="files">
                ${this.files.map(
                  (file) =>
                    html`<li>
                      ${file.kind === 'image' ? html`<img src=${file.url} alt="" />` : icons.file}<bdi
                        >${file.name}</bdi
                      >
                      <button
                        class="icon"
                        type="button"
                        aria-label=${texts.remove(file.name)}
                        @click=${() => this.#removeFile(file)}
                      >
                        ${icons.close}
                      </button>
                    </li>`,
                )}
              </ul>`
        }
        <div class="line">
          <input type="file" multiple hidden @change=${(event: Event) => void this.#onFiles(event)} />
          <button
            class="icon"
            id="attach"
            type="button"
            title=${texts.attach}
            aria-label=${texts.attach}
            @click=${() => this.#chooseFiles()}
          >
            ${icons.attach}
          </button>
          <textarea
            id="message"
            rows="1"
            dir="auto"
            aria-label=${texts.message}
            placeholder=${texts.placeholder}
            aria-describedby="hint"
            enterkeyhint="send"
            @input=${() => this.requestUpdate()}
          ></textarea>
          ${
            model.isRunning
              ? html`<button
                  class="icon halt"
                  id="stop"
                  type="button"
                  aria-label=${texts.stop}
                  title=${texts.stop}
                  @click=${() => this.#stop(model)}
                >
                  ${icons.stop}
                </button>`
              : html`<button
                  class="icon send"
                  id="send"
                  type="submit"
                  aria-label=${texts.send}
                  title=${texts.send}
                  ?disabled=${isEmpty || model.isBusy || !model.isOpen}
                >
                  ${icons.send}
                </button>`
          }
        </div>
      </div>
      <div class="foot">
        <span class="hint" id="hint">${texts.hint}</span>
        ${model.profile?.legal_links.map(
          ({ label, url }) => html`<a href=${url} target="_blank" rel="noopener noreferrer">${label}</a>`,
        )}
        ${model.profile?.powered_by ? html`<span>${texts.poweredBy}</span>` : nothing}
      </div>
    </form>`;
  }

  #toggle(): void {
    this.isOpen = !this.isOpen;
    if (!this.isOpen) {
      this.renderRoot.querySelector<HTMLElement>('.launcher')?.focus();
      return;
    }
    this.#focusNext = true;
    this.#stick = true;
    if (this.#model && !this.#model.isOpen) void this.#model.open();
  }

  #onKey(event: KeyboardEvent, model: ChatModel): void {
    if (event.isComposing || event.keyCode === 229) return;
    if (event.key === 'Escape') {
      if (model.isRunning) this.#stop(model);
      else if (this.mode === 'bubble') this.#toggle();
    }
    if (event.key !== 'Enter' || event.shiftKey || event.target !== this.#field) return;
    event.preventDefault();
    this.#submit(model);
  }

  #onSubmit(event: Event, model: ChatModel): void {
    event.preventDefault();
    this.#submit(model);
  }

  #submit(model: ChatModel): void {
    const field = this.#field;
    if (!field || !model.submit(field.value, this.files)) return;
    field.value = '';
    this.files = [];
    this.refusal = '';
    field.focus();
  }

  #stop(model: ChatModel): void {
    this.#field?.focus();
    void model.cancel();
  }

  #beginNew(model: ChatModel): void {
    this.files = [];
    this.refusal = '';
    this.#focusNext = true;
    model.beginNew();
  }

  #chooseFiles(): void {
    this.renderRoot.querySelector<HTMLInputElement>('input[type="file"]')?.click();
  }

  async #onFiles(event: Event): Promise<void> {
    const input = event.target as HTMLInputElement;
    this.refusal = '';
    const shrink = this.#model?.profile?.takes_images ? shrinkImage : undefined;
    for (const file of input.files ?? []) {
      const read = await readAttachment(file, this.files.length, shrink);
      if (typeof read === 'string') this.refusal = this.texts.files[read](file.name);
      else this.files = [...this.files, read];
    }
    input.value = '';
    this.#field?.focus();
  }

  #removeFile(file: Attachment): void {
    this.files = this.files.filter((each) => each !== file);
    this.#field?.focus();
  }

  #onScroll(): void {
    const scroller = this.#scroller;
    if (!scroller) return;
    this.#stick = scroller.scrollHeight - scroller.scrollTop - scroller.clientHeight < NearEndPx;
    this.isAway = !this.#stick;
  }

  #toEnd(): void {
    const scroller = this.#scroller;
    if (scroller) scroller.scrollTop = scroller.scrollHeight;
  }
}

/** Who a session is for, as it says itself: only to keep one visitor's memory apart from another's. */
function visitorOf(token: string): string {
  try {
    const claims = JSON.parse(atob((token.split('.')[1] ?? '').replaceAll('-', '+').replaceAll('_', '/'))) as unknown;
    return String((claims as { sub?: unknown }).sub ?? '');
  } catch {
    return '';
  }
}

if (!customElements.get('freehold-chat')) customElements.define('freehold-chat', FreeholdChat);
