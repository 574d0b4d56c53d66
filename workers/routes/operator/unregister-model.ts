import { err, ok } from '../../../shared/core/result.ts';
import { removedModel } from '../../../shared/contracts/model-registry.ts';
import { operatorRoute } from '../../http/define-route.ts';
import { json } from '../../http/reply.ts';
import { registeredModelParams } from '../params.ts';

export const unregisterModel = operatorRoute(
  {
    method: 'DELETE',
    path: '/operator/v1/models/{registered_model}',
    operation: 'unregisterModel',
    summary: 'Take a model out of the registry. What nodes announce is then asked for by its own name.',
    tag: 'Operator',
    surface: 'native',
    params: registeredModelParams,
    answer: { status: 200, schema: removedModel },
  },
  async (context, { params }) => {
    const removed = await context.objects.modelRegistry().remove(params.registered_model, context.clock.now());
    if (!removed.ok) return removed;
    return removed.value
      ? ok(json({ object: 'registered_model.deleted', id: params.registered_model, deleted: true }))
      : err('not_found', `There is no model "${params.registered_model}" in the registry.`);
  },
);
