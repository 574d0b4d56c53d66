/**
 * Which URLs of somebody else's choosing the platform may ask: https at a public DNS name, and what the operator's
 * allowlist names besides. Pure. The URL parser has made one form of every spelling before a host is judged, so
 * `0x7f.1` is the address that it is. What a name resolves to is judged where the connection is made: by the network
 * service that `networkRules` describes.
 */
import ipaddr from 'ipaddr.js';
import type { Allowlist } from './allowlist.ts';

const MaxUrlLength = 2_000;

/** `way`: through the service for public and listed addresses, or the one for names that the operator listed. */
export type Verdict =
  | { readonly ok: true; readonly url: string; readonly way: 'public' | 'named' }
  | { readonly ok: false; readonly fault: string };

export function judgeUrl(text: string, allowlist: Allowlist): Verdict {
  if (text.length > MaxUrlLength) return refused(`is longer than ${MaxUrlLength} characters`);
  const url = URL.parse(text);
  if (!url) return refused('is not a URL');
  if (/[\s\p{Cc}]/u.test(text)) return refused('holds white space or control characters');
  if (url.protocol !== 'https:' && url.protocol !== 'http:') return refused('must begin with https://');
  if (url.username !== '' || url.password !== '') return refused('must not carry a user name or password');
  if (text.includes('#')) return refused('must not carry a fragment');
  if (url.port === '0') return refused('must not name port 0');
  const address = parseAddress(url.hostname);
  const listed = address ? allowlist.hasAddress(address) : allowlist.hasName(url.hostname);
  if (listed) return { ok: true, url: url.href, way: address ? 'public' : 'named' };
  if (url.protocol !== 'https:') return refused('must begin with https://');
  if (address && !isPublicAddress(address.toString())) return refused('must not lead to an address that is not public');
  if (!isPublicName(url.hostname)) return refused('must name a public host by its DNS name');
  return { ok: true, url: url.href, way: 'public' };
}

/** A host as the URL parser leaves it: brackets around IPv6, four decimal numbers for IPv4. */
function parseAddress(hostname: string): ipaddr.IPv4 | ipaddr.IPv6 | undefined {
  if (hostname.startsWith('[')) return ipaddr.parse(hostname.slice(1, -1));
  return ipaddr.IPv4.isValidFourPartDecimal(hostname) ? ipaddr.IPv4.parse(hostname) : undefined;
}

/**
 * Only what is routed in public. Of IPv6 that is 2000::/3 without its special parts: what holds an IPv4 address inside
 * (mapped, compatible, NAT64, 6to4, Teredo) is none, whatever it holds.
 */
export function isPublicAddress(text: string): boolean {
  if (!ipaddr.IPv4.isValidFourPartDecimal(text) && !ipaddr.IPv6.isValid(text)) return false;
  const address = ipaddr.parse(text);
  if (address.range() !== 'unicast') return false;
  return address instanceof ipaddr.IPv4 || address.match(ipaddr.IPv6.parseCIDR('2000::/3'));
}

/** At least two labels, the last of them no number and no name that is only known at home. */
function isPublicName(hostname: string): boolean {
  return (
    hostname.length <= 253 &&
    /^(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z](?:[a-z0-9-]{0,61}[a-z0-9])$/.test(hostname) &&
    !/\.(?:localhost|localdomain|local|internal|intranet|private|lan|home|corp|test|invalid|onion|home\.arpa)$/.test(
      hostname,
    )
  );
}

/** What workerd would call public, and is not: among them every form that leads to an IPv4 address by a detour. */
export const neverPublic = [
  '0.0.0.0/8',
  '100.64.0.0/10',
  '192.0.0.0/24',
  '192.0.2.0/24',
  '192.88.99.0/24',
  '198.18.0.0/15',
  '198.51.100.0/24',
  '203.0.113.0/24',
  '224.0.0.0/4',
  '240.0.0.0/4',
  '::/96',
  '64:ff9b::/96',
  '64:ff9b:1::/48',
  '100::/64',
  '2001::/23',
  '2001:db8::/32',
  '2002::/16',
  '3fff::/20',
  '5f00::/16',
  'fec0::/10',
  'ff00::/8',
] as const;

export type NetworkRules = { readonly allow: readonly string[]; readonly deny: readonly string[] };

/**
 * For workerd's network services, which judge the address that a name resolved to at the moment of the connection; of
 * two blocks the narrower decides. A name that the operator listed may lead inside, but never to a metadata service.
 */
export function networkRules(allowlist: Allowlist): { readonly public: NetworkRules; readonly named: NetworkRules } {
  const listed = allowlist.blocks;
  const without = (blocks: readonly string[]) => blocks.filter((block) => !listed.includes(block));
  return {
    public: { allow: ['public', ...listed], deny: without(neverPublic) },
    named: { allow: ['public', 'private', ...listed], deny: without(['169.254.0.0/16', 'fe80::/10']) },
  };
}

function refused(fault: string): Verdict {
  return { ok: false, fault };
}
