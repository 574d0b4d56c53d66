/** The chat element: one script for any page that the tenant's host, or a site it has named, shows it on. */
import { sendBuiltFile } from '../../http/built-file.ts';
import { publicRoute } from '../../http/define-route.ts';

export const ChatScriptPath = '/chat/freehold-chat.js';

export const chatScript = publicRoute(
  {
    host: 'tenant',
    method: 'GET',
    path: ChatScriptPath,
    operation: 'chatScript',
    summary: 'The script of the chat element.',
    tag: 'Pages',
    surface: 'native',
    answer: { status: 200, media: 'text/javascript', revalidates: true },
  },
  (context) => sendBuiltFile(context, 'chat/freehold-chat.js'),
);
