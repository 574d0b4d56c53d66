/** The registry beside what the bridges announce now. */
import { toIso } from '../../../shared/core/clock.ts';
import { ok, type Result } from '../../../shared/core/result.ts';
import type { ModelDefinition, RegisteredModel } from '../../../shared/contracts/model-registry.ts';
import { findDrift } from '../../../shared/inference/registered-names.ts';
import { AnyModelPrice } from '../../../shared/inference/resolve-route.ts';
import type { RequestContext } from '../../edge/request-context.ts';

type Models = { readonly data: readonly RegisteredModel[]; readonly unregistered: readonly string[] };

export async function readModels({ objects }: RequestContext): Promise<Result<Models>> {
  const source = objects.catalogSource();
  const [revisions, pool, prices] = await Promise.all([
    objects.modelRegistry().list(),
    source.loadPool(),
    source.loadPrices(),
  ]);
  if (!revisions.ok) return revisions;
  if (!pool.ok) return pool;
  if (!prices.ok) return prices;
  const priced = new Set(prices.value.map(({ model }) => model));
  const isPriced = (model: string) => priced.has(AnyModelPrice) || priced.has(model);
  const offers = pool.value.bridges.flatMap(({ id, name = '', models }) =>
    models.map((model) => ({ bridge: { id, name }, model })),
  );
  const data = revisions.value.map(({ definition, revision, appliedAt }) => ({
    object: 'registered_model' as const,
    ...definition,
    revision,
    applied_at: toIso(appliedAt),
    drift: findDrift(definition, offers, isPriced),
  }));
  const known = namesOf(revisions.value.map(({ definition }) => definition));
  const announced = new Set(offers.map(({ model }) => model.id));
  return ok({ data, unregistered: [...announced].filter((id) => !known.has(id)).sort() });
}

function namesOf(definitions: readonly ModelDefinition[]): ReadonlySet<string> {
  return new Set(definitions.flatMap(({ versions }) => versions.map(({ model }) => model)));
}
