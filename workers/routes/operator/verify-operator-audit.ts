import { ok } from '../../../shared/core/result.ts';
import { auditVerification } from '../../../shared/contracts/audit.ts';
import { OperatorTrail } from '../../../shared/store/audit-chain.ts';
import { door } from '../../edge/doors.ts';
import { operatorRoute } from '../../http/define-route.ts';
import { json } from '../../http/reply.ts';
import { verifyTrail } from '../audit/read-trail.ts';

export const verifyOperatorAudit = operatorRoute(
  {
    method: 'GET',
    path: '/operator/v1/audit/verify',
    operation: 'verifyOperatorAudit',
    summary: "Recompute the hash chain of the operator's audit trail.",
    tag: 'Operator',
    surface: 'native',
    answer: { status: 200, schema: auditVerification },
  },
  async (context) => {
    const verified = await verifyTrail(OperatorTrail, door(context.objects.operator()).audit);
    return verified.ok ? ok(json(verified.value)) : verified;
  },
);
