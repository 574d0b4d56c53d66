/** The console: one page for all of its addresses; which of them is open, its script knows. */
import { signInOptions } from '../../edge/issuers/sign-in-options.ts';
import type { RequestContext } from '../../edge/request-context.ts';
import { ok, type Result } from '../../../shared/core/result.ts';
import { publicRoute } from '../../http/define-route.ts';
import { readBuiltFile } from '../../http/built-file.ts';
import { pageWithNonce } from '../../http/page.ts';
import type { Reply } from '../../http/reply.ts';

export const consolePage = publicRoute(
  {
    host: 'any',
    method: 'GET',
    path: '/console',
    operation: 'consolePage',
    summary: "The tenant's console; at the apex, the operator's.",
    tag: 'Pages',
    surface: 'native',
    answer: { status: 200, media: 'text/html' },
  },
  showConsole,
);

export async function showConsole(context: RequestContext): Promise<Result<Reply>> {
  const isApex = context.host.kind === 'apex';
  const [file, options] = await Promise.all([
    readBuiltFile(context.platform, 'console/index.html'),
    isApex ? ok([]) : signInOptions(context),
  ]);
  if (!file.ok) return file;
  const html = (await file.value.text()).replace('{{audience}}', isApex ? 'operator' : 'tenant');
  // Where nobody can say which there are, the page is there all the same, for keys.
  const asks = options.ok ? options.value.map(({ token_endpoint }) => token_endpoint) : [];
  return ok(pageWithNonce(html, asks));
}
