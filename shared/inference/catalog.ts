/**
 * Which models can be served now, by which bridge, at which price. A model without a price is not served (fail closed).
 * The isolate keeps the last view for a second: plain data, so requests may share it. A view that cannot be loaded
 * is an outage, never an empty catalogue.
 */
import type { Clock } from '../core/clock.ts';
import type { BridgeId } from '../core/ids.ts';
import type { TokenPrice } from '../core/money.ts';
import { err, ok, type Result } from '../core/result.ts';
import type { AnnouncedModel, JobClaims } from '../contracts/inference.ts';

export const DefaultModelAlias = 'default';
export const AnyModelPrice = '*';
const ViewTtlMs = 1_000;

export type PoolSnapshot = {
  readonly bridges: readonly {
    readonly id: BridgeId;
    readonly url: string;
    readonly models: readonly AnnouncedModel[];
  }[];
  readonly defaultModel: string | null;
  /** Models that some bridge has or had not long ago. */
  readonly recentModels?: readonly string[];
};
export type PricedModel = { readonly id: string; readonly model: string; readonly price: TokenPrice };

export type CatalogSource = {
  loadPool(): Promise<Result<PoolSnapshot>>;
  /** The price in force of every model that has one, `*` among them. */
  loadPrices(): Promise<Result<readonly PricedModel[]>>;
};

export type Route = {
  readonly bridge: { readonly id: BridgeId; readonly url: string };
  readonly model: AnnouncedModel;
  readonly priceId: string;
  readonly price: TokenPrice;
};

export type CatalogView = {
  readonly pool: PoolSnapshot;
  readonly prices: ReadonlyMap<string, PricedModel>;
};

export class Catalog {
  #view: { readonly at: number; readonly view: CatalogView } | undefined;
  readonly #clock: Clock;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** `source` belongs to the request that asks, so its I/O does too; only its answer is kept. */
  async view(source: CatalogSource): Promise<Result<CatalogView>> {
    const kept = this.#view;
    const age = kept ? this.#clock.now() - kept.at : Number.POSITIVE_INFINITY;
    if (kept && age >= 0 && age < ViewTtlMs) return ok(kept.view);
    const [pool, prices] = await Promise.all([source.loadPool(), source.loadPrices()]);
    if (!pool.ok) return pool;
    if (!prices.ok) return prices;
    const view = { pool: pool.value, prices: new Map(prices.value.map((price) => [price.model, price])) };
    this.#view = { at: this.#clock.now(), view };
    return ok(view);
  }
}

/** The models that a caller may use: announced, priced, and on permitted hardware. */
export function listServable(view: CatalogView, allowExternal: boolean): AnnouncedModel[] {
  const byId = new Map<string, AnnouncedModel>();
  for (const bridge of view.pool.bridges) {
    for (const model of bridge.models) {
      if ((allowExternal || !model.external) && priceOf(view, model.id) && !byId.has(model.id))
        byId.set(model.id, model);
    }
  }
  return [...byId.values()].sort((a, b) => (a.id < b.id ? -1 : 1));
}

export function resolveRoute(
  view: CatalogView,
  wanted: { readonly model: string; readonly operation: JobClaims['operation']; readonly allowExternal: boolean },
): Result<Route> {
  const id = wanted.model === DefaultModelAlias ? view.pool.defaultModel : wanted.model;
  if (id === null) return err('node_unavailable');
  const price = priceOf(view, id);
  for (const bridge of price ? view.pool.bridges : []) {
    const model = bridge.models.find(
      (candidate) =>
        candidate.id === id &&
        candidate.operations.includes(wanted.operation) &&
        (wanted.allowExternal || !candidate.external),
    );
    if (model && price)
      return ok({ bridge: { id: bridge.id, url: bridge.url }, model, priceId: price.id, price: price.price });
  }
  if (view.pool.bridges.length === 0)
    return err('node_unavailable', 'No inference bridge is connected at the moment.', { retryAfterMs: 500 });
  if (price && view.pool.recentModels?.includes(id) && !isOffered(view, id)) return err('node_unavailable');
  return err('model_not_found', `The model "${wanted.model}" does not exist, or this credential may not use it.`, {
    param: 'model',
  });
}

function isOffered(view: CatalogView, id: string): boolean {
  return view.pool.bridges.some((bridge) => bridge.models.some((model) => model.id === id));
}

function priceOf(view: CatalogView, model: string): PricedModel | undefined {
  return view.prices.get(model) ?? view.prices.get(AnyModelPrice);
}
