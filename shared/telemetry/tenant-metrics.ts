/** What a tenant's own scraper is told beside its counters. Pure. */
import type { Alert } from '../contracts/alerts.ts';
import type { MetricFamily } from './exposition.ts';

export function tenantMetrics(
  activeSessions: number,
  alerts: readonly Pick<Alert, 'id' | 'name' | 'state'>[],
): MetricFamily[] {
  return [
    {
      name: 'freehold_active_sessions',
      help: 'Keys, users and visitors that asked within five minutes.',
      type: 'gauge',
      samples: [{ labels: {}, value: activeSessions }],
    },
    {
      name: 'freehold_alert_firing',
      help: 'Whether an alert of the tenant fires.',
      type: 'gauge',
      samples: alerts.map(({ id, name, state }) => ({
        labels: { alert: id, name },
        value: state === 'firing' ? 1 : 0,
      })),
    },
  ];
}
