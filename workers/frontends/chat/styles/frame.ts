/** The element itself, what all of it shares, and its head. */
import { css } from 'lit';

export const frame = css`
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
`;
