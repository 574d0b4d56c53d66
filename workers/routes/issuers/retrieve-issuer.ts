import { ok } from '../../../shared/core/result.ts';
import { issuer } from '../../../shared/contracts/issuers.ts';
import { tenantRoute } from '../../http/define-route.ts';
import { json } from '../../http/reply.ts';
import { issuerParams } from '../params.ts';

export const retrieveIssuer = tenantRoute(
  {
    method: 'GET',
    path: '/v1/issuers/{issuer}',
    operation: 'retrieveIssuer',
    summary: 'Retrieve an issuer.',
    tag: 'Issuers',
    surface: 'native',
    permission: 'issuers:read',
    params: issuerParams,
    answer: { status: 200, schema: issuer },
  },
  async (call, { params }) => {
    const found = await call.tenant.people.findIssuer(params.issuer);
    return found.ok ? ok(json(found.value)) : found;
  },
);
