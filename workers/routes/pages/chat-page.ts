/** The tenant's own chat page: the same file for every tenant; who answers is the session's to say. */
import { ok } from '../../../shared/core/result.ts';
import chatHtml from '../../frontends/chat.html';
import { publicRoute } from '../../http/define-route.ts';
import { page } from '../../http/page.ts';

export const chatPage = publicRoute(
  {
    host: 'tenant',
    method: 'GET',
    path: '/',
    operation: 'chatPage',
    summary: "The tenant's chat page.",
    tag: 'Pages',
    surface: 'native',
    answer: { status: 200, media: 'text/html' },
  },
  () => ok(page(chatHtml)),
);
