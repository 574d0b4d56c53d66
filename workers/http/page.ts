/** An HTML page under a policy that lets nothing but our own files run, load or frame it. */
import { raw, type Reply } from './reply.ts';

const Policy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data:",
  "connect-src 'self'",
  "font-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

export function page(html: string): Reply {
  return raw(
    new Response(html, {
      headers: {
        'content-type': 'text/html; charset=utf-8',
        'content-security-policy': Policy,
        'x-content-type-options': 'nosniff',
        'referrer-policy': 'no-referrer',
        'cache-control': 'no-cache',
      },
    }),
  );
}

export function asset(text: string, contentType: string): Reply {
  return raw(
    new Response(text, {
      headers: { 'content-type': contentType, 'x-content-type-options': 'nosniff', 'cache-control': 'no-cache' },
    }),
  );
}

export function escapeHtml(text: string): string {
  return text.replaceAll(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}
