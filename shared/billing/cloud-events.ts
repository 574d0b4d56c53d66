/**
 * An entry of the ledger as a CloudEvent 1.0. `source` and `id` together name it for good, so who receives it twice can
 * tell; the subject is the tenant. OpenMeter takes the batch as it is: a meter a type, its value at `$.quantity`.
 */
import type { BillingEntry } from '../contracts/billing.ts';
import type { UsageEvent } from '../contracts/usage.ts';

export const EventTypePrefix = 'freehold.usage.';

export function toCloudEvent(tenant: string, entry: BillingEntry): UsageEvent {
  const { object: _, id, occurred_at: time, ...data } = entry;
  return {
    specversion: '1.0',
    id,
    source: `freehold/${tenant}`,
    type: EventTypePrefix + entry.sku,
    subject: tenant,
    time,
    datacontenttype: 'application/json',
    data,
  };
}
