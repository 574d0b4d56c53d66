/**
 * Counts the bytes of answers as they leave this isolate, and gives them out as one reading a minute and tenant, so that
 * no request makes a hop for it. What an isolate has counted and not yet told when it ends is not charged, nor is a
 * reading that did not arrive: whatever is lost is lost in the tenant's favour.
 */
import { systemClock, type Clock } from '../../shared/core/clock.ts';
import { isId, mintId, type TenantId } from '../../shared/core/ids.ts';
import type { MeterReading } from '../../shared/contracts/billing.ts';
import { door } from './doors.ts';
import type { RequestContext } from './request-context.ts';

const GatherMs = 60_000;
const MaxTenants = 10_000;

export class EgressMeter {
  readonly #clock: Clock;
  readonly #counts = new Map<TenantId, { bytes: number; since: number }>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** A reading to be told to the tenant's object, where enough time has passed since the last one. */
  count(tenant: TenantId, bytes: number): MeterReading | undefined {
    const now = this.#clock.now();
    if (this.#counts.size >= MaxTenants) this.#counts.clear();
    const counted = this.#counts.get(tenant) ?? { bytes: 0, since: now };
    this.#counts.set(tenant, counted);
    counted.bytes += bytes;
    const age = now - counted.since;
    if (age >= 0 && age < GatherMs) return undefined;
    this.#counts.delete(tenant);
    return { id: `egress:${mintId('request', now)}`, sku: 'egress_bytes', quantity: counted.bytes, occurredAt: now };
  }
}

const meter = new EgressMeter(systemClock);

/** Bytes that leave for whom the request is of. */
export function meterEgress(context: RequestContext, bytes: number): void {
  const tenant = context.event['tenant'];
  if (!isId('tenant', tenant)) return;
  const reading = meter.count(tenant, bytes);
  if (reading) context.waitUntil(door(context.objects.tenant(tenant)).billing.meter([reading]));
}
