/** A custom hostname's ways out: its DNS and its server, who brings its traffic, the directory that routes it. */
import type { Clock } from '../../shared/core/clock.ts';
import type { TenantId } from '../../shared/core/ids.ts';
import { Egress } from '../../shared/egress/egress.ts';
import { CloudflareHostnames } from '../../shared/hostnames/cloudflare-hostnames.ts';
import { findChallenge } from '../../shared/hostnames/find-challenge.ts';
import { selfHosted } from '../../shared/hostnames/hostname-provider.ts';
import { Objects, type Platform } from '../stubs.ts';
import type { DomainWays } from './domain-desk.ts';

const DefaultResolver = 'https://cloudflare-dns.com/dns-query';
const ask: typeof fetch = (input, init) => fetch(input, init);

export function domainWays(
  platform: Platform,
  tenant: TenantId,
  { clock, arm }: { readonly clock: () => Clock; readonly arm: () => Promise<void> },
): DomainWays {
  const { CLOUDFLARE_ZONE_ID: zone, CLOUDFLARE_API_TOKEN: token } = platform;
  const directory = new Objects(platform).directory();
  const ways = { fetch: ask, egress: Egress.of(platform), dnsUrl: platform.DNS_OVER_HTTPS_URL ?? DefaultResolver };
  return {
    findChallenge: (hostname, wanted) => findChallenge(ways, hostname, wanted),
    provider: zone && token ? new CloudflareHostnames({ zone, token, fetch: ask }) : selfHosted,
    addRoute: (hostname) => directory.addHostname(hostname, tenant, clock().now()),
    removeRoute: (hostname) => directory.removeHostname(hostname, tenant),
    arm,
  };
}
