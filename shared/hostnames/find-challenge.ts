/**
 * Looks for the proof that whoever claims a hostname controls it: a TXT record, asked over DNS over HTTPS in its JSON
 * form, or a file that the hostname's own server answers with. The platform itself never answers that file: a name that
 * already points here would otherwise be anybody's.
 */
import { z } from 'zod';
import type { Egress } from '../egress/egress.ts';
import { err, ok, type Result } from '../core/result.ts';
import { ChallengeLabel, ChallengePath } from '../contracts/domains.ts';

const TimeoutMs = 5_000;
const MaxBytes = 4_096;
const TypeTxt = 16;
const NameErrors = new Set([0, 3]);

const dnsAnswer = z.object({
  Status: z.number(),
  Answer: z.array(z.object({ type: z.number(), data: z.string() })).optional(),
});

export type ChallengeWays = {
  /** To the resolver, which the operator has chosen. */
  readonly fetch: typeof fetch;
  /** To the hostname's own server, which a stranger has. */
  readonly egress: Pick<Egress, 'fetch'>;
  /** A resolver's endpoint: `https://cloudflare-dns.com/dns-query`. */
  readonly dnsUrl: string;
};

export type Found = { readonly method: 'dns' | 'http' } | { readonly method: null; readonly reason: string };

/** A failed Result: neither could be asked, which says nothing about the hostname. */
export async function findChallenge(ways: ChallengeWays, hostname: string, token: string): Promise<Result<Found>> {
  const [dns, http] = await Promise.all([findTxt(ways, hostname, token), findFile(ways, hostname, token)]);
  if (dns.ok && dns.value) return ok({ method: 'dns' });
  if (http) return ok({ method: 'http' });
  if (!dns.ok) return dns;
  return ok({
    method: null,
    reason: `no TXT record of ${ChallengeLabel}.${hostname} and no file under ${ChallengePath} holds the token`,
  });
}

async function findTxt(
  { fetch: ask, dnsUrl }: ChallengeWays,
  hostname: string,
  token: string,
): Promise<Result<boolean>> {
  try {
    const url = new URL(dnsUrl);
    url.searchParams.set('name', `${ChallengeLabel}.${hostname}`);
    url.searchParams.set('type', 'TXT');
    const response = await ask(url.href, {
      headers: { accept: 'application/dns-json' },
      signal: AbortSignal.timeout(TimeoutMs),
    });
    const { Status, Answer = [] } = dnsAnswer.parse(await response.json());
    if (!NameErrors.has(Status)) throw new Error(`the resolver answered with status ${Status}`);
    return ok(Answer.some(({ type, data }) => type === TypeTxt && txtOf(data) === token));
  } catch (error) {
    return err('service_unavailable', undefined, { reason: `DNS over HTTPS: ${String(error)}` });
  }
}

/** A record's strings come in quotes, one after the other, and mean their concatenation. */
function txtOf(data: string): string {
  const strings = [...data.matchAll(/"((?:[^"\\]|\\.)*)"/g)].map((match) => match[1]!.replaceAll(/\\(.)/g, '$1'));
  return strings.length > 0 ? strings.join('') : data;
}

async function findFile({ egress }: ChallengeWays, hostname: string, token: string): Promise<boolean> {
  const url = `https://${hostname}${ChallengePath}/${token}`;
  const answer = await egress.fetch({ url }, { timeoutMs: TimeoutMs, maxBytes: MaxBytes });
  return answer.ok && answer.value.status === 200 && new TextDecoder().decode(answer.value.body).trim() === token;
}
