/** The script of the chat page, as one file. */
import { ok } from '../../../shared/core/result.ts';
import chatClient from '../../frontends/chat.client.js';
import { publicRoute } from '../../http/define-route.ts';
import { asset } from '../../http/page.ts';

export const chatScript = publicRoute(
  {
    host: 'tenant',
    method: 'GET',
    path: '/chat.js',
    operation: 'chatScript',
    summary: 'The script of the chat page.',
    tag: 'Pages',
    surface: 'native',
    answer: { status: 200, media: 'text/javascript' },
  },
  () => ok(asset(chatClient, 'text/javascript; charset=utf-8')),
);
