/** What the thread looks like: a message, the calls in it, its sources, its files, and notices. */
import { html, nothing, type TemplateResult } from 'lit';
import type { Attachment } from './attachments.ts';
import { icons } from './icons.ts';
import { showMarkdown } from './show-markdown.ts';
import type { Texts } from './texts/texts.ts';
import type { Entry, MessageEntry, Notice } from './thread.ts';
import { shownCalls, type Call } from './turn.ts';

export function entryView(entry: Entry, agentName: string, texts: Texts): TemplateResult {
  if (entry.kind === 'notice') return noticeView(entry, entry.isNote);
  return entry.role === 'user' ? userView(entry, texts) : assistantView(entry, agentName, texts);
}

function userView({ text, files }: MessageEntry, texts: Texts): TemplateResult {
  return html`<article class="message user" data-role="user">
    <span class="unseen">${texts.you}:</span>
    ${text === '' ? nothing : html`<div class="plain" dir="auto">${text}</div>`}${filesView(files, texts)}
  </article>`;
}

function assistantView(entry: MessageEntry, agentName: string, texts: Texts): TemplateResult {
  const { text, sources, isBusy, mark } = entry;
  const calls = shownCalls(entry.calls);
  const isWaiting = isBusy && text === '' && !calls.some(({ kind }) => kind === 'approval');
  return html`<article
    class="message assistant ${mark ? 'unfinished' : ''}"
    data-role="assistant"
    aria-busy=${isBusy ? 'true' : 'false'}
    @click=${showSource}
  >
    <span class="unseen">${isBusy ? texts.answering(agentName) : agentName}:</span>
    ${calls.length === 0 ? nothing : html`<div class="calls">${calls.map((call) => callView(call, entry, texts))}</div>`}
    <div class="text ${isBusy ? 'caret' : ''}" ${showMarkdown(text, sources.length, texts)}></div>
    ${isWaiting ? html`<div class="dots" aria-hidden="true"><i></i><i></i><i></i></div>` : nothing}
    ${
      sources.length === 0 || text === ''
        ? nothing
        : html`<details class="sources">
            <summary>${icons.sources} ${texts.sources(sources.length)}</summary>
            <ol>
              ${sources.map((source) => html`<li dir="auto" tabindex="-1">${source.text}</li>`)}
            </ol>
          </details>`
    }
    ${mark ? noticeView(mark, false) : nothing}
  </article>`;
}

function callView(call: Call, { isOver }: MessageEntry, texts: Texts): TemplateResult {
  const input =
    call.arguments === ''
      ? nothing
      : html`<dt>${texts.input}</dt>
          <dd tabindex="0">${readable(call.arguments)}</dd>`;
  if (call.kind === 'approval' && !isOver) {
    return html`<div class="approval" role="group" aria-label=${texts.approval(call.name)}>
      <p><bdi>${texts.approval(call.name)}</bdi></p>
      <p>${texts.approvalText}</p>
      <dl>
        <dt>${texts.wouldBeDone}</dt>
        <dd tabindex="0">${call.name} ${readable(call.arguments)}</dd>
      </dl>
    </div>`;
  }
  const isRunning = call.status === 'in_progress' && !isOver;
  const isFailed = call.status === 'failed' || call.kind === 'approval' || (!isRunning && call.status !== 'completed');
  const label = isRunning
    ? texts.callRunning(call.name)
    : call.kind === 'approval'
      ? texts.approvalOver(call.name)
      : isFailed
        ? texts.callFailed(call.name)
        : call.kind === 'function'
          ? texts.callForPage(call.name)
          : texts.callDone(call.name);
  const icon = isRunning ? icons.busy : isFailed ? icons.failed : icons.done;
  return html`<details class="call ${isFailed ? 'failed' : ''}">
    <summary>${icon} <span dir="auto">${label}</span></summary>
    <dl>
      ${input}${
        call.result === ''
          ? nothing
          : html`<dt>${texts.result}</dt>
              <dd tabindex="0">${call.result}</dd>`
      }
    </dl>
  </details>`;
}

/** Arguments as lines, where they are JSON. */
function readable(text: string): string {
  try {
    return JSON.stringify(JSON.parse(text), undefined, 2);
  } catch {
    return text;
  }
}

function filesView(files: readonly Attachment[], texts: Texts): TemplateResult | typeof nothing {
  if (files.length === 0) return nothing;
  return html`<ul class="files">
    ${files.map((file) =>
      file.kind === 'image'
        ? html`<li><img src=${file.url} alt=${file.name || texts.picture} /></li>`
        : html`<li>${icons.file}<bdi>${file.name}</bdi></li>`,
    )}
  </ul>`;
}

export function noticeView({ text, action }: Notice, isNote: boolean): TemplateResult {
  return html`<div class="notice ${isNote ? 'note' : ''}">
    <p>${text}</p>
    ${action ? html`<button class="quiet" type="button" @click=${() => action.run()}>${action.label}</button>` : nothing}
  </div>`;
}

/** A citation opens its answer's sources and goes to the one it names. */
function showSource(event: Event): void {
  const cited = event.target instanceof Element ? event.target.closest<HTMLElement>('[data-source]') : null;
  const details = cited?.closest('.message')?.querySelector<HTMLDetailsElement>('.sources');
  if (!cited || !details) return;
  details.open = true;
  const item = details.querySelectorAll('li')[Number(cited.dataset['source']) - 1];
  item?.focus({ preventScroll: true });
  item?.scrollIntoView({ block: 'nearest' });
}
