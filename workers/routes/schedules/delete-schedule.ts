import { z } from 'zod';
import { ok } from '../../../shared/core/result.ts';
import { tenantRoute } from '../../http/define-route.ts';
import { json } from '../../http/reply.ts';
import { agentScheduleParams } from '../params.ts';

const deletedSchedule = z.object({ object: z.literal('schedule.deleted'), id: z.string(), deleted: z.literal(true) });

export const deleteSchedule = tenantRoute(
  {
    method: 'DELETE',
    path: '/v1/agents/{agent}/schedules/{schedule}',
    operation: 'deleteSchedule',
    summary: 'Delete a schedule. The tasks that it made stay.',
    tag: 'Tasks',
    surface: 'native',
    permission: 'tasks:write',
    params: agentScheduleParams,
    answer: { status: 200, schema: deletedSchedule },
  },
  async (call, { params: { schedule: id } }) => {
    const agentId = call.agent!.id;
    const deleted = await call.agentObject(agentId).schedules.delete(agentId, id);
    return deleted.ok ? ok(json({ object: 'schedule.deleted', id, deleted: true })) : deleted;
  },
);
