/** The apex's first page: what this is, and where its API is written down. */
import { ok } from '../../../shared/core/result.ts';
import welcomeHtml from '../../frontends/welcome.html';
import { publicRoute } from '../../http/define-route.ts';
import { page } from '../../http/page.ts';

export const welcomePage = publicRoute(
  {
    host: 'apex',
    method: 'GET',
    path: '/',
    operation: 'welcomePage',
    summary: 'What this platform is, and where to go.',
    tag: 'Pages',
    surface: 'native',
    answer: { status: 200, media: 'text/html' },
  },
  () => ok(page(welcomeHtml)),
);
