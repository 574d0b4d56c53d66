import { ok } from '../../../shared/core/result.ts';
import {
  operatorTelemetry,
  operatorTelemetryQuery,
  type OperatorTelemetry,
} from '../../../shared/contracts/telemetry.ts';
import { describeTelemetry } from '../../../shared/telemetry/describe-telemetry.ts';
import { operatorWindows, startOf } from '../../../shared/telemetry/tiers.ts';
import { operatorRoute } from '../../http/define-route.ts';
import { json } from '../../http/reply.ts';

export const readOperatorTelemetry = operatorRoute(
  {
    method: 'GET',
    path: '/operator/v1/telemetry',
    operation: 'readOperatorTelemetry',
    summary: 'Read telemetry over all tenants, or by tenant; a minute behind, in whole hours or days.',
    tag: 'Operator',
    surface: 'native',
    query: operatorTelemetryQuery,
    answer: { status: 200, schema: operatorTelemetry },
  },
  async ({ objects, clock }, { query }) => {
    const { window, kind, group_by: groupBy } = query;
    const span = operatorWindows[window];
    const now = clock.now();
    const archive = objects.telemetryArchive();
    const rows = await archive.since(span.tier.name, startOf(span, now), kind === 'all' ? null : kind);
    if (!rows.ok) return rows;
    const { groups, ...told } = describeTelemetry(span, rows.value, ({ tenant }) => tenant, now);
    const answer: OperatorTelemetry = {
      object: 'telemetry',
      window,
      kind,
      group_by: groupBy,
      ...told,
      groups: groupBy === 'none' ? [] : groups.map(([tenant, sums]) => ({ tenant, ...sums })),
    };
    return ok(json(answer));
  },
);
