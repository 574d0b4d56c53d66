/** The style of the pages to read: the API's and the apex's. */
import { ok } from '../../../shared/core/result.ts';
import docsCss from '../../frontends/docs.css';
import { publicRoute } from '../../http/define-route.ts';
import { asset } from '../../http/page.ts';

export const docsStyle = publicRoute(
  {
    host: 'any',
    method: 'GET',
    path: '/docs.css',
    operation: 'docsStyle',
    summary: 'The style of the pages to read.',
    tag: 'Pages',
    surface: 'native',
    answer: { status: 200, media: 'text/css' },
  },
  () => ok(asset(docsCss, 'text/css; charset=utf-8')),
);
