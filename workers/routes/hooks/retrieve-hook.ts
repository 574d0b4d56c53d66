import { ok } from '../../../shared/core/result.ts';
import { hook } from '../../../shared/contracts/hooks.ts';
import { tenantRoute } from '../../http/define-route.ts';
import { json } from '../../http/reply.ts';
import { hookParams } from '../params.ts';

export const retrieveHook = tenantRoute(
  {
    method: 'GET',
    path: '/v1/hooks/{hook}',
    operation: 'retrieveHook',
    summary: 'Retrieve an inbound hook. Its secret is never shown.',
    tag: 'Hooks',
    surface: 'native',
    permission: 'hooks:read',
    params: hookParams,
    answer: { status: 200, schema: hook },
  },
  async (call, { params }) => {
    const found = await call.tenant.hooks.find(params.hook);
    return found.ok ? ok(json(found.value)) : found;
  },
);
