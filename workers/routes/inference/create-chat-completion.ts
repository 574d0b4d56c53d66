/**
 * OpenAI Chat Completions. A plain model's answer passes through untouched; an agent's is a turn of its own, in a
 * conversation that nobody keeps: who leaves cancels it.
 */
import { conversationOfResponse, mintResponseId } from '../../../shared/core/ids.ts';
import { err, ok, type Result } from '../../../shared/core/result.ts';
import {
  chatCompletion,
  chatCompletionRequest,
  type ChatCompletionRequest,
} from '../../../shared/contracts/chat-completions.ts';
import { AgentModelPrefix } from '../../../shared/contracts/models.ts';
import { tenantRoute } from '../../http/define-route.ts';
import { eventStream, json } from '../../http/reply.ts';
import type { AdmissionPlan, TenantCall } from '../../edge/tenant-call.ts';
import { degradedHeaders } from './degraded.ts';
import { forwardRun } from './forward-run.ts';
import { laneOf } from './lane-of.ts';
import { planRun, type PlannedRun } from './plan-run.ts';
import { agentRefOf, planAgentTurn, type PlannedTurn } from './plan-agent-turn.ts';
import { boundOutputTokens } from '../../../shared/inference/reservation.ts';
import { startChatTurn } from '../../../shared/inference/start-turn.ts';

export const createChatCompletion = tenantRoute(
  {
    method: 'POST',
    path: '/v1/chat/completions',
    operation: 'createChatCompletion',
    summary: 'Create a chat completion with an agent or a plain model.',
    tag: 'Inference',
    surface: 'openai',
    permission: 'inference:invoke',
    idempotent: true,
    body: chatCompletionRequest,
    answer: { status: 200, schema: chatCompletion },
    plan: (request, { body, text }): Promise<Result<AdmissionPlan<PlannedRun | PlannedTurn>>> =>
      body.model.startsWith(AgentModelPrefix)
        ? planAgentTurn(request, agentRefOf(body.model))
        : planRun(request, {
            model: body.model,
            operation: 'chat',
            bound: (route) => ({
              inputBytes: Buffer.byteLength(text),
              messages: body.messages.length,
              maxOutputTokens: boundOutputTokens(route, body.max_completion_tokens ?? body.max_tokens),
            }),
            lane: laneOf(body),
            ...(body.prompt_cache_key ? { affinity: body.prompt_cache_key } : {}),
          }),
  },
  async (call, { body, text }) => {
    const { planned } = call;
    return 'reservation' in planned
      ? forwardRun(call, planned, { model: body.model, text })
      : answerAsAgent(call, body, mintResponseId(planned.conversationId, call.clock.now()));
  },
);

async function answerAsAgent(
  call: TenantCall,
  body: ChatCompletionRequest,
  responseId: ReturnType<typeof mintResponseId>,
) {
  if (!call.agent) return err('model_not_found', undefined, { param: 'model' });
  const conversation = call.conversation(conversationOfResponse(responseId));
  const started = await conversation.startResponse(startChatTurn(call, call.agent, body, responseId));
  if (!started.ok) return started;
  const completionId = `chatcmpl-${responseId.slice(-26)}`;
  if (body.stream) {
    const view = { kind: 'chat', id: completionId, includeUsage: body.stream_options?.include_usage ?? false } as const;
    const stream = await conversation.streamResponse(call.principal, responseId, 0, view, true);
    return stream.ok ? ok(eventStream(stream.value)) : stream;
  }
  const completion = await conversation.awaitChat(call.principal, responseId, completionId);
  if (!completion.ok) return completion;
  return ok(json(completion.value, 200, degradedHeaders(body.model, completion.value.model)));
}
