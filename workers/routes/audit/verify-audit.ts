import { ok } from '../../../shared/core/result.ts';
import { auditVerification } from '../../../shared/contracts/audit.ts';
import { AuditVerifier } from '../../../shared/store/audit-chain.ts';
import { tenantRoute } from '../../http/define-route.ts';
import { json } from '../../http/reply.ts';
import { readTrailPage } from './read-trail.ts';

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
    const verifier = new AuditVerifier(call.tenantId);
    for (let after = 0; ;) {
      const page = await readTrailPage(call, after);
      if (!page.ok) return page;
      verifier.push(page.value.entries);
      if (page.value.end) return ok(json(verifier.finish(page.value.end)));
      after = page.value.entries.at(-1)!.sequence;
    }
  },
);
