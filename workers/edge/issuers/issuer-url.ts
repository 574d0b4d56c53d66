/**
 * Which URLs of an issuer are ever fetched: https at a public DNS name; on a developer's own machine (the platform's
 * domain is `localhost`) also http on loopback. Pure. The URL parser has made one form of every spelling before the
 * host is judged, so `0x7f.1` is the address that it is.
 */
export function validateIssuerUrl(text: string, platformDomain: string): string | undefined {
  const url = URL.parse(text);
  if (!url) return 'is not a URL';
  if (/[\s\p{Cc}]/u.test(text)) return 'holds white space or control characters';
  if (url.username !== '' || url.password !== '') return 'must not carry a user name or password';
  if (text.includes('#')) return 'must not carry a fragment';
  if (platformDomain === 'localhost' && /^https?:$/.test(url.protocol) && isLoopback(url.hostname)) return undefined;
  if (url.protocol !== 'https:') return 'must begin with https://';
  return isPublicName(url.hostname) ? undefined : 'must name a public host by its DNS name';
}

function isLoopback(hostname: string): boolean {
  return hostname === 'localhost' || hostname === '[::1]' || /^127(?:\.\d{1,3}){3}$/.test(hostname);
}

/** At least two labels, the last of them no number and no name that is only known at home. */
function isPublicName(hostname: string): boolean {
  return (
    /^(?:[a-z0-9](?:[a-z0-9-]*[a-z0-9])?\.)+[a-z](?:[a-z0-9-]*[a-z0-9])$/.test(hostname) &&
    !/\.(?:localhost|local|internal|intranet|lan|home|corp|test|invalid|home\.arpa)$/.test(hostname)
  );
}
