/** The style of the chat page. */
import { ok } from '../../../shared/core/result.ts';
import chatCss from '../../frontends/chat.css';
import { publicRoute } from '../../http/define-route.ts';
import { asset } from '../../http/page.ts';

export const chatStyle = publicRoute(
  {
    host: 'tenant',
    method: 'GET',
    path: '/chat.css',
    operation: 'chatStyle',
    summary: 'The style of the chat page.',
    tag: 'Pages',
    surface: 'native',
    answer: { status: 200, media: 'text/css' },
  },
  () => ok(asset(chatCss, 'text/css; charset=utf-8')),
);
