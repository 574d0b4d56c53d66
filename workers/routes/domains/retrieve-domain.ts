import { ok } from '../../../shared/core/result.ts';
import { domain } from '../../../shared/contracts/domains.ts';
import { tenantRoute } from '../../http/define-route.ts';
import { json } from '../../http/reply.ts';
import { domainParams } from '../params.ts';

export const retrieveDomain = tenantRoute(
  {
    method: 'GET',
    path: '/v1/domains/{domain}',
    operation: 'retrieveDomain',
    summary: 'Retrieve a custom hostname, with what proves its ownership.',
    tag: 'Domains',
    surface: 'native',
    permission: 'domains:read',
    params: domainParams,
    answer: { status: 200, schema: domain },
  },
  async (call, { params }) => {
    const found = await call.tenant.domains.find(params.domain);
    return found.ok ? ok(json(found.value)) : found;
  },
);
