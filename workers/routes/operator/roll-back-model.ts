import { ok } from '../../../shared/core/result.ts';
import { registeredModel, rollBackModel as rollBackBody } from '../../../shared/contracts/model-registry.ts';
import { operatorRoute } from '../../http/define-route.ts';
import { json } from '../../http/reply.ts';
import { registeredModelParams } from '../params.ts';
import { answerModel } from './answer-model.ts';

export const rollBackModel = operatorRoute(
  {
    method: 'POST',
    path: '/operator/v1/models/{registered_model}/rollback',
    operation: 'rollBackModel',
    summary: 'Make a model of the registry what an earlier revision said: the one before, or a named one.',
    tag: 'Operator',
    surface: 'native',
    params: registeredModelParams,
    body: rollBackBody,
    answer: { status: 200, schema: registeredModel },
  },
  async (context, { params, body }) => {
    const back = await context.objects
      .modelRegistry()
      .rollBack(params.registered_model, body.revision, context.clock.now());
    if (!back.ok) return back;
    const answer = await answerModel(context, params.registered_model);
    return answer.ok ? ok(json(answer.value)) : answer;
  },
);
