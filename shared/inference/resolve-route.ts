/**
 * From the name that a caller writes to the model, the price and the bridge that serve it. Pure. A model without a price
 * is not served (fail closed).
 */
import { err, ok, type Result } from '../core/result.ts';
import type { TokenPrice } from '../core/money.ts';
import type { AnnouncedModel, JobOperation } from '../contracts/inference.ts';
import { orderByWeight, weightOf } from './balance.ts';
import type { BridgeAddress, CatalogView, PricedModel } from './catalog.ts';
import { isAt, isWithheld, mayAsk, resolveName, type NamedModel } from './registered-names.ts';

export const DefaultModelAlias = 'default';
export const AnyModelPrice = '*';
const AwayRetryMs = 500;

export type Route = {
  readonly bridge: BridgeAddress;
  /** Further bridges that have the model, for a job that the first has not begun. */
  readonly others: readonly BridgeAddress[];
  readonly model: AnnouncedModel;
  /** The one node that may serve it, where the registry names one. */
  readonly node: string | null;
  readonly priceId: string;
  readonly price: TokenPrice;
};

type Wanted = {
  readonly model: string;
  readonly operation: JobOperation;
  readonly allowExternal: boolean;
  /** What is to meet the same version and, where it can be, the same bridge every time. */
  readonly key: string;
};

/** What a caller may put into `model`: names of the registry, and what is announced beside it, priced and permitted. */
export function listServable(view: CatalogView, allowExternal: boolean): AnnouncedModel[] {
  const { registry = [], tenant = '' } = view;
  const byId = new Map<string, AnnouncedModel>();
  const offered = (id: string) =>
    view.pool.bridges
      .flatMap(({ models }) => models)
      .find((model) => model.id === id && (allowExternal || !model.external) && priceOf(view, id));
  const announced = view.pool.bridges.flatMap(({ models }) => models.map(({ id }) => id));
  for (const id of announced.filter((each) => !isWithheld(registry, tenant, each))) {
    const model = offered(id);
    if (model) byId.set(id, model);
  }
  for (const entry of registry.filter((each) => mayAsk(each, tenant))) {
    const current = entry.versions.find(({ version }) => version === entry.current);
    const model = current && offered(current.model);
    const aliases = entry.aliases.filter((alias) => alias.tenant === null || alias.tenant === tenant);
    if (model) for (const id of [entry.id, ...aliases.map((alias) => alias.name)]) byId.set(id, { ...model, id });
  }
  return [...byId.values()].sort((a, b) => (a.id < b.id ? -1 : 1));
}

export function resolveRoute(view: CatalogView, wanted: Wanted): Result<Route> {
  const { registry = [], tenant = '' } = view;
  let last: Result<Route> = modelNotFound(wanted);
  for (const named of resolveName(registry, tenant, wanted.model, wanted.key) ?? []) {
    const model = named.model === DefaultModelAlias ? view.pool.defaultModel : named.model;
    if (model === null) return away();
    if (named.model === DefaultModelAlias && isWithheld(registry, tenant, model)) return last;
    last = findRoute(view, wanted, { ...named, model });
    if (last.ok) return last;
  }
  return last;
}

function findRoute(view: CatalogView, wanted: Wanted, { model: id, bridge: at, node }: NamedModel): Result<Route> {
  const price = priceOf(view, id);
  const held = (price ? view.pool.bridges : []).flatMap(({ models, nodes, name = '', ...bridge }) => {
    const model = models.find((each) => each.id === id && (wanted.allowExternal || !each.external));
    const serving = node === null ? nodes : nodes?.filter((each) => each.name === node);
    const isHere = isAt({ id: bridge.id, name }, at) && (node === null || serving?.length === 1);
    return model && isHere ? [{ id: bridge.id, bridge, model, weight: weightOf(serving, id) }] : [];
  });
  const offers = held.filter(({ model }) => model.operations.includes(wanted.operation));
  const [first, ...rest] = orderByWeight(offers, wanted.key);
  if (first && price) {
    const { bridge, model } = first;
    return ok({ bridge, model, node, others: rest.map((each) => each.bridge), priceId: price.id, price: price.price });
  }
  if (held.length > 0) return refuseOperation(wanted, held[0]!.model);
  if (view.pool.bridges.length === 0) return away('No inference bridge is connected at the moment.');
  const isAway = at !== null || node !== null || !isOffered(view, id);
  if (price && view.pool.recentModels?.includes(id) && isAway) return away();
  return modelNotFound(wanted);
}

/** Who serves it may be back soon. */
function away(message?: string): Result<never> {
  return err('node_unavailable', message, { retryAfterMs: AwayRetryMs });
}

function modelNotFound({ model }: Wanted): Result<never> {
  return err('model_not_found', `The model "${model}" does not exist, or this credential may not use it.`, {
    param: 'model',
  });
}

function refuseOperation({ model, operation }: Wanted, { operations }: AnnouncedModel): Result<never> {
  const message = `The model "${model}" is not one for ${operation}: it serves ${operations.join(', ')}.`;
  return err('unsupported_parameter', message, { param: 'model' });
}

function isOffered(view: CatalogView, id: string): boolean {
  return view.pool.bridges.some((bridge) => bridge.models.some((model) => model.id === id));
}

/** The most specific price: whom it is for goes before which model it is for. */
export function priceOf({ ownPrices = [], prices }: CatalogView, model: string): PricedModel | undefined {
  for (const own of ownPrices) {
    const price = own.get(model) ?? own.get(AnyModelPrice);
    if (price) return price;
  }
  return prices.get(model) ?? prices.get(AnyModelPrice);
}
