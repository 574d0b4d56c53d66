import { ok } from '../../../shared/core/result.ts';
import { createIssuer as createIssuerBody, issuer } from '../../../shared/contracts/issuers.ts';
import { tenantRoute } from '../../http/define-route.ts';
import { json } from '../../http/reply.ts';

export const createIssuer = tenantRoute(
  {
    method: 'POST',
    path: '/v1/issuers',
    operation: 'createIssuer',
    summary: 'Register an issuer whose tokens this tenant accepts.',
    tag: 'Issuers',
    surface: 'native',
    permission: 'issuers:write',
    idempotent: true,
    body: createIssuerBody,
    answer: { status: 201, schema: issuer },
  },
  async (call, { body }) => {
    const endpoints = await call.checkIssuer(body);
    if (!endpoints.ok) return endpoints;
    const wanted = { ...body, ...endpoints.value, id: call.mint('issuer') };
    const created = await call.tenant.people.createIssuer(call.principal, wanted);
    return created.ok ? ok(json(created.value, 201)) : created;
  },
);
