import { z } from 'zod';
import type { TenantId } from '../../../shared/core/ids.ts';
import { ok } from '../../../shared/core/result.ts';
import { createdKey } from '../../../shared/contracts/keys.ts';
import { operatorRoute } from '../../http/define-route.ts';
import { json } from '../../http/reply.ts';
import { tenantParams } from '../params.ts';
import { issueAdminKey } from './provision-tenant.ts';

const newAdminKey = z.strictObject({ name: z.string().trim().min(1).max(100) });

export const createTenantKey = operatorRoute(
  {
    method: 'POST',
    path: '/operator/v1/tenants/{tenant}/keys',
    operation: 'createTenantKey',
    summary: 'Issue a new admin key for a tenant.',
    tag: 'Operator',
    surface: 'native',
    params: tenantParams,
    body: newAdminKey,
    answer: { status: 201, schema: createdKey },
  },
  async (context, { params, body }) => {
    const found = await context.objects.directory().find(params.tenant);
    if (!found.ok) return found;
    const key = await issueAdminKey(context, found.value.id as TenantId, body.name);
    return key.ok ? ok(json(key.value, 201)) : key;
  },
);
