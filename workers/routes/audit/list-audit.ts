import { ok } from '../../../shared/core/result.ts';
import { auditEntry, auditQuery } from '../../../shared/contracts/audit.ts';
import { listOf } from '../../../shared/contracts/common.ts';
import { tenantRoute } from '../../http/define-route.ts';
import { json } from '../../http/reply.ts';

export const listAudit = tenantRoute(
  {
    method: 'GET',
    path: '/v1/audit',
    operation: 'listAudit',
    summary: 'List the audit trail, newest first.',
    tag: 'Audit',
    surface: 'native',
    permission: 'audit:read',
    query: auditQuery,
    answer: { status: 200, schema: listOf(auditEntry) },
  },
  async (call, { query }) => {
    const entries = await call.tenant.audit.list(query);
    return entries.ok ? ok(json(entries.value)) : entries;
  },
);
