import { z } from 'zod';
import { ok } from '../../../shared/core/result.ts';
import { toCloudEvent } from '../../../shared/billing/cloud-events.ts';
import { toEntryFilter, usageEvent, usageEventsQuery } from '../../../shared/contracts/usage.ts';
import { tenantRoute } from '../../http/define-route.ts';
import { raw } from '../../http/reply.ts';

const Media = 'application/cloudevents-batch+json';

export const listUsageEvents = tenantRoute(
  {
    method: 'GET',
    path: '/v1/usage/events',
    operation: 'listUsageEvents',
    summary: 'List what was used as a batch of CloudEvents; the header x-next-cursor leads to the next batch.',
    tag: 'Usage',
    surface: 'native',
    permission: 'usage:read',
    query: usageEventsQuery,
    answer: { status: 200, schema: z.array(usageEvent), media: Media },
  },
  async (call, { query }) => {
    const entries = await call.tenant.billing.entries(toEntryFilter(query), query.cursor ?? '', query.limit);
    if (!entries.ok) return entries;
    const last = entries.value.length === query.limit ? entries.value.at(-1) : undefined;
    const events = entries.value.map((entry) => toCloudEvent(call.tenantId, entry));
    return ok(
      raw(
        new Response(JSON.stringify(events), {
          headers: {
            'content-type': Media,
            'cache-control': 'no-store',
            ...(last ? { 'x-next-cursor': last.id } : {}),
          },
        }),
      ),
    );
  },
);
