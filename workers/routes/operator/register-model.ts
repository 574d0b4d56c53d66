import { ok, err, type Result } from '../../../shared/core/result.ts';
import {
  modelDefinition,
  registeredModel,
  type ModelDefinition,
  type RegisteredModel,
} from '../../../shared/contracts/model-registry.ts';
import { operatorRoute } from '../../http/define-route.ts';
import { json } from '../../http/reply.ts';
import { readModels } from './read-models.ts';
import { answerModel } from './answer-model.ts';

export const registerModel = operatorRoute(
  {
    method: 'POST',
    path: '/operator/v1/models',
    operation: 'registerModel',
    summary: 'Put a model into the registry, or change it: a new revision. Takes effect within a second.',
    tag: 'Operator',
    surface: 'native',
    body: modelDefinition,
    answer: { status: 201, schema: registeredModel },
  },
  async (context, { body }) => {
    const present = await readModels(context);
    if (!present.ok) return present;
    const free = requireFreeNames(body, present.value.data);
    if (!free.ok) return free;
    const put = await context.objects.modelRegistry().put(body, context.clock.now());
    if (!put.ok) return put;
    const answer = await answerModel(context, body.id);
    return answer.ok ? ok(json(answer.value, 201)) : answer;
  },
);

/** A name leads to one model: an alias is no other model's name, nor its alias for the same tenant. */
function requireFreeNames({ id, aliases }: ModelDefinition, present: readonly RegisteredModel[]): Result<undefined> {
  for (const other of present.filter((each) => each.id !== id)) {
    const taken = aliases.find(
      (alias) =>
        alias.name === other.id ||
        other.aliases.some((each) => each.name === alias.name && each.tenant === alias.tenant),
    );
    const isAlias = other.aliases.some((alias) => alias.name === id);
    if (taken)
      return err('conflict', `The name "${taken.name}" is taken by the model "${other.id}".`, { param: 'aliases' });
    if (isAlias) return err('conflict', `"${id}" is an alias of the model "${other.id}".`, { param: 'id' });
  }
  return ok();
}
