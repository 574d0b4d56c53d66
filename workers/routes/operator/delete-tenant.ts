import { isId } from '../../../shared/core/ids.ts';
import { err, ok } from '../../../shared/core/result.ts';
import { tenantDeletion } from '../../../shared/contracts/deletions.ts';
import { door } from '../../edge/doors.ts';
import { operatorRoute } from '../../http/define-route.ts';
import { json } from '../../http/reply.ts';
import { tenantParams } from '../params.ts';

/** A small tenant is gone within a few seconds; whoever deletes a large one asks again. */
const WaitMs = 15_000;
const PollMs = 200;

export const deleteTenant = operatorRoute(
  {
    method: 'DELETE',
    path: '/operator/v1/tenants/{tenant}',
    operation: 'deleteTenant',
    summary: 'Delete a tenant with everything that it has, and answer with the certificate once it is proven.',
    tag: 'Operator',
    surface: 'native',
    params: tenantParams,
    answer: { status: 200, schema: tenantDeletion },
  },
  async (context, { params }) => {
    if (!isId('tenant', params.tenant)) return err('not_found', 'There is no such tenant.');
    const operator = door(context.objects.operator());
    let deletion = await operator.deletions.delete(params.tenant);
    const until = context.clock.now() + WaitMs;
    while (deletion.ok && deletion.value.status === 'running' && context.clock.now() < until) {
      await scheduler.wait(PollMs);
      deletion = await operator.deletions.describe(params.tenant);
    }
    return deletion.ok ? ok(json(deletion.value)) : deletion;
  },
);
