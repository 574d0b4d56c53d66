/** The first page of a host: at a tenant's, its chat; at the apex, what this platform is and where to go. */
import { ok } from '../../../shared/core/result.ts';
import { requireTenant } from '../../edge/require-tenant.ts';
import welcomeHtml from '../../frontends/welcome.html';
import { chatPage } from '../../http/chat-page.ts';
import { publicRoute } from '../../http/define-route.ts';
import { page } from '../../http/page.ts';
import { readChatLooks } from '../branding/chat-looks.ts';
import { ChatScriptPath } from './chat-script.ts';

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
  async (context) => {
    if (context.host.kind === 'apex') return ok(page(welcomeHtml));
    const tenant = await requireTenant(context);
    if (!tenant.ok) return tenant;
    const looks = await readChatLooks(context, tenant.value);
    const language = context.request.headers.get('accept-language') ?? '';
    if (looks.ok) return ok(chatPage(ChatScriptPath, looks.value.profile, looks.value.allowedOrigins, language));
    return ok(chatPage(ChatScriptPath, undefined, [], language));
  },
);
