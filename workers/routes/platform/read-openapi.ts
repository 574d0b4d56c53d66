import { z } from 'zod';
import { ok } from '../../../shared/core/result.ts';
import { publicRoute } from '../../http/define-route.ts';
import { openApiDocument } from '../../http/openapi.ts';
import { json } from '../../http/reply.ts';
import { routes } from '../index.ts';

export const readOpenapi = publicRoute(
  {
    host: 'any',
    method: 'GET',
    path: '/openapi.json',
    operation: 'readOpenapi',
    summary: 'This API as an OpenAPI 3.1 document.',
    tag: 'Platform',
    surface: 'native',
    answer: { status: 200, schema: z.looseObject({ openapi: z.string() }) },
  },
  () => ok(json(openApiDocument(routes))),
);
