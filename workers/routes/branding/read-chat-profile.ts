/** What the chat needs before anybody has signed in: who answers, and how it looks. */
import { ok } from '../../../shared/core/result.ts';
import { chatProfile } from '../../../shared/contracts/branding.ts';
import { requireTenant } from '../../edge/require-tenant.ts';
import { publicRoute } from '../../http/define-route.ts';
import { json } from '../../http/reply.ts';
import { readChatLooks } from './chat-looks.ts';

export const readChatProfile = publicRoute(
  {
    host: 'tenant',
    method: 'GET',
    path: '/v1/chat/profile',
    operation: 'readChatProfile',
    summary: "Who answers in the tenant's chat, and how it looks.",
    tag: 'Branding',
    surface: 'native',
    answer: { status: 200, schema: chatProfile },
  },
  async (context) => {
    const tenant = await requireTenant(context);
    if (!tenant.ok) return tenant;
    const looks = await readChatLooks(context, tenant.value);
    return looks.ok ? ok(json(looks.value.profile)) : looks;
  },
);
