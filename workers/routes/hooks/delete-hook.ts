import { ok } from '../../../shared/core/result.ts';
import { deletedHook } from '../../../shared/contracts/hooks.ts';
import { tenantRoute } from '../../http/define-route.ts';
import { json } from '../../http/reply.ts';
import { hookParams } from '../params.ts';

export const deleteHook = tenantRoute(
  {
    method: 'DELETE',
    path: '/v1/hooks/{hook}',
    operation: 'deleteHook',
    summary: 'Remove an inbound hook, its secret, and the deliveries that wait.',
    tag: 'Hooks',
    surface: 'native',
    permission: 'hooks:write',
    params: hookParams,
    answer: { status: 200, schema: deletedHook },
  },
  async (call, { params }) => {
    const removed = await call.tenant.hooks.delete(params.hook, call.principal);
    return removed.ok ? ok(json({ object: 'hook.deleted', id: params.hook, deleted: true })) : removed;
  },
);
