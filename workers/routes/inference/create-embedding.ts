import { embeddingRequest, embeddingResponse } from '../../../shared/contracts/embeddings.ts';
import { tenantRoute } from '../../http/define-route.ts';
import { forwardRun } from './forward-run.ts';
import { planRun } from './plan-run.ts';

export const createEmbedding = tenantRoute(
  {
    method: 'POST',
    path: '/v1/embeddings',
    operation: 'createEmbedding',
    summary: 'Embed texts as vectors.',
    tag: 'Inference',
    surface: 'openai',
    permission: 'inference:invoke',
    body: embeddingRequest,
    answer: { status: 200, schema: embeddingResponse },
    plan: (request, { body, text }) =>
      planRun(request, {
        model: body.model,
        operation: 'embeddings',
        bound: () => ({
          inputBytes: Buffer.byteLength(text),
          messages: Array.isArray(body.input) ? body.input.length : 1,
          maxOutputTokens: 0,
        }),
      }),
  },
  (call, { body, text }) => forwardRun(call, call.planned, { model: body.model, text }),
);
