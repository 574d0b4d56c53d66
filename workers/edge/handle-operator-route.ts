/**
 * The pipeline of every operator route: the token, the input, the handler, and for what changes something an entry in the
 * operator's audit trail, whether it was done or refused. What cannot be entered is answered as an outage: repeating it
 * is safe, and not entered would be unseen.
 */
import type { Result } from '../../shared/core/result.ts';
import { operatorActor } from '../../shared/contracts/audit.ts';
import type { OperatorRoute } from '../http/define-route.ts';
import { parseInput } from '../http/parse-input.ts';
import type { Reply } from '../http/reply.ts';
import { authenticateOperator, bearerToken } from './authenticate.ts';
import { door } from './doors.ts';
import { gatherRefusals } from './report-auth-failure.ts';
import type { RequestContext } from './request-context.ts';

const MaxTarget = 200;
const nobody = { kind: 'anonymous', id: 'anonymous' } as const;

export async function handleOperatorRoute(
  context: RequestContext,
  route: OperatorRoute,
  pathParams: Readonly<Record<string, string>>,
): Promise<Result<Reply>> {
  const known = authenticateOperator(context);
  const trail = door(context.objects.operator());
  if (!known.ok) {
    const tried = bearerToken(context.request) !== undefined;
    if (tried) gatherRefusals(context, 'operator', (times) => trail.enterAuthFailure(nobody, 'wrong token', times));
    return known;
  }
  const input = await parseInput(context, route, pathParams);
  if (!input.ok) return input;
  const reply = await route.handle(context, input.value);
  if (route.method === 'GET') return reply;
  const target = Object.values(pathParams)[0]?.slice(0, MaxTarget) ?? null;
  const details = { operation: route.operation, ...(reply.ok ? {} : { code: reply.failure.code }) };
  const entered = await trail.enter(operatorActor, target, details, reply.ok ? 'succeeded' : 'refused');
  return entered.ok ? reply : entered;
}
