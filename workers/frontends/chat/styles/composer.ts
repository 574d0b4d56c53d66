/** Where a visitor writes, and the bubble in the corner of a page. Last: what a screen or a reader asks for. */
import { css } from 'lit';

export const composer = css`
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
