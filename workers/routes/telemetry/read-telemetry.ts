import { ok } from '../../../shared/core/result.ts';
import { telemetry, telemetryQuery } from '../../../shared/contracts/telemetry.ts';
import { tenantRoute } from '../../http/define-route.ts';
import { json } from '../../http/reply.ts';

export const readTelemetry = tenantRoute(
  {
    method: 'GET',
    path: '/v1/telemetry',
    operation: 'readTelemetry',
    summary: 'Read live telemetry: requests, latencies, errors, tokens, cost and sessions, by agent or model.',
    tag: 'Telemetry',
    surface: 'native',
    permission: 'telemetry:read',
    query: telemetryQuery,
    answer: { status: 200, schema: telemetry },
  },
  async (call, { query }) => {
    const read = await call.tenant.telemetry.read(query);
    return read.ok ? ok(json(read.value)) : read;
  },
);
