import { ok } from '../../../shared/core/result.ts';
import { branding } from '../../../shared/contracts/branding.ts';
import { tenantRoute } from '../../http/define-route.ts';
import { json } from '../../http/reply.ts';

export const retrieveBranding = tenantRoute(
  {
    method: 'GET',
    path: '/v1/branding',
    operation: 'retrieveBranding',
    summary: 'How the chat looks, and on which sites it may stand.',
    tag: 'Branding',
    surface: 'native',
    permission: 'branding:read',
    answer: { status: 200, schema: branding },
  },
  async (call) => {
    const found = await call.tenant.branding.get();
    return found.ok ? ok(json(found.value)) : found;
  },
);
