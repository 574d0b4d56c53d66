/**
 * Which host a request is for, decided on the raw Host header alone. workerd validates no Host, and `new URL()` reads
 * a hostile one otherwise than it looks, so the allow-pattern comes first and nothing else is ever consulted:
 * no X-Forwarded-Host, no Forwarded, no request URL.
 */
export type Host =
  | { readonly kind: 'apex' }
  /** Exactly one label under the platform's domain. */
  | { readonly kind: 'tenant'; readonly slug: string }
  /** Some other name, which leads to a tenant only if it is registered and verified. */
  | { readonly kind: 'custom'; readonly hostname: string }
  /** Well formed, but can never be a tenant: an IP literal, a nested label, a bare label. */
  | { readonly kind: 'unknown' }
  | { readonly kind: 'malformed' };

const HostPattern =
  /^((?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)*[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)(?::([0-9]{1,5}))?$/;
const Ipv4Like = /^[0-9.]+$/;
const Ipv6Literal = /^\[[0-9a-f:.]+\](?::[0-9]{1,5})?$/;
const MaxHostLength = 259;

/** `platformDomain` without a port, in lower case: `example.com`, `localhost`. */
export function parseHost(header: string | null, platformDomain: string): Host {
  if (header === null || header.length > MaxHostLength) return { kind: 'malformed' };
  const lower = header.toLowerCase();
  if (Ipv6Literal.test(lower)) return { kind: 'unknown' };
  const match = HostPattern.exec(lower);
  if (!match || Number(match[2] ?? 0) > 65_535) return { kind: 'malformed' };
  const hostname = match[1]!;
  if (hostname === platformDomain) return { kind: 'apex' };
  if (hostname.endsWith(`.${platformDomain}`)) {
    const label = hostname.slice(0, -platformDomain.length - 1);
    return label.includes('.') ? { kind: 'unknown' } : { kind: 'tenant', slug: label };
  }
  if (Ipv4Like.test(hostname) || !hostname.includes('.')) return { kind: 'unknown' };
  return { kind: 'custom', hostname };
}
