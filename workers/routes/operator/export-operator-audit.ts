import { door } from '../../edge/doors.ts';
import { operatorRoute } from '../../http/define-route.ts';
import { AuditMedia, exportTrail } from '../audit/read-trail.ts';

export const exportOperatorAudit = operatorRoute(
  {
    method: 'GET',
    path: '/operator/v1/audit/export',
    operation: 'exportOperatorAudit',
    summary: "Export the operator's audit trail as JSON lines; the last line is the head of its chain.",
    tag: 'Operator',
    surface: 'native',
    answer: { status: 200, media: AuditMedia },
  },
  (context) => exportTrail(door(context.objects.operator()).audit),
);
