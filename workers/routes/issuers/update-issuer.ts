import { ok } from '../../../shared/core/result.ts';
import { issuer, updateIssuer as updateIssuerBody } from '../../../shared/contracts/issuers.ts';
import { tenantRoute } from '../../http/define-route.ts';
import { json } from '../../http/reply.ts';
import { issuerParams } from '../params.ts';

export const updateIssuer = tenantRoute(
  {
    method: 'PATCH',
    path: '/v1/issuers/{issuer}',
    operation: 'updateIssuer',
    summary: 'Give an issuer a client by which people sign in to the console, another one, or none. Its members stay.',
    tag: 'Issuers',
    surface: 'native',
    permission: 'issuers:write',
    params: issuerParams,
    body: updateIssuerBody,
    answer: { status: 200, schema: issuer },
  },
  async (call, { params, body }) => {
    const found = await call.tenant.people.findIssuer(params.issuer);
    if (!found.ok) return found;
    const endpoints = await call.checkIssuer({ ...found.value, ...body });
    if (!endpoints.ok) return endpoints;
    const client = { ...body, ...endpoints.value };
    const updated = await call.tenant.people.updateIssuer(call.principal, params.issuer, client);
    return updated.ok ? ok(json(updated.value)) : updated;
  },
);
