import { ok } from '../../../shared/core/result.ts';
import { auditVerification } from '../../../shared/contracts/audit.ts';
import { tenantRoute } from '../../http/define-route.ts';
import { json } from '../../http/reply.ts';
import { verifyTrail } from './read-trail.ts';

export const verifyAudit = tenantRoute(
  {
    method: 'GET',
    path: '/v1/audit/verify',
    operation: 'verifyAudit',
    summary: 'Recompute the hash chain of the audit trail.',
    tag: 'Audit',
    surface: 'native',
    permission: 'audit:read',
    answer: { status: 200, schema: auditVerification },
  },
  async (call) => {
    const verified = await verifyTrail(call.tenantId, call.tenant.audit);
    return verified.ok ? ok(json(verified.value)) : verified;
  },
);
