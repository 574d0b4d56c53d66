/** What lies below /console: the files of its build, and else the console itself, whose script knows its pages. */
import { z } from 'zod';
import { publicRoute } from '../../http/define-route.ts';
import { sendBuiltFile } from '../../http/built-file.ts';
import { showConsole } from './console-page.ts';

export const consolePath = publicRoute(
  {
    host: 'any',
    method: 'GET',
    path: '/console/{path}',
    greedy: true,
    operation: 'consolePath',
    summary: 'A file or a page of the console.',
    tag: 'Pages',
    surface: 'native',
    params: z.strictObject({ path: z.string() }),
    answer: { status: 200, media: 'text/html' },
  },
  async (context, { params }) => {
    if (!params.path.startsWith('assets/')) return showConsole(context);
    return sendBuiltFile(context, `console/${params.path}`);
  },
);
