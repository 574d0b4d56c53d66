import { tenantRoute } from '../../http/define-route.ts';
import { AuditMedia, exportTrail } from './read-trail.ts';

export const exportAudit = tenantRoute(
  {
    method: 'GET',
    path: '/v1/audit/export',
    operation: 'exportAudit',
    summary: 'Export the audit trail as JSON lines; the last line is the head of its chain.',
    tag: 'Audit',
    surface: 'native',
    permission: 'audit:read',
    answer: { status: 200, media: AuditMedia },
  },
  (call) => exportTrail(call.tenant.audit),
);
