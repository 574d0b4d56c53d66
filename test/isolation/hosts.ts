/**
 * Hosts and headers that could make one tenant pass for another, asked as raw HTTP/1.1: no client would send them. (I-2)
 */
import type { PopulatedTenant } from '../support/populated-tenant.ts';
import { sendRaw } from '../support/raw-http.ts';
import type { Credential } from './matrix.ts';

/** Ways to write a Host, and what A's own key gets there; `{a}` and `{b}` are the tenants' labels, `{p}` the platform's domain; in capitals, in capitals. */
export const spellings: readonly (readonly [host: string, status: number])[] = [
  ['{a}.{p}', 200],
  ['{a}.{p}:8787', 200],
  ['{A}.{P}', 200],
  ['{b}.{p}', 401],
  ['{B}.{p}:1', 401],
  ['{p}', 404],
  ['{a}.{b}.{p}', 404],
  ['{b}.{a}.{p}', 404],
  ['nobody.{p}', 404],
  ['{a}', 404],
  ['{a}.test', 404],
  ['{p}.{a}', 404],
  ['127.0.0.1', 404],
  ['[::1]', 404],
  ['[::1]:8080', 404],
  ['0x7f.1', 404],
  ['2130706433', 404],
  ['xn--alph-7na.{p}', 404],
  ['{a}.{p}@{b}.{p}', 400],
  ['{a}.{p}/../{b}', 400],
  ['{a}.{p}/v1', 400],
  ['{a}.{p}?{b}.{p}', 400],
  ['{a}.{p}#{b}.{p}', 400],
  ['{a}.{p}%2e{b}', 400],
  ['{a}%2e{p}', 400],
  ['{a}.{p}, {b}.{p}', 400],
  ['{a}.{p} {b}.{p}', 400],
  ['{a}. {p}', 400],
  ['{a}.{p}:80:80', 400],
  ['{a}.{p}:', 400],
  ['{a}.{p}:99999', 400],
  ['{a}.{p}:8o', 400],
  ['{a}.{p}.', 400],
  ['.{p}', 400],
  ['{a}..{p}', 400],
  ['-{a}.{p}', 400],
  ['{a}_.{p}', 400],
  ['alphä.{p}', 400],
  ['{a}\u0000.{p}', 400],
  ['{a}\t.{p}', 400],
  ['{a}.{p}\\{b}', 400],
  ['http://{a}.{p}', 400],
  ['*.{p}', 400],
  ["{a}.{p}' OR 1=1--", 400],
  ['[::1', 400],
  ['', 400],
  [`${'a'.repeat(64)}.{p}`, 400],
  [`${'a.'.repeat(200)}{p}`, 400],
  ['a'.repeat(20_000), 400],
];

/** Header lines that name another host, as proxies and frameworks do. */
export const misleading: readonly string[] = [
  '',
  'X-Forwarded-Host: {b}.{p}',
  'Forwarded: host={b}.{p};proto=http',
  'X-Original-Host: {b}.{p}',
  'X-Host: {b}.{p}',
  'X-HTTP-Host-Override: {b}.{p}',
  'X-Forwarded-Server: {b}.{p}',
  'X-Rewrite-URL: http://{b}.{p}/v1/agents',
  ':authority: {b}.{p}',
];

export type HostWalk = { readonly faults: readonly string[]; readonly cells: number };

/** Every spelling beside every misleading header, with every credential that is good at A's host. */
export async function walkHosts(
  port: number,
  domain: string,
  a: PopulatedTenant,
  b: PopulatedTenant,
  credentials: readonly Credential[],
  headers: readonly string[] = misleading,
): Promise<HostWalk> {
  const fill = (text: string) =>
    text
      .replaceAll('{a}', a.slug)
      .replaceAll('{b}', b.slug)
      .replaceAll('{A}', a.slug.toUpperCase())
      .replaceAll('{B}', b.slug.toUpperCase())
      .replaceAll('{p}', domain)
      .replaceAll('{P}', domain.toUpperCase());
  const faults: string[] = [];
  let cells = 0;
  for (const extra of headers) {
    for (const [pattern, status] of spellings) {
      const host = fill(pattern);
      for (const { name, token, valid } of credentials) {
        // What is B's is good at B's own host.
        if (status === 401 && name.startsWith("the other tenant's")) continue;
        const lines = [`Host: ${host}`, ...(extra === '' ? [] : [fill(extra)])];
        if (token !== undefined) lines.push(`Authorization: Bearer ${token}`);
        const answer = await sendRaw(
          port,
          `GET /v1/models HTTP/1.1\r\n${lines.join('\r\n')}\r\nConnection: close\r\n\r\n`,
        );
        cells++;
        const where = `${JSON.stringify(host.slice(0, 80))} beside "${extra}" with ${name}: ${answer.status}`;
        const leak = b.canaries.find((canary) => answer.text.includes(canary));
        if (leak !== undefined) faults.push(`${where} leaks ${leak}`);
        // The runtime itself refuses some Hosts, and a field name that is none.
        if (refusedByRuntime(answer) && status === 400) continue;
        const wanted = status === 200 && !valid ? 401 : status;
        const isShort = wanted === 200 && answer.status === 403 && name !== 'full key';
        const fine = answer.status === wanted || isShort || (extra.startsWith(':') && answer.status === 400);
        if (!fine) faults.push(`${where} instead of ${wanted}`);
      }
    }
  }
  return { faults, cells };
}

/** workerd answers some Hosts that no URL can hold with a bare 500 of its own, before the Worker is reached. */
export function refusedByRuntime({ status, text }: { readonly status: number; readonly text: string }): boolean {
  return status === 500 && text.endsWith('\r\n\r\nInternal Server Error') && !/x-request-id/i.test(text);
}
