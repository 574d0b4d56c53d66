/** What was said: messages, and the Markdown in them. */
import { css } from 'lit';

export const conversation = css`
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
`;
