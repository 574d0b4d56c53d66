import { err, ok } from '../../../shared/core/result.ts';
import { model } from '../../../shared/contracts/models.ts';
import { tenantRoute } from '../../http/define-route.ts';
import { json } from '../../http/reply.ts';
import { modelParams } from '../params.ts';
import { usableModels } from './usable-models.ts';

export const retrieveModel = tenantRoute(
  {
    method: 'GET',
    path: '/v1/models/{model}',
    greedy: true,
    operation: 'retrieveModel',
    summary: 'Retrieve one model by its id, which may hold slashes.',
    tag: 'Models',
    surface: 'openai',
    permission: 'inference:invoke',
    reach: 'own',
    params: modelParams,
    answer: { status: 200, schema: model },
  },
  async (call, { params }) => {
    const models = await usableModels(call);
    if (!models.ok) return models;
    const found = models.value.find((candidate) => candidate.id === params.model);
    return found ? ok(json(found)) : err('model_not_found', undefined, { param: 'model' });
  },
);
