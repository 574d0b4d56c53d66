/** How the element looks. Colours are the theme's variables; everything that has a side has it by reading direction. */
import { css } from 'lit';

export const styles = css`
  :host {
    display: block;
    height: 36rem;
    max-height: 100%;
    color-scheme: light dark;
    --radius: var(--freehold-radius, 14px);
    --accent: var(--freehold-accent, #2f5488);
    --text: var(--freehold-text, #1c1e21);
    --muted: var(--freehold-muted, #5b6067);
    --line: var(--freehold-line, #dededa);
    --edge: var(--freehold-edge, #85898f);
    --ground: var(--freehold-ground, #fafaf9);
    --surface: var(--freehold-surface, #fff);
    --raised: var(--freehold-raised, #eeeeea);
    --fill: var(--freehold-fill, #466a9f);
    --on-fill: var(--freehold-on-fill, #fff);
    --warn: var(--freehold-warn, #8a4b08);
    --warn-ground: var(--freehold-warn-ground, #fdf3e3);
    font: 400 1rem/1.6 var(--freehold-font, system-ui, sans-serif);
    -webkit-text-size-adjust: 100%;
  }
  :host([appearance='light']) {
    color-scheme: light;
  }
  :host([appearance='dark']) {
    color-scheme: dark;
  }
  :host([mode='page']) {
    height: 100dvh;
  }
  :host([mode='bubble']) {
    height: auto;
  }
  :host([hidden]),
  [hidden] {
    display: none !important;
  }
  *,
  ::before,
  ::after {
    box-sizing: border-box;
  }
  .chat {
    display: grid;
    position: relative;
    grid-template: auto minmax(0, 1fr) auto / minmax(0, 1fr);
    height: 100%;
    overflow: hidden;
    background: var(--ground);
    color: var(--text);
    text-align: start;
  }
  :host(:not([mode='page'])) .chat {
    border: 1px solid var(--line);
    border-radius: calc(var(--radius) + 4px);
  }
  .column {
    width: 100%;
    max-width: 48rem;
    margin-inline: auto;
    padding-inline: max(1rem, env(safe-area-inset-left)) max(1rem, env(safe-area-inset-right));
  }
  .unseen {
    position: absolute;
    width: 1px;
    height: 1px;
    overflow: hidden;
    clip-path: inset(50%);
    white-space: nowrap;
  }
  .skip {
    position: absolute;
    inset-inline-start: 1rem;
    top: -5rem;
    z-index: 2;
    padding: 0.5rem 1rem;
    border: 0;
    border-radius: 0.5rem;
    background: var(--fill);
    color: var(--on-fill);
  }
  .skip:focus {
    top: 0.5rem;
  }
  :focus-visible {
    outline: 2px solid var(--accent);
    outline-offset: 2px;
  }

  /* Head */
  .head {
    z-index: 1;
    border-block-end: 1px solid var(--line);
    background: var(--surface);
  }
  .head .column {
    display: flex;
    align-items: center;
    gap: 0.75rem;
    min-height: 3.75rem;
  }
  .logo {
    flex: none;
    max-width: 9rem;
    height: 2rem;
    object-fit: contain;
  }
  .badge {
    display: grid;
    flex: none;
    place-items: center;
    width: 2.125rem;
    height: 2.125rem;
    border-radius: min(var(--radius), 0.7rem);
    background: var(--fill);
    color: var(--on-fill);
    font-size: 1rem;
    font-weight: 650;
    line-height: 1;
    text-transform: uppercase;
  }
  .title {
    flex: 1;
    min-width: 0;
    margin: 0;
    overflow: hidden;
    font-size: 1.0625rem;
    font-weight: 650;
    letter-spacing: -0.01em;
    line-height: 1.25;
    text-overflow: ellipsis;
    white-space: nowrap;
  }
  button {
    font: inherit;
    color: inherit;
    cursor: pointer;
  }
  button:disabled {
    cursor: default;
  }
  .icon {
    display: grid;
    flex: none;
    place-items: center;
    width: 2.5rem;
    height: 2.5rem;
    padding: 0;
    border: 0;
    border-radius: min(var(--radius), 0.75rem);
    background: transparent;
    color: var(--muted);
  }
  .icon:hover:enabled {
    background: var(--raised);
    color: var(--text);
  }
  .icon:disabled {
    opacity: 0.45;
  }
  svg {
    display: block;
    width: 1.25rem;
    height: 1.25rem;
    fill: none;
    stroke: currentColor;
    stroke-linecap: round;
    stroke-linejoin: round;
    stroke-width: 2;
  }
  .quiet {
    flex: none;
    min-height: 2.125rem;
    padding: 0.2rem 0.875rem;
    border: 1px solid var(--edge);
    border-radius: min(var(--radius), 0.625rem);
    background: transparent;
    font-size: 0.9375rem;
  }
  .quiet:hover:enabled {
    background: color-mix(in srgb, currentColor 8%, transparent);
  }

  /* Conversation */
  .scroller {
    overflow-y: auto;
    overscroll-behavior: contain;
    scrollbar-color: var(--line) transparent;
    scrollbar-width: thin;
  }
  .scroller:focus-visible {
    outline-offset: -3px;
  }
  .log {
    display: flex;
    flex-direction: column;
    gap: 1.125rem;
    min-height: 100%;
    padding-block: 1.5rem;
  }
  .empty {
    display: grid;
    gap: 0.375rem;
    margin: auto;
    padding: 2rem 1rem;
    text-align: center;
    justify-items: center;
  }
  .empty .badge {
    width: 3.5rem;
    height: 3.5rem;
    margin-block-end: 0.75rem;
    border-radius: min(calc(var(--radius) * 1.25), 1.2rem);
    font-size: 1.6rem;
  }
  .empty .logo {
    height: 3.5rem;
    max-width: 14rem;
    margin-block-end: 0.75rem;
  }
  .empty p {
    margin: 0;
    color: var(--muted);
  }
  .empty .lead {
    color: var(--text);
    font-size: 1.375rem;
    font-weight: 650;
    letter-spacing: -0.015em;
    line-height: 1.3;
  }
  .message {
    min-width: 0;
    overflow-wrap: anywhere;
  }
  .user {
    align-self: flex-end;
    max-width: min(36rem, 85%);
    padding: 0.625rem 1rem;
    border-radius: var(--radius);
    border-end-end-radius: min(var(--radius), 0.3rem);
    background: var(--freehold-own, #dfe8f4);
  }
  .assistant {
    align-self: flex-start;
    width: fit-content;
    max-width: min(44rem, 100%);
    padding: 0.75rem 1.125rem;
    border: 1px solid var(--line);
    border-radius: var(--radius);
    border-end-start-radius: min(var(--radius), 0.3rem);
    background: var(--surface);
  }
  .assistant.unfinished {
    border: 1px dashed var(--warn);
  }
  .plain {
    white-space: pre-wrap;
  }
  .block > *,
  .block li,
  .block td {
    margin-block: 0;
    unicode-bidi: plaintext;
    text-align: start;
  }
  .block > * + *,
  .block + .block {
    margin-block-start: 0.75rem;
  }
  .block .heading {
    font-size: 1.0625rem;
    font-weight: 650;
    line-height: 1.35;
  }
  .block + .block:has(> .heading) {
    margin-block-start: 1.125rem;
  }
  .block :is(ul, ol) {
    padding-inline-start: 1.5rem;
  }
  .block li + li,
  .block li > :is(ul, ol) {
    margin-block-start: 0.25rem;
  }
  .block li > p {
    margin: 0;
  }
  .block blockquote {
    margin-inline: 0;
    padding-inline-start: 0.875rem;
    border-inline-start: 3px solid var(--line);
    color: var(--muted);
  }
  .block blockquote > p {
    margin: 0;
  }
  .block hr {
    width: 100%;
    margin-block: 1rem;
    border: 0;
    border-block-start: 1px solid var(--line);
  }
  .block table {
    display: block;
    max-width: 100%;
    overflow-x: auto;
    border-collapse: collapse;
    font-size: 0.9375rem;
  }
  .block :is(th, td) {
    padding: 0.375rem 0.75rem;
    border-block-end: 1px solid var(--line);
    text-align: start;
  }
  a {
    color: var(--accent);
    text-underline-offset: 0.15em;
  }
  code {
    padding: 0.1em 0.35em;
    border-radius: 0.35rem;
    background: var(--raised);
    font-family: ui-monospace, 'SF Mono', Menlo, Consolas, 'Liberation Mono', monospace;
    font-size: 0.875em;
  }
  .code {
    position: relative;
    overflow: hidden;
    border: 1px solid var(--line);
    border-radius: min(var(--radius), 0.75rem);
    background: var(--raised);
    direction: ltr;
    text-align: left;
  }
  .lang {
    display: block;
    min-height: 2rem;
    padding: 0.375rem 0.875rem 0;
    color: var(--muted);
    font-size: 0.8125rem;
    line-height: 1.25rem;
  }
  .copy {
    position: absolute;
    inset-block-start: 0.25rem;
    right: 0.25rem;
    min-height: 1.75rem;
    padding: 0 0.625rem;
    border: 0;
    border-radius: 0.5rem;
    background: transparent;
    color: var(--muted);
    font-size: 0.8125rem;
  }
  .copy:hover {
    background: color-mix(in srgb, currentColor 10%, transparent);
  }
  pre {
    margin: 0;
    padding: 0.25rem 0.875rem 0.75rem;
    overflow-x: auto;
    overflow-wrap: normal;
    scrollbar-width: thin;
    font-size: 1rem;
    line-height: 1.5;
  }
  pre:focus-visible {
    outline-offset: -3px;
  }
  pre code {
    padding: 0;
    background: none;
    white-space: pre;
  }
  .cite {
    min-width: 1.25rem;
    min-height: 1.25rem;
    margin-inline: 0.125rem;
    padding: 0 0.3rem;
    border: 0;
    border-radius: 0.4rem;
    background: var(--raised);
    color: var(--accent);
    font-size: 0.75rem;
    font-weight: 600;
    line-height: 1.25rem;
    vertical-align: 0.15em;
  }
  .cite:hover {
    text-decoration: underline;
  }
  .caret .block:last-child > :last-child:not(.code, table, ul, ol, hr)::after,
  .caret .block:last-child > :is(ul, ol):last-child > li:last-child::after {
    content: '';
    display: inline-block;
    width: 0.5rem;
    height: 1.05em;
    margin-inline-start: 0.2rem;
    border-radius: 2px;
    background: var(--accent);
    vertical-align: -0.15em;
    animation: blink 1.1s steps(2, jump-none) infinite;
  }
  .dots {
    display: flex;
    gap: 0.3rem;
    align-items: center;
    height: 1.6rem;
  }
  .dots i {
    width: 0.45rem;
    height: 0.45rem;
    border-radius: 50%;
    background: var(--muted);
    animation: breathe 1.2s ease-in-out infinite;
  }
  .dots i:nth-child(2) {
    animation-delay: 0.15s;
  }
  .dots i:nth-child(3) {
    animation-delay: 0.3s;
  }
  @keyframes blink {
    50% {
      opacity: 0;
    }
  }
  @keyframes breathe {
    0%,
    60%,
    100% {
      opacity: 0.35;
    }
    30% {
      opacity: 1;
    }
  }

  /* Tools, sources, files */
  details {
    border-radius: min(var(--radius), 0.75rem);
    font-size: 0.9375rem;
  }
  summary {
    display: flex;
    gap: 0.5rem;
    align-items: center;
    width: fit-content;
    min-height: 1.75rem;
    padding-inline: 0.25rem 0.5rem;
    border-radius: 0.5rem;
    color: var(--muted);
    cursor: pointer;
    list-style: none;
  }
  summary::-webkit-details-marker {
    display: none;
  }
  summary svg {
    flex: none;
    width: 1rem;
    height: 1rem;
  }
  summary:hover {
    color: var(--text);
  }
  summary bdi,
  .approval bdi {
    font-weight: 600;
  }
  .calls {
    display: grid;
    gap: 0.25rem;
    margin-block-end: 0.5rem;
  }
  .calls:last-child {
    margin-block-end: 0;
  }
  .call dl {
    margin: 0.25rem 0 0.5rem;
    padding-inline-start: 1.75rem;
  }
  dt {
    color: var(--muted);
    font-size: 0.8125rem;
  }
  dd {
    max-height: 11rem;
    margin: 0 0 0.5rem;
    padding: 0.375rem 0.625rem;
    border-radius: 0.5rem;
    background: var(--raised);
    overflow: auto;
    font-family: ui-monospace, 'SF Mono', Menlo, Consolas, 'Liberation Mono', monospace;
    font-size: 0.8125rem;
    line-height: 1.5;
    white-space: pre-wrap;
    direction: ltr;
    text-align: left;
  }
  .failed summary {
    color: var(--warn);
  }
  .spin {
    animation: spin 1s linear infinite;
  }
  @keyframes spin {
    to {
      transform: rotate(1turn);
    }
  }
  .approval {
    padding: 0.75rem 0.875rem;
    border: 1px solid var(--line);
    border-inline-start: 3px solid var(--accent);
    border-radius: min(var(--radius), 0.75rem);
    font-size: 0.9375rem;
  }
  .approval p {
    margin: 0 0 0.5rem;
  }
  .approval dl {
    margin: 0;
  }
  .approval dd {
    margin-block-end: 0;
  }
  .sources {
    margin-block-start: 0.75rem;
    padding-block-start: 0.5rem;
    border-block-start: 1px solid var(--line);
    border-radius: 0;
    font-size: 0.875rem;
  }
  .sources ol {
    margin: 0.375rem 0 0;
    padding: 0;
    list-style: none;
    counter-reset: source;
  }
  .sources li {
    max-height: 11rem;
    margin-block-start: 0.375rem;
    padding: 0.375rem 0.625rem;
    border-radius: 0.5rem;
    background: var(--raised);
    overflow-y: auto;
    counter-increment: source;
    white-space: pre-wrap;
  }
  .sources li::before {
    content: counter(source) '\\a0\\a0';
    color: var(--accent);
    font-weight: 600;
  }
  .files {
    display: flex;
    flex-wrap: wrap;
    gap: 0.375rem;
    margin: 0;
    padding: 0;
    list-style: none;
  }
  .files li {
    display: flex;
    gap: 0.375rem;
    align-items: center;
    max-width: 16rem;
    padding: 0.125rem 0.625rem;
    border: 1px solid var(--line);
    border-radius: 0.625rem;
    background: var(--surface);
    font-size: 0.875rem;
  }
  .files svg {
    flex: none;
    width: 1rem;
    height: 1rem;
  }
  .files img {
    display: block;
    max-width: 100%;
    max-height: 12rem;
  }
  .field img {
    height: 1.5rem;
  }
  .files bdi {
    overflow: hidden;
    text-overflow: ellipsis;
    white-space: nowrap;
  }
  .files .icon {
    width: 1.5rem;
    height: 1.5rem;
    margin-inline-end: -0.375rem;
  }
  .user .files {
    justify-content: flex-end;
  }
  .user .plain + .files {
    margin-block-start: 0.5rem;
  }

  /* What did not go well */
  .notice {
    display: flex;
    flex-wrap: wrap;
    align-items: center;
    justify-content: space-between;
    gap: 0.5rem 1rem;
    padding: 0.625rem 0.875rem;
    border-radius: min(var(--radius), 0.75rem);
    background: var(--warn-ground);
    color: var(--warn);
    font-size: 0.9375rem;
    overflow-wrap: anywhere;
  }
  .notice p {
    flex: 1 1 12rem;
    margin: 0;
  }
  .notice .quiet {
    border-color: currentColor;
  }
  .message > * + .notice {
    margin-block-start: 0.75rem;
  }
  .note {
    background: var(--raised);
    color: var(--muted);
  }

  /* Composer */
  .dock {
    position: relative;
    padding-block: 0.25rem max(0.5rem, env(safe-area-inset-bottom));
  }
  .newest {
    position: absolute;
    inset-block-end: calc(100% + 0.5rem);
    inset-inline-start: calc(50% - 1.125rem);
    width: 2.25rem;
    height: 2.25rem;
    border: 1px solid var(--line);
    border-radius: 50%;
    background: var(--surface);
    color: var(--text);
    box-shadow: 0 2px 10px rgb(0 0 0 / 0.14);
  }
  .field {
    padding: 0.3125rem;
    border: 1px solid var(--edge);
    border-radius: calc(var(--radius) + 2px);
    background: var(--surface);
  }
  .field:focus-within {
    border-color: var(--accent);
    box-shadow: 0 0 0 1px var(--accent);
  }
  .field .files {
    padding: 0.25rem 0.25rem 0.375rem;
  }
  .line {
    display: flex;
    align-items: flex-end;
    gap: 0.25rem;
  }
  textarea {
    flex: 1;
    min-width: 0;
    min-height: 2.5rem;
    max-height: min(40dvh, 14rem);
    padding: 0.45rem 0.5rem;
    border: 0;
    background: transparent;
    color: inherit;
    font: inherit;
    resize: none;
  }
  textarea:focus {
    outline: none;
  }
  textarea::placeholder {
    color: var(--muted);
    opacity: 1;
  }
  .send {
    background: var(--fill);
    color: var(--on-fill);
  }
  .send:hover:enabled {
    background: color-mix(in srgb, var(--fill) 88%, var(--on-fill));
    color: var(--on-fill);
  }
  .send:disabled {
    background: var(--raised);
    color: var(--muted);
    opacity: 1;
  }
  [dir='rtl'] .send svg,
  [dir='rtl'] .turns {
    transform: scaleX(-1);
  }
  .halt {
    border: 1px solid var(--edge);
    color: var(--text);
  }
  .halt svg {
    fill: currentColor;
    stroke: none;
    width: 1rem;
    height: 1rem;
  }
  .status,
  .foot {
    margin: 0.375rem 0.25rem 0;
    color: var(--muted);
    font-size: 0.8125rem;
    line-height: 1.4;
    text-align: center;
  }
  .status {
    margin-block: 0 0.375rem;
  }
  .status:empty {
    display: none;
  }
  .foot {
    display: flex;
    flex-wrap: wrap;
    gap: 0 0.875rem;
    justify-content: center;
  }
  .foot a {
    color: inherit;
  }
  .foot a:not(:hover) {
    text-decoration-color: var(--line);
  }

  /* Bubble */
  .launcher {
    position: fixed;
    inset-block-end: max(1.25rem, env(safe-area-inset-bottom));
    inset-inline-end: 1.25rem;
    z-index: 2147483000;
    display: grid;
    place-items: center;
    width: 3.5rem;
    height: 3.5rem;
    padding: 0;
    border: 0;
    border-radius: 50%;
    background: var(--freehold-bubble, var(--fill));
    color: var(--on-fill);
    box-shadow: 0 6px 24px rgb(0 0 0 / 0.24);
  }
  .launcher svg {
    width: 1.6rem;
    height: 1.6rem;
  }
  .launcher:focus-visible {
    outline-offset: 3px;
  }
  .panel {
    position: fixed;
    inset-block-end: calc(max(1.25rem, env(safe-area-inset-bottom)) + 4.25rem);
    inset-inline-end: 1.25rem;
    z-index: 2147483000;
    width: min(25rem, 100vw - 2.5rem);
    height: min(40rem, 100dvh - 7rem);
    border-radius: calc(var(--radius) + 4px);
    box-shadow: 0 12px 48px rgb(0 0 0 / 0.28);
  }
  @media (max-width: 30rem) {
    .panel {
      inset: 0;
      z-index: 2147483001;
      width: 100%;
      height: 100dvh;
    }
    :host([mode='bubble']) .chat {
      border: 0;
      border-radius: 0;
    }
    .user {
      max-width: 90%;
    }
    .assistant {
      padding-inline: 0.875rem;
    }
  }
  @media (max-width: 30rem), (pointer: coarse) {
    .hint {
      display: none;
    }
  }
  :host([mode='bubble']) .hint {
    display: none;
  }
  @media (max-height: 24rem) {
    .hint {
      display: none;
    }
    .head .column {
      min-height: 2.75rem;
    }
  }
  @media (prefers-reduced-motion: reduce) {
    *,
    ::before,
    ::after {
      animation: none !important;
    }
  }
  @media (forced-colors: active) {
    .message,
    .notice,
    .send,
    .launcher {
      border: 1px solid;
    }
  }
`;
