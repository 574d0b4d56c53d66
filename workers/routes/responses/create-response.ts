/** OpenAI Responses: a turn of an agent, or of a plain model, streamed, awaited, or in the background. */
import { conversationOfResponse, isId, mintResponseId, type ConversationId } from '../../../shared/core/ids.ts';
import { err, ok, type Result } from '../../../shared/core/result.ts';
import {
  createResponse as createResponseBody,
  response,
  type CreateResponse,
} from '../../../shared/contracts/responses.ts';
import { resolveRoute } from '../../../shared/inference/catalog.ts';
import type { TurnStart } from '../../../shared/contracts/turn-start.ts';
import { tenantRoute } from '../../http/define-route.ts';
import { eventStream, json } from '../../http/reply.ts';
import type { TenantRequest } from '../../edge/tenant-call.ts';
import { agentRefOf, planAgentTurn } from '../inference/plan-agent-turn.ts';
import { startResponseTurn } from '../inference/start-turn.ts';

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
    const context = readContext(body);
    if (!context.ok) return context;
    const responseId = mintResponseId(call.planned.conversationId, call.startedAt, call.random);
    const conversation = call.conversation(call.planned.conversationId);
    const started = await conversation.startResponse(startResponseTurn(call, body, responseId, context.value.context));
    if (!started.ok) return started;
    if (body.stream) {
      const stream = await conversation.streamResponse(call.principal, responseId, 0, { kind: 'responses' }, false);
      return stream.ok ? ok(eventStream(stream.value)) : stream;
    }
    const answer = body.background ? started : await conversation.awaitResponse(call.principal, responseId);
    return answer.ok ? ok(json(answer.value)) : answer;
  },
);

type ReadContext = { readonly context: TurnStart['context']; readonly conversationId?: ConversationId };

/** Where the turn happens: in the named conversation, after the named response, or in a place of its own. */
function readContext(body: CreateResponse): Result<ReadContext> {
  const named = typeof body.conversation === 'string' ? body.conversation : body.conversation?.id;
  const previous = body.previous_response_id ?? undefined;
  if (named !== undefined && previous !== undefined) {
    return err('invalid_request', 'Give "conversation" or "previous_response_id", not both.', {
      param: 'conversation',
    });
  }
  if (body.background && body.store === false) {
    return err(
      'invalid_request',
      '"background" needs "store": a response that is not stored cannot be fetched later.',
      {
        param: 'background',
      },
    );
  }
  if (named !== undefined) {
    return isId('conversation', named)
      ? ok({ context: { kind: 'thread' }, conversationId: named })
      : err('not_found', `There is no conversation "${named}".`, { param: 'conversation' });
  }
  if (previous !== undefined) {
    return isId('response', previous)
      ? ok({ context: { kind: 'previous', id: previous }, conversationId: conversationOfResponse(previous) })
      : err('not_found', `There is no response "${previous}".`, { param: 'previous_response_id' });
  }
  return ok({ context: { kind: 'none' } });
}

async function requirePlainModel(request: TenantRequest, model: string): Promise<Result<unknown>> {
  const view = await request.catalog();
  return view.ok ? resolveRoute(view.value, { model, operation: 'chat', allowExternal: false }) : view;
}
