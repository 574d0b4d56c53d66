/** The catalogue: every type of event with the JSON Schema of its data, out of the contracts themselves. */
import { z } from 'zod';
import { ok } from '../../../shared/core/result.ts';
import { listOf } from '../../../shared/contracts/common.ts';
import { eventCatalogue, eventTypeEntry, eventTypes, familyOf, topicsOf } from '../../../shared/contracts/events.ts';
import { tenantRoute } from '../../http/define-route.ts';
import { json } from '../../http/reply.ts';

const catalogue = () => ({
  object: 'list',
  data: eventTypes.map((type) => ({
    object: 'event.type',
    type,
    family: familyOf(type),
    topics: topicsOf(type),
    schema: z.toJSONSchema(eventCatalogue[type], { target: 'draft-2020-12' }),
  })),
  has_more: false,
  next_cursor: null,
});

export const listEventTypes = tenantRoute(
  {
    method: 'GET',
    path: '/v1/events/types',
    operation: 'listEventTypes',
    summary: 'List the types of events, each with the JSON Schema of its data.',
    tag: 'Events',
    surface: 'native',
    permission: 'events:read',
    answer: { status: 200, schema: listOf(eventTypeEntry) },
  },
  () => Promise.resolve(ok(json(catalogue()))),
);
