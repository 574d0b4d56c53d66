/**
 * A tenant's own page around the chat element: name, icon, colours and language are there before any script has run. What
 * a tenant wrote is text in it, never markup. The sites that the tenant has named may frame it, and no others.
 */
import type { ChatProfile } from '../../shared/contracts/branding.ts';
import { readAcceptLanguage } from '../../shared/core/accept-language.ts';
import { chooseLocale } from '../frontends/chat/texts/locales.ts';
import { makeScheme } from '../frontends/chat/theme.ts';
import { makeNonce, page, policyWith } from './page.ts';
import type { Reply } from './reply.ts';

const plainIcon =
  "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 32 32'%3E%3Cpath d='M8 4h16a5 5 0 0 1 5 5v10a5 5 0 0 1-5 5h-8l-7 5v-5H8a5 5 0 0 1-5-5V9a5 5 0 0 1 5-5z' fill='%23466a9f'/%3E%3C/svg%3E";
const schemes = { auto: 'light dark', light: 'light', dark: 'dark' } as const;
const plainColors: ChatProfile['colors'] = {
  accent: '#466a9f',
  background: null,
  text: null,
  background_dark: null,
  text_dark: null,
};

/** Without a profile the element finds out by itself what is wrong, and says it. */
export function chatPage(
  script: string,
  profile: ChatProfile | undefined,
  allowedOrigins: readonly string[],
  acceptLanguage: string,
): Reply {
  const nonce = makeNonce();
  const language = chooseLocale(readAcceptLanguage(acceptLanguage));
  const name = profile?.name ?? profile?.agent_name ?? 'Chat';
  const colors = profile?.colors ?? plainColors;
  const [light, dark] = [makeScheme(colors, false), makeScheme(colors, true)];
  const scheme = schemes[profile?.appearance ?? 'auto'];
  const data = profile ? `<script type="application/json">${escapeJson(profile)}</script>` : '';
  const html = `<!doctype html>
<html lang="${language}" dir="${language === 'ar' ? 'rtl' : 'ltr'}">
  <head>
    <meta charset="utf-8" />
    <meta name="viewport" content="width=device-width, initial-scale=1, interactive-widget=resizes-content" />
    <meta name="color-scheme" content="${scheme}" />
    <meta name="description" content="${escapeHtml(name)}" />
    <title>${escapeHtml(name)}</title>
    <link rel="icon" href="${escapeHtml(profile?.favicon ?? plainIcon)}" />
    <script type="module" src="${script}"></script>
    <style nonce="${nonce}">
      :root { color-scheme: ${scheme}; }
      body { margin: 0; background: light-dark(${light.ground}, ${dark.ground}); color: light-dark(${light.text}, ${dark.text}); }
    </style>
  </head>
  <body>
    <freehold-chat mode="page">${data}<noscript>This page needs JavaScript to hold a conversation.</noscript></freehold-chat>
  </body>
</html>
`;
  return page(html, policyWith(nonce, { framedBy: allowedOrigins }));
}

function escapeHtml(text: string): string {
  return text.replaceAll(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}

/** As the text of a script element: nothing in it can end the element. */
function escapeJson(value: unknown): string {
  return JSON.stringify(value).replaceAll('<', '\\u003c');
}
