import { ok } from '../../../shared/core/result.ts';
import { createdTenant, createTenant as createTenantBody } from '../../../shared/contracts/tenants.ts';
import { operatorRoute } from '../../http/define-route.ts';
import { json } from '../../http/reply.ts';
import { provisionTenant } from './provision-tenant.ts';

export const createTenant = operatorRoute(
  {
    method: 'POST',
    path: '/operator/v1/tenants',
    operation: 'createTenant',
    summary: 'Create a tenant with its first admin key, whose secret is shown this once.',
    tag: 'Operator',
    surface: 'native',
    body: createTenantBody,
    answer: { status: 201, schema: createdTenant },
  },
  async (context, { body }) => {
    const created = await provisionTenant(context, body);
    return created.ok ? ok(json(created.value, 201)) : created;
  },
);
