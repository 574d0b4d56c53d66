/** The plan that a body names. */
import { err, type Result } from '../../../shared/core/result.ts';
import type { Plan } from '../../../shared/contracts/plans.ts';
import type { RequestContext } from '../../edge/request-context.ts';

export async function requirePlan(context: RequestContext, id: string): Promise<Result<Plan>> {
  const plan = await context.objects.plans().find(id);
  return plan.ok || plan.failure.code !== 'not_found'
    ? plan
    : err('invalid_request', `There is no plan "${id}". GET /operator/v1/plans lists them.`, { param: 'plan' });
}
