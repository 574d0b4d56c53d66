import { ok } from '../../../shared/core/result.ts';
import { secret } from '../../../shared/contracts/secrets.ts';
import { tenantRoute } from '../../http/define-route.ts';
import { json } from '../../http/reply.ts';
import { secretParams } from '../params.ts';

export const retrieveSecret = tenantRoute(
  {
    method: 'GET',
    path: '/v1/secrets/{secret}',
    operation: 'retrieveSecret',
    summary: 'Retrieve what is known of a secret: its versions and their times, not its value.',
    tag: 'Secrets',
    surface: 'native',
    permission: 'secrets:read',
    params: secretParams,
    answer: { status: 200, schema: secret },
  },
  async (call, { params }) => {
    const found = await call.tenant.vault.find(params.secret);
    return found.ok ? ok(json(found.value)) : found;
  },
);
