import { ok } from '../../../shared/core/result.ts';
import { rotatedDataKey } from '../../../shared/contracts/secrets.ts';
import { tenantRoute } from '../../http/define-route.ts';
import { json } from '../../http/reply.ts';

export const rotateDataKey = tenantRoute(
  {
    method: 'POST',
    path: '/v1/secrets/rotate_key',
    operation: 'rotateDataKey',
    summary: 'Make a new data key and seal every version of every secret anew under it.',
    tag: 'Secrets',
    surface: 'native',
    permission: 'secrets:write',
    answer: { status: 200, schema: rotatedDataKey },
  },
  async (call) => {
    const rotated = await call.tenant.vault.rotateDataKey(call.actor);
    return rotated.ok ? ok(json(rotated.value)) : rotated;
  },
);
