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

export function page(html: string, policy = Policy): Reply {
  return raw(
    new Response(html, {
      headers: {
        'content-type': 'text/html; charset=utf-8',
        'content-security-policy': policy,
        'x-content-type-options': 'nosniff',
        'referrer-policy': 'no-referrer',
        'cache-control': 'no-cache',
      },
    }),
  );
}

/** A page whose own styles carry `{{nonce}}`: a fresh one each time, which the policy names. */
export function pageWithNonce(html: string, asks: readonly string[] = []): Reply {
  const nonce = makeNonce();
  return page(html.replaceAll('{{nonce}}', nonce), policyWith(nonce, { asks }));
}

export function makeNonce(): string {
  return btoa(String.fromCharCode(...crypto.getRandomValues(new Uint8Array(18))));
}

type Others = { readonly framedBy?: readonly string[]; readonly asks?: readonly string[] };

/** The same policy, with the styles that carry the nonce, the sites that may frame the page and the URLs that it asks. */
export function policyWith(nonce: string, { framedBy = [], asks = [] }: Others): string {
  const policy = Policy.replace("style-src 'self'", `style-src 'self' 'nonce-${nonce}'`).replace(
    "connect-src 'self'",
    () => ["connect-src 'self'", ...asks.map(toSource)].join(' '),
  );
  return framedBy.length === 0
    ? policy
    : policy.replace("frame-ancestors 'none'", `frame-ancestors ${framedBy.join(' ')}`);
}

/** A URL as a policy's source (CSP 3, 2.3.1): without its query, and with no character that would end the directive. */
function toSource(url: string): string {
  const { origin, pathname } = new URL(url);
  return origin + pathname.replaceAll(';', '%3B').replaceAll(',', '%2C');
}

export function asset(text: string, contentType: string): Reply {
  return raw(
    new Response(text, {
      headers: { 'content-type': contentType, 'x-content-type-options': 'nosniff', 'cache-control': 'no-cache' },
    }),
  );
}
