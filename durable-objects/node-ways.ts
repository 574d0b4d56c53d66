/** What the objects of an isolate keep to reach models: one catalogue, one platform key, its seal. */
import { systemClock, type Clock } from '../shared/core/clock.ts';
import type { TenantId } from '../shared/core/ids.ts';
import { Catalog } from '../shared/inference/catalog.ts';
import { PlatformKey } from '../shared/inference/platform-key.ts';
import type { NodeWays } from '../shared/inference/run-on-node.ts';
import { TicketSeal } from '../shared/inference/ticket.ts';
import { Objects, type Platform } from './stubs.ts';

export const catalog = new Catalog(systemClock);
let key: Promise<PlatformKey> | undefined;

export function platformKeyOf({ PLATFORM_SIGNING_KEY: text }: Platform): Promise<PlatformKey> {
  return (key ??= PlatformKey.parse(text));
}

export function nodeWays(platform: Platform, tenantId: TenantId, clock: Clock): NodeWays {
  const objects = new Objects(platform);
  let seal: TicketSeal | undefined;
  return objects.nodeWays(tenantId, {
    clock,
    catalog: () => catalog.view(objects.catalogSource(), tenantId),
    route: (wanted) => catalog.route(objects.catalogSource(), tenantId, wanted),
    routeAnew: (wanted) => catalog.routeAnew(objects.catalogSource(), tenantId, wanted),
    platformKey: () => platformKeyOf(platform),
    ticketSeal: () => (seal ??= new TicketSeal(platform.PLATFORM_SIGNING_KEY)),
  });
}
