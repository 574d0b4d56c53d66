/**
 * What billing does by itself: prices what was metered, samples storage every hour, tells the operator the sums of days,
 * closes months and leaves a copy. Each is idempotent, so that doing it again after a crash changes nothing.
 */
import { toIso } from '../../shared/core/clock.ts';
import { FailureError } from '../../shared/core/failure.ts';
import type { Result } from '../../shared/core/result.ts';
import { systemActor } from '../../shared/contracts/audit.ts';
import type { Duty } from '../runtime/alarm-scheduler.ts';
import type { Billing } from './billing.ts';
import type { BillingDesk } from './billing-desk.ts';
import type { BillingSource } from './billing-source.ts';

const HourMs = 60 * 60 * 1000;
/** Readings are gathered for so long before they are priced. */
const RateDelayMs = 60_000;
/** Days in which something was entered so long before the last push are told again: a clock may have been set back. */
const PushSlackMs = 24 * HourMs;

export type BillingDutyDeps = {
  readonly tenant: string;
  readonly billing: Billing;
  readonly desk: BillingDesk;
  readonly source: BillingSource;
  /** Bytes of the databases of the object itself and of the tenant's other objects. */
  readonly databaseBytes: () => number;
};

export function billingDuties({ tenant, billing, desk, source, databaseBytes }: BillingDutyDeps): readonly Duty[] {
  const { entries, invoices } = billing;
  const spread = spreadOf(tenant);
  const after = (name: 'storage_hour' | 'usage_pushed_at', dueAt: (value: number) => number) => () => {
    const value = invoices.state(name);
    return value === undefined ? undefined : dueAt(Number(value));
  };
  return [
    {
      name: 'billing.storage',
      dueAt: after('storage_hour', (hour) => (hour + 1) * HourMs + spread),
      async run(now) {
        const hour = Math.floor(now / HourMs);
        const memories = must(await source.memoryBytes());
        const quantity = databaseBytes() + memories;
        const occurredAt = hour * HourMs;
        billing.meter([{ id: `storage:${toIso(occurredAt)}`, sku: 'storage_gb_hours', quantity, occurredAt }], now);
        invoices.setState('storage_hour', String(hour));
      },
    },
    {
      name: 'billing.rate',
      dueAt: () => {
        const oldest = entries.oldestUnrated();
        return oldest === undefined ? undefined : oldest + RateDelayMs;
      },
      run: async () => billing.rate(must(await source.book())),
    },
    {
      name: 'billing.close',
      dueAt: () => billing.closeDueAt(),
      run: async (now) => void must(await desk.close(billing.openMonth(now), systemActor)),
    },
    {
      name: 'billing.archive',
      dueAt: () => {
        const waiting = invoices.findUnarchived();
        return waiting && Date.parse(waiting.closed_at!);
      },
      async run() {
        const waiting = invoices.findUnarchived();
        if (!waiting) return;
        must(await source.archive.addInvoice(waiting));
        invoices.markArchived(waiting.month);
      },
    },
    {
      name: 'billing.push_usage',
      dueAt: after('usage_pushed_at', (at) => at + HourMs + spread),
      async run(now) {
        const since = Number(invoices.state('usage_pushed_at')) - PushSlackMs;
        must(await source.archive.setDailyUsage(tenant, entries.daily(since)));
        invoices.setState('usage_pushed_at', String(now));
      },
    },
  ];
}

/** So that not every tenant does it in the same second. */
function spreadOf(tenant: string): number {
  return [...tenant].reduce((sum, letter) => (sum * 31 + letter.charCodeAt(0)) % (HourMs / 2), 0);
}

/** A duty that throws comes back later. */
function must<T>(result: Result<T>): T {
  if (!result.ok) throw new FailureError(result.failure);
  return result.value;
}
