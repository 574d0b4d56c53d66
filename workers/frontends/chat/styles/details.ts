/** What stands in and below an answer: tools, sources, files, and what did not go well. */
import { css } from 'lit';

export const details = css`
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
`;
