import { ok } from '../../../shared/core/result.ts';
import { createDomain as createDomainBody, domain } from '../../../shared/contracts/domains.ts';
import { tenantRoute } from '../../http/define-route.ts';
import { json } from '../../http/reply.ts';

export const createDomain = tenantRoute(
  {
    method: 'POST',
    path: '/v1/domains',
    operation: 'createDomain',
    summary: 'Claim a custom hostname. It leads here once its ownership is proven.',
    tag: 'Domains',
    surface: 'native',
    permission: 'domains:write',
    idempotent: true,
    body: createDomainBody,
    answer: { status: 201, schema: domain },
  },
  async (call, { body }) => {
    const hostname = call.parseCustomHostname(body.hostname);
    if (!hostname.ok) return hostname;
    const created = await call.tenant.domains.create(call.mint('domain'), hostname.value, call.actor);
    return created.ok ? ok(json(created.value, 201)) : created;
  },
);
