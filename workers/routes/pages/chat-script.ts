/** The chat element: one script for any page that the tenant's host, or a site it has named, shows it on. */
import { ok } from '../../../shared/core/result.ts';
import { readBuiltFile } from '../../http/built-file.ts';
import { publicRoute } from '../../http/define-route.ts';
import { raw } from '../../http/reply.ts';

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
    answer: { status: 200, media: 'text/javascript' },
  },
  async ({ platform }) => {
    const file = await readBuiltFile(platform, 'chat/freehold-chat.js');
    return file.ok ? ok(raw(file.value)) : file;
  },
);
