import { ok } from '../../../shared/core/result.ts';
import { ever } from '../../../shared/telemetry/tiers.ts';
import { poolMetrics } from '../../../shared/telemetry/pool-metrics.ts';
import { tallyMetrics } from '../../../shared/telemetry/tally-metrics.ts';
import { door } from '../../edge/doors.ts';
import { operatorRoute } from '../../http/define-route.ts';
import { metricsReply } from './metrics-reply.ts';

export const readPlatformMetrics = operatorRoute(
  {
    method: 'GET',
    path: '/metrics',
    operation: 'readPlatformMetrics',
    summary:
      "Read the platform's counters in Prometheus' text format: tenants a minute behind, bridges and nodes live.",
    tag: 'Operator',
    surface: 'native',
    answer: { status: 200, media: 'text/plain' },
  },
  async ({ objects }) => {
    const pool = door(objects.nodePool());
    const [tallies, bridges, nodes] = await Promise.all([
      objects.telemetryArchive().since(ever.name, 0, null),
      pool.list(),
      pool.listNodes(),
    ]);
    if (!tallies.ok) return tallies;
    if (!bridges.ok) return bridges;
    if (!nodes.ok) return nodes;
    const series = tallies.value.map(({ kind, slug, tally }) => ({ kind, labels: { tenant: slug }, tally }));
    return ok(metricsReply([...tallyMetrics(series), ...poolMetrics(bridges.value, nodes.value)]));
  },
);
