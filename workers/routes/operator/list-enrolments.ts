import { ok } from '../../../shared/core/result.ts';
import { enrolment } from '../../../shared/contracts/bridges.ts';
import { listOf } from '../../../shared/contracts/common.ts';
import { door } from '../../edge/doors.ts';
import { operatorRoute } from '../../http/define-route.ts';
import { json } from '../../http/reply.ts';

export const listEnrolments = operatorRoute(
  {
    method: 'GET',
    path: '/operator/v1/bridges/enrolments',
    operation: 'listEnrolments',
    summary: 'List the last hundred enrolments: whether each was used, and why its token was refused.',
    tag: 'Operator',
    surface: 'native',
    answer: { status: 200, schema: listOf(enrolment) },
  },
  async (context) => {
    const listed = await door(context.objects.nodePool()).listEnrolments();
    return listed.ok ? ok(json({ object: 'list', data: listed.value, has_more: false, next_cursor: null })) : listed;
  },
);
