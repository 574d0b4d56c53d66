/** Reads the name that a tenant wants to be reached at into the one form in which a Host header can name it. */
import { err, ok, type Result } from '../core/result.ts';
import { parseHost } from './hostname.ts';

const refuse = (reason: string) => err('invalid_request', `"hostname" ${reason}.`, { param: 'hostname' });

/** IDN becomes punycode, by the URL standard; no scheme, port, path or wildcard. */
export function parseCustomHostname(text: string, platformDomain: string): Result<string> {
  if (/[\s/:@?#*\\%[\]]/.test(text)) return refuse('must be a name alone: no scheme, port, path or wildcard');
  const hostname = URL.parse(`http://${text}/`)?.hostname.replace(/\.$/, '');
  if (hostname === undefined || hostname === '') return refuse('is not a hostname');
  const host = parseHost(hostname, platformDomain);
  switch (host.kind) {
    case 'custom':
      break;
    case 'apex':
    case 'tenant':
      return refuse("must not lie under the platform's own domain");
    case 'unknown':
    case 'malformed':
      return hostname.endsWith(`.${platformDomain}`)
        ? refuse("must not lie under the platform's own domain")
        : refuse('must be a public DNS name with at least two labels');
  }
  // A name over the platform's own: whoever had it would be a parent of every tenant.
  if (platformDomain.endsWith(`.${hostname}`)) return refuse("must not lie above the platform's own domain");
  if (hostname.length > 253 || /^\d+$/.test(hostname.split('.').at(-1)!)) return refuse('is not a public DNS name');
  return ok(hostname);
}
