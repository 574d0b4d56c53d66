import { ExpositionType, formatMetrics, type MetricFamily } from '../../../shared/telemetry/exposition.ts';
import { raw, type Reply } from '../../http/reply.ts';

export function metricsReply(families: readonly MetricFamily[]): Reply {
  const headers = { 'content-type': ExpositionType, 'cache-control': 'no-store' };
  return raw(new Response(formatMetrics(families), { headers }));
}
