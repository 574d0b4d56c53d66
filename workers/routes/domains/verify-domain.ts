import { ok } from '../../../shared/core/result.ts';
import { domain } from '../../../shared/contracts/domains.ts';
import { tenantRoute } from '../../http/define-route.ts';
import { json } from '../../http/reply.ts';
import { domainParams } from '../params.ts';

export const verifyDomain = tenantRoute(
  {
    method: 'POST',
    path: '/v1/domains/{domain}/verify',
    operation: 'verifyDomain',
    summary: 'Check the ownership of a custom hostname now.',
    tag: 'Domains',
    surface: 'native',
    permission: 'domains:write',
    params: domainParams,
    answer: { status: 200, schema: domain },
  },
  async (call, { params }) => {
    const checked = await call.tenant.domains.verify(params.domain, call.traceparent);
    return checked.ok ? ok(json(checked.value)) : checked;
  },
);
