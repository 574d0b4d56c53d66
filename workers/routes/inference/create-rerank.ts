import { rerankRequest, rerankResponse, type RerankRequest } from '../../../shared/contracts/rerank.ts';
import { tenantRoute } from '../../http/define-route.ts';
import { forwardRun } from './forward-run.ts';
import { planRun } from './plan-run.ts';

export const createRerank = tenantRoute(
  {
    method: 'POST',
    path: '/v1/rerank',
    operation: 'createRerank',
    summary: 'Order texts by how well they answer a query.',
    tag: 'Inference',
    surface: 'openai',
    permission: 'inference:invoke',
    body: rerankRequest,
    answer: { status: 200, schema: rerankResponse },
    plan: (request, { body, text }) =>
      planRun(request, { model: body.model, operation: 'rerank', bound: () => boundRerank(body, text) }),
  },
  (call, { body, text }) => forwardRun(call, call.planned, { model: body.model, text }),
);

/** The model reads the query anew with each of the texts. */
function boundRerank({ query, documents }: RerankRequest, text: string) {
  const queries = Buffer.byteLength(query) * documents.length;
  return { inputBytes: Buffer.byteLength(text) + queries, messages: documents.length, maxOutputTokens: 0 };
}
