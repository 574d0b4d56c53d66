import { ok } from '../../../shared/core/result.ts';
import { branding, updateBranding as updateBrandingBody } from '../../../shared/contracts/branding.ts';
import { tenantRoute } from '../../http/define-route.ts';
import { json } from '../../http/reply.ts';

export const updateBranding = tenantRoute(
  {
    method: 'PATCH',
    path: '/v1/branding',
    operation: 'updateBranding',
    summary: 'Change how the chat looks, or on which sites it may stand. What is left out stays.',
    tag: 'Branding',
    surface: 'native',
    permission: 'branding:write',
    body: updateBrandingBody,
    answer: { status: 200, schema: branding },
  },
  async (call, { body }) => {
    const updated = await call.tenant.branding.update(body, call.actor);
    return updated.ok ? ok(json(updated.value)) : updated;
  },
);
