/**
 * What a name means to a tenant: an alias of its own, then one for everybody, then an entry of the registry, then a model
 * as nodes announce it. An announced model that the registry holds is its tenants' alone, under whichever name. Pure.
 */
import { hashText } from '../core/hash-text.ts';
import type { ModelDefinition, ModelDrift, ModelVersion } from '../contracts/model-registry.ts';
import type { AnnouncedModel } from '../contracts/inference.ts';

/** Where a name leads. Tried in order: a canary that nobody serves now is passed over. */
export type NamedModel = Pick<ModelVersion, 'model' | 'bridge' | 'node'>;

export function mayAsk({ tenants }: ModelDefinition, tenant: string): boolean {
  return tenants === null || tenants.includes(tenant);
}

/** Undefined: it means nothing to this tenant. `key`: what is to meet the same version every time. */
export function resolveName(
  registry: readonly ModelDefinition[],
  tenant: string,
  name: string,
  key: string,
): readonly NamedModel[] | undefined {
  const own = registry.filter((entry) => mayAsk(entry, tenant));
  const named = (of: string | null) =>
    own.find(({ aliases }) => aliases.some((alias) => alias.name === name && alias.tenant === of));
  const entry = named(tenant) ?? named(null) ?? own.find(({ id }) => id === name);
  if (entry) return chooseVersions(entry, key);
  if (registry.some(({ id }) => id === name)) return undefined;
  return isWithheld(registry, tenant, name) ? undefined : [{ model: name, bridge: null, node: null }];
}

/** Whether an announced model is in the registry, and there for others alone. */
export function isWithheld(registry: readonly ModelDefinition[], tenant: string, announced: string): boolean {
  const holders = registry.filter(({ versions }) => versions.some(({ model }) => model === announced));
  return holders.length > 0 && !holders.some((entry) => mayAsk(entry, tenant));
}

function chooseVersions({ id, versions, current, canary }: ModelDefinition, key: string): readonly NamedModel[] {
  const isCanary = canary !== null && hashText(`${id} ${key}`) % 100 < canary.percent;
  const wanted = isCanary ? [canary.version, current] : [current];
  return wanted.flatMap((version) => versions.find((each) => each.version === version) ?? []);
}

/** A model as some bridge announces it. */
export type Offer = { readonly bridge: { readonly id: string; readonly name: string }; readonly model: AnnouncedModel };

/** Where the nodes say something else than the registry. */
export function findDrift(
  definition: ModelDefinition,
  offers: readonly Offer[],
  isPriced: (model: string) => boolean,
): ModelDrift[] {
  return definition.versions.flatMap((version): ModelDrift[] => {
    const { model, bridge, digest } = version;
    const told = (about: ModelDrift['about'], expected: unknown, found: unknown): ModelDrift[] => [
      { version: version.version, about, expected: String(expected), found: found === null ? null : String(found) },
    ];
    const held = offers.filter((offer) => offer.model.id === model && isAt(offer.bridge, bridge));
    const unpriced = isPriced(model) ? [] : told('price', 'a price', null);
    if (held.length === 0) return [...told('missing', model, null), ...unpriced];
    const { operations, context_window: window, dimensions } = definition;
    return [
      ...unpriced,
      ...held.flatMap(({ model: found }) => [
        ...(operations.every((each) => found.operations.includes(each))
          ? []
          : told('operations', operations.join(', '), found.operations.join(', '))),
        ...(window === null || window === found.context_window
          ? []
          : told('context_window', window, found.context_window)),
        ...(dimensions === null || found.dimensions === null || dimensions === found.dimensions
          ? []
          : told('dimensions', dimensions, found.dimensions)),
        ...(digest === null || digest === found.digest ? [] : told('digest', digest, found.digest ?? null)),
      ]),
    ];
  });
}

export function isAt(bridge: { readonly id: string; readonly name: string }, selector: string | null): boolean {
  return selector === null || selector === bridge.id || selector === bridge.name;
}
