/** The first page of a host: at a tenant's, its chat; at the apex, what this platform is and where to go. */
import { ok } from '../../../shared/core/result.ts';
import chatHtml from '../../frontends/chat.html';
import welcomeHtml from '../../frontends/welcome.html';
import { publicRoute } from '../../http/define-route.ts';
import { page } from '../../http/page.ts';

export const homePage = publicRoute(
  {
    host: 'any',
    method: 'GET',
    path: '/',
    operation: 'homePage',
    summary: "A tenant's chat page; at the apex, a page about the platform.",
    tag: 'Pages',
    surface: 'native',
    answer: { status: 200, media: 'text/html' },
  },
  ({ host }) => ok(page(host.kind === 'apex' ? welcomeHtml : chatHtml)),
);
