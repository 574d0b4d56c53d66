import { ok } from '../../../shared/core/result.ts';
import { registeredModelList } from '../../../shared/contracts/model-registry.ts';
import { operatorRoute } from '../../http/define-route.ts';
import { json } from '../../http/reply.ts';
import { readModels } from './read-models.ts';

export const listRegisteredModels = operatorRoute(
  {
    method: 'GET',
    path: '/operator/v1/models',
    operation: 'listRegisteredModels',
    summary: 'List the registry of models, where the nodes say something else, and what they serve beside it.',
    tag: 'Operator',
    surface: 'native',
    answer: { status: 200, schema: registeredModelList },
  },
  async (context) => {
    const models = await readModels(context);
    if (!models.ok) return models;
    const { data, unregistered } = models.value;
    return ok(json({ object: 'list', data, has_more: false, next_cursor: null, unregistered }));
  },
);
