/** The element's pictures: lines of its own, so that nothing is loaded. */
import { svg, html, type TemplateResult } from 'lit';

function icon(path: TemplateResult, className = ''): TemplateResult {
  return html`<svg viewBox="0 0 24 24" class=${className} aria-hidden="true" focusable="false">${path}</svg>`;
}

export const icons = {
  send: icon(svg`<path d="M5 12h13M12 5l7 7-7 7" />`),
  stop: icon(svg`<rect x="5" y="5" width="14" height="14" rx="3" />`),
  attach: icon(
    svg`<path d="m20 11.5-8.3 8.3a5.2 5.2 0 0 1-7.4-7.4l8.6-8.6a3.5 3.5 0 0 1 5 5l-8.6 8.5a1.7 1.7 0 0 1-2.5-2.4l7.8-7.8" />`,
  ),
  file: icon(svg`<path d="M6 3h8l5 5v13H6zM14 3v5h5" />`),
  fresh: icon(svg`<path d="M12 5v14M5 12h14" />`),
  close: icon(svg`<path d="M6 6l12 12M18 6 6 18" />`),
  down: icon(svg`<path d="M12 5v14M6 13l6 6 6-6" />`),
  chat: icon(svg`<path d="M4 5h16v11h-8l-5 4v-4H4z" />`),
  done: icon(svg`<path d="m5 13 4.5 4.5L19 7" />`),
  busy: icon(svg`<path d="M12 3a9 9 0 1 0 9 9" />`, 'spin'),
  failed: icon(svg`<path d="M12 8v5M12 16.5v.01M12 3l9.5 17h-19z" />`),
  sources: icon(svg`<path d="M5 4h11a3 3 0 0 1 3 3v13H8a3 3 0 0 1-3-3zM9 9h6M9 13h6" />`),
};
