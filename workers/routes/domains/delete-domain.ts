import { ok } from '../../../shared/core/result.ts';
import { deletedDomain } from '../../../shared/contracts/domains.ts';
import { tenantRoute } from '../../http/define-route.ts';
import { json } from '../../http/reply.ts';
import { domainParams } from '../params.ts';

export const deleteDomain = tenantRoute(
  {
    method: 'DELETE',
    path: '/v1/domains/{domain}',
    operation: 'deleteDomain',
    summary: 'Remove a custom hostname. It leads nowhere within a second.',
    tag: 'Domains',
    surface: 'native',
    permission: 'domains:write',
    params: domainParams,
    answer: { status: 200, schema: deletedDomain },
  },
  async (call, { params }) => {
    const deleted = await call.tenant.domains.delete(params.domain, call.actor);
    return deleted.ok ? ok(json({ object: 'domain.deleted', id: params.domain, deleted: true })) : deleted;
  },
);
