import { tokenizeRequest, tokenizeResponse } from '../../../shared/contracts/tokenize.ts';
import { tenantRoute } from '../../http/define-route.ts';
import { forwardRun } from './forward-run.ts';
import { planRun } from './plan-run.ts';

export const tokenizeText = tenantRoute(
  {
    method: 'POST',
    path: '/v1/tokenize',
    operation: 'tokenizeText',
    summary: 'Tell the tokens of a text or of messages. It is a run like any other, and costs nothing.',
    tag: 'Inference',
    surface: 'openai',
    permission: 'inference:invoke',
    body: tokenizeRequest,
    answer: { status: 200, schema: tokenizeResponse },
    plan: (request, { body }) =>
      planRun(request, { model: body.model, operation: 'tokenize', bound: () => ({ units: 0 }) }),
  },
  (call, { body, text }) => forwardRun(call, call.planned, { model: body.model, text }),
);
