/** How many tokens a request would put before its model, without asking one. */
import { ok } from '../../../shared/core/result.ts';
import { countInputTokens as countInputTokensBody, inputTokens } from '../../../shared/contracts/responses.ts';
import { estimateInput } from '../../../shared/inference/input-estimate.ts';
import { DefaultModelAlias } from '../../../shared/inference/resolve-route.ts';
import { tenantRoute } from '../../http/define-route.ts';
import { json } from '../../http/reply.ts';
import { agentRefOf } from '../inference/plan-agent-turn.ts';
import { requirePlainModel } from './create-response.ts';
import { readContext } from './read-context.ts';

const nothing = { bytes: 0, messages: 0 };

export const countInputTokens = tenantRoute(
  {
    method: 'POST',
    path: '/v1/responses/input_tokens',
    operation: 'countInputTokens',
    summary: 'Estimate the input tokens of a response, and the bound that it would be admitted with.',
    tag: 'Responses',
    surface: 'openai',
    permission: 'inference:invoke',
    body: countInputTokensBody,
    answer: { status: 200, schema: inputTokens },
    plan: async (request, { body }) => {
      const context = readContext(body);
      if (!context.ok) return context;
      const model = body.model ?? DefaultModelAlias;
      const agentRef = agentRefOf(model);
      if (agentRef !== undefined) return ok({ agentRef, agentIsModel: true, planned: context.value });
      const known = await requirePlainModel(request, model);
      return known.ok ? ok({ planned: context.value }) : known;
    },
  },
  async (call, { body }) => {
    const { context, conversationId } = call.planned;
    const past = conversationId
      ? await call.conversation(conversationId).measurePast(call.principal, context)
      : ok(nothing);
    if (!past.ok) return past;
    const estimate = estimateInput(call.agent?.definition ?? null, body, past.value);
    return ok(json({ object: 'response.input_tokens', ...estimate, estimated: true }));
  },
);
