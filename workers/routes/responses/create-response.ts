/** OpenAI Responses: a turn of an agent, or of a plain model, streamed, awaited, or in the background. */
import { mintResponseId } from '../../../shared/core/ids.ts';
import { ok, type Result } from '../../../shared/core/result.ts';
import {
  createResponse as createResponseBody,
  isDecision,
  response,
  type TurnRequest,
} from '../../../shared/contracts/responses.ts';
import { tenantRoute } from '../../http/define-route.ts';
import { eventStream, json } from '../../http/reply.ts';
import type { TenantRequest } from '../../edge/tenant-call.ts';
import { degradedHeaders } from '../inference/degraded.ts';
import { agentRefOf, planAgentTurn } from '../inference/plan-agent-turn.ts';
import { startResponseTurn } from '../../../shared/inference/start-turn.ts';
import { decideApprovals } from './decide-approvals.ts';
import { readContext } from './read-context.ts';

export const createResponse = tenantRoute(
  {
    method: 'POST',
    path: '/v1/responses',
    operation: 'createResponse',
    summary: 'Create a response of an agent or a plain model.',
    tag: 'Responses',
    surface: 'openai',
    permission: 'inference:invoke',
    idempotent: true,
    body: createResponseBody,
    answer: { status: 200, schema: response },
    plan: async (request, { body }) => {
      const context = readContext(body);
      if (!context.ok) return context;
      const agentRef = agentRefOf(body.model);
      const model = agentRef === undefined ? await requirePlainModel(request, body.model) : ok();
      return model.ok ? planAgentTurn(request, agentRef, context.value.conversationId) : model;
    },
  },
  async (call, { body }) => {
    if (isDecision(body)) return decideApprovals(call, body);
    const context = readContext(body);
    if (!context.ok) return context;
    const responseId = mintResponseId(call.planned.conversationId, call.startedAt, call.random);
    const conversation = call.conversation(call.planned.conversationId);
    const started = await conversation.startResponse(
      startResponseTurn(call, body as TurnRequest, responseId, context.value.context),
    );
    if (!started.ok) return started;
    if (body.stream) {
      const stream = await conversation.streamResponse(call.principal, responseId, 0, { kind: 'responses' }, false);
      return stream.ok ? ok(eventStream(stream.value)) : stream;
    }
    const answer = body.background ? started : await conversation.awaitResponse(call.principal, responseId);
    return answer.ok ? ok(json(answer.value, 200, degradedHeaders(body.model, answer.value.model))) : answer;
  },
);

export function requirePlainModel(request: TenantRequest, model: string): Promise<Result<unknown>> {
  return request.route({ model, operation: 'chat', allowExternal: false, key: request.requestId });
}
