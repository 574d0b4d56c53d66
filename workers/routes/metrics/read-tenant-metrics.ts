import { ok } from '../../../shared/core/result.ts';
import { MaxAlerts } from '../../../shared/contracts/alerts.ts';
import { tenantMetrics } from '../../../shared/telemetry/tenant-metrics.ts';
import { tallyMetrics } from '../../../shared/telemetry/tally-metrics.ts';
import { tenantRoute } from '../../http/define-route.ts';
import { metricsReply } from './metrics-reply.ts';

export const readTenantMetrics = tenantRoute(
  {
    method: 'GET',
    path: '/metrics',
    operation: 'readTenantMetrics',
    summary: "Read the tenant's counters and histograms in Prometheus' text format.",
    tag: 'Telemetry',
    surface: 'native',
    permission: 'telemetry:read',
    answer: { status: 200, media: 'text/plain' },
  },
  async (call) => {
    const [counters, alerts] = await Promise.all([
      call.tenant.telemetry.counters(),
      call.tenant.alerts.list(MaxAlerts, undefined),
    ]);
    if (!counters.ok) return counters;
    if (!alerts.ok) return alerts;
    const { series, activeSessions } = counters.value;
    return ok(
      metricsReply([
        ...tallyMetrics(series.map(({ kind, agent, model, tally }) => ({ kind, labels: { agent, model }, tally }))),
        ...tenantMetrics(activeSessions, alerts.value.data),
      ]),
    );
  },
);
