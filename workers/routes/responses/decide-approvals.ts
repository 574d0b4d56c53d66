/**
 * `mcp_approval_response` items: each decides about one call that waits, and the answer is the response that waited, as it
 * goes on. Deciding needs its own permission, wherever it is done.
 */
import { isId } from '../../../shared/core/ids.ts';
import { authorize } from '../../../shared/core/principal.ts';
import { err, ok, type Result } from '../../../shared/core/result.ts';
import type { DecisionRequest } from '../../../shared/contracts/responses.ts';
import type { TenantCall } from '../../edge/tenant-call.ts';
import { eventStream, json, type Reply } from '../../http/reply.ts';
import { requireApproval } from '../approvals/require-approval.ts';

const noApproval = () =>
  err('not_found', 'There is no such approval in the response before.', { param: 'input.approval_request_id' });

export async function decideApprovals(call: TenantCall, body: DecisionRequest): Promise<Result<Reply>> {
  const allowed = authorize(call.principal, 'approvals:write', 'own');
  if (!allowed.ok) return allowed;
  const waits = body.previous_response_id;
  if (!isId('response', waits))
    return err('invalid_request', 'Name the response that waits for the decision.', { param: 'previous_response_id' });
  const found = body.input.map(({ approval_request_id: id }) => requireApproval(call, id));
  const conversation = found.find((each) => each.ok)?.value.conversation;
  if (!conversation) return noApproval();
  // All are looked at before one is decided: nothing is half done.
  for (const each of found) {
    if (!each.ok) return noApproval();
    const approval = await each.value.conversation.approvals.find(call.principal, each.value.id);
    if (!approval.ok) return approval.failure.code === 'not_found' ? noApproval() : approval;
    if (approval.value.response !== waits) return noApproval();
  }
  for (const { approval_request_id: id, approve, reason } of body.input) {
    const decision = approve ? 'approved' : 'denied';
    const decided = await conversation.approvals.decide(call.principal, id, decision, reason ?? null);
    if (!decided.ok) return decided;
  }
  if (body.stream) {
    const stream = await conversation.streamResponse(call.principal, waits, 0, { kind: 'responses' }, false);
    return stream.ok ? ok(eventStream(stream.value)) : stream;
  }
  const answer = body.background
    ? await conversation.findResponse(call.principal, waits)
    : await conversation.awaitResponse(call.principal, waits);
  return answer.ok ? ok(json(answer.value)) : answer;
}
