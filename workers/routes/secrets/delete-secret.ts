import { ok } from '../../../shared/core/result.ts';
import { deletedSecret } from '../../../shared/contracts/secrets.ts';
import { tenantRoute } from '../../http/define-route.ts';
import { json } from '../../http/reply.ts';
import { secretParams } from '../params.ts';

export const deleteSecret = tenantRoute(
  {
    method: 'DELETE',
    path: '/v1/secrets/{secret}',
    operation: 'deleteSecret',
    summary: 'Destroy every version of a secret.',
    tag: 'Secrets',
    surface: 'native',
    permission: 'secrets:write',
    params: secretParams,
    answer: { status: 200, schema: deletedSecret },
  },
  async (call, { params }) => {
    const deleted = await call.tenant.vault.delete(params.secret, call.actor);
    return deleted.ok ? ok(json({ object: 'secret.deleted', name: deleted.value.name, deleted: true })) : deleted;
  },
);
