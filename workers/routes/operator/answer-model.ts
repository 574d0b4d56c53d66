import { err, ok, type Result } from '../../../shared/core/result.ts';
import type { RegisteredModel } from '../../../shared/contracts/model-registry.ts';
import type { RequestContext } from '../../edge/request-context.ts';
import { readModels } from './read-models.ts';

/** One model of the registry, as it is now. */
export async function answerModel(context: RequestContext, id: string): Promise<Result<RegisteredModel>> {
  const models = await readModels(context);
  if (!models.ok) return models;
  const found = models.value.data.find((each) => each.id === id);
  return found ? ok(found) : err('not_found', `There is no model "${id}" in the registry.`);
}
