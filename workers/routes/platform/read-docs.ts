import { ok } from '../../../shared/core/result.ts';
import { publicRoute } from '../../http/define-route.ts';
import { docsPage } from '../../http/docs-page.ts';
import { openApiDocument } from '../../http/openapi.ts';
import { page } from '../../http/page.ts';
import { routes } from '../index.ts';

export const readDocs = publicRoute(
  {
    host: 'any',
    method: 'GET',
    path: '/docs',
    operation: 'readDocs',
    summary: 'This API as a page to read.',
    tag: 'Platform',
    surface: 'native',
    answer: { status: 200, media: 'text/html' },
  },
  () => ok(page(docsPage(openApiDocument(routes)))),
);
