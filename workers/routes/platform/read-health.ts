import { z } from 'zod';
import { ok } from '../../../shared/core/result.ts';
import { publicRoute } from '../../http/define-route.ts';
import { json } from '../../http/reply.ts';

export const readHealth = publicRoute(
  {
    host: 'any',
    method: 'GET',
    path: '/healthz',
    operation: 'readHealth',
    summary: 'Whether the edge answers.',
    tag: 'Platform',
    surface: 'native',
    answer: { status: 200, schema: z.object({ status: z.literal('ok') }) },
  },
  () => ok(json({ status: 'ok' })),
);
