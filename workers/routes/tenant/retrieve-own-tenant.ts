import { toIso } from '../../../shared/core/clock.ts';
import { err, ok } from '../../../shared/core/result.ts';
import { ownTenant } from '../../../shared/contracts/tenants.ts';
import { tenantRoute } from '../../http/define-route.ts';
import { json } from '../../http/reply.ts';

export const retrieveOwnTenant = tenantRoute(
  {
    method: 'GET',
    path: '/v1/tenant',
    operation: 'retrieveOwnTenant',
    summary: 'Retrieve this tenant: its name, its plan, and the features and limits in force.',
    tag: 'Tenant',
    surface: 'native',
    permission: 'tenant:read',
    reach: 'own',
    answer: { status: 200, schema: ownTenant },
  },
  async (call) => {
    const found = await call.tenant.tenancy.describe();
    if (!found.ok) return found;
    const { status, profile, runsStopped } = found.value;
    if (!profile) return err('not_found', 'The operator has not described this tenant yet.');
    const { createdAt, ...stated } = profile;
    const url = call.tenantUrl(profile.slug);
    const created_at = toIso(createdAt);
    return ok(
      json({ object: 'tenant', id: call.tenantId, ...stated, status, url, runs_stopped: runsStopped, created_at }),
    );
  },
);
