import { ok } from '../../../shared/core/result.ts';
import { auditEntry, auditQuery } from '../../../shared/contracts/audit.ts';
import { listOf } from '../../../shared/contracts/common.ts';
import { door } from '../../edge/doors.ts';
import { operatorRoute } from '../../http/define-route.ts';
import { json } from '../../http/reply.ts';

export const listOperatorAudit = operatorRoute(
  {
    method: 'GET',
    path: '/operator/v1/audit',
    operation: 'listOperatorAudit',
    summary: 'List what the operator did, newest first.',
    tag: 'Operator',
    surface: 'native',
    query: auditQuery,
    answer: { status: 200, schema: listOf(auditEntry) },
  },
  async (context, { query }) => {
    const entries = await door(context.objects.operator()).audit.list(query);
    return entries.ok ? ok(json(entries.value)) : entries;
  },
);
