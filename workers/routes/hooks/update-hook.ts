import { ok } from '../../../shared/core/result.ts';
import { hook, updateHook as updateHookBody } from '../../../shared/contracts/hooks.ts';
import { tenantRoute } from '../../http/define-route.ts';
import { json } from '../../http/reply.ts';
import { hookParams } from '../params.ts';

export const updateHook = tenantRoute(
  {
    method: 'PATCH',
    path: '/v1/hooks/{hook}',
    operation: 'updateHook',
    summary: 'Change an inbound hook. From then on it acts for who changed it.',
    tag: 'Hooks',
    surface: 'native',
    permission: 'hooks:write',
    params: hookParams,
    body: updateHookBody,
    answer: { status: 200, schema: hook },
  },
  async (call, { params, body }) => {
    const updated = await call.tenant.hooks.update(params.hook, body, call.principal);
    return updated.ok ? ok(json(updated.value)) : updated;
  },
);
