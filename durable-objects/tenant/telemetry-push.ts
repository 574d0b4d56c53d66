/** Tells the operator what a tenant has counted: a minute after something was counted, the steps that it may have changed. */
import { FailureError } from '../../shared/core/failure.ts';
import type { TelemetryArchive } from '../../shared/store/telemetry-archive.ts';
import { addUp } from '../../shared/telemetry/describe-telemetry.ts';
import { days, ever, hours, stepOf } from '../../shared/telemetry/tiers.ts';
import type { Duty } from '../runtime/alarm-scheduler.ts';
import type { TelemetryStore } from './telemetry-store.ts';

const DelayMs = 60_000;
/** Receipts that come later than this are told with the next change. */
const SlackMs = 60 * 60_000;
const told = [hours, days, ever];

export function telemetryPush(tenant: string, store: TelemetryStore, archive: TelemetryArchive): Duty {
  return {
    name: 'telemetry.push',
    dueAt: () => {
      const changedAt = store.changedAt();
      return changedAt === undefined ? undefined : changedAt + DelayMs;
    },
    async run(now) {
      const changedAt = store.changedAt() ?? now;
      store.markTold();
      const rows = told.flatMap((tier) => {
        const since = Math.max(0, stepOf(tier, changedAt - SlackMs));
        const series = store.since(tier.name, since, { kind: null, agent: null });
        return [...addUp(series, ({ at, kind }) => `${at} ${kind}`)].map(([key, tally]) => {
          const [at, kind] = key.split(' ') as [string, 'inference' | 'api'];
          return { tier: tier.name, at: Number(at), kind, tally };
        });
      });
      const horizons = [hours, days].map(({ name, keepMs }) => ({ tier: name, before: now - keepMs }));
      const put = await archive.put(tenant, rows, horizons);
      if (put.ok) return;
      store.markChanged(changedAt);
      throw new FailureError(put.failure);
    },
  };
}
