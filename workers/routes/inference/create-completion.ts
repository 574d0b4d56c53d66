import { completion, completionRequest } from '../../../shared/contracts/completions.ts';
import { boundOutputTokens } from '../../../shared/inference/reservation.ts';
import { tenantRoute } from '../../http/define-route.ts';
import { forwardRun } from './forward-run.ts';
import { laneOf } from './lane-of.ts';
import { planRun } from './plan-run.ts';

/** As OpenAI has it. */
const DefaultMaxTokens = 16;

export const createCompletion = tenantRoute(
  {
    method: 'POST',
    path: '/v1/completions',
    operation: 'createCompletion',
    summary: 'Continue a text with a plain model, without a chat template.',
    tag: 'Inference',
    surface: 'openai',
    permission: 'inference:invoke',
    body: completionRequest,
    answer: { status: 200, schema: completion },
    plan: (request, { body, text }) =>
      planRun(request, {
        model: body.model,
        operation: 'completions',
        bound: (route) => ({
          inputBytes: Buffer.byteLength(text),
          messages: 1,
          maxOutputTokens: boundOutputTokens(route, body.max_tokens ?? DefaultMaxTokens),
        }),
        lane: laneOf(body),
      }),
  },
  (call, { body, text }) => forwardRun(call, call.planned, { model: body.model, text }),
);
