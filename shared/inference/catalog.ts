/**
 * Which models can be served now, by which bridge, at which price. A model without a price is not served (fail closed).
 * The isolate keeps the last view for a second: plain data, so requests may share it. A view that cannot be loaded
 * is an outage, never an empty catalogue.
 */
import type { Clock } from '../core/clock.ts';
import type { BridgeId } from '../core/ids.ts';
import type { TokenPrice } from '../core/money.ts';
import { ok, type Result } from '../core/result.ts';
import type { Transport } from '../contracts/bridges.ts';
import type { AnnouncedModel } from '../contracts/inference.ts';
import type { ModelDefinition } from '../contracts/model-registry.ts';
import { Everybody, isPlanScope, scopeOfPlan } from '../core/price-scope.ts';
import type { NodeLoad } from './balance.ts';
import { resolveRoute, type Route, type WantedRoute } from './resolve-route.ts';

const ViewTtlMs = 1_000;
const MaxPlans = 10_000;

/** Where a bridge is and how it is reached; `url` is empty where it only dials out. */
export type BridgeAddress = {
  readonly id: BridgeId;
  readonly transport: Transport;
  readonly url: string;
  /** The job key that it holds. */
  readonly jobKey?: string | undefined;
};

export type PoolSnapshot = {
  readonly bridges: readonly (BridgeAddress & {
    readonly name?: string;
    readonly models: readonly AnnouncedModel[];
    /** Its nodes that get jobs now; absent where it does not tell. */
    readonly nodes?: readonly NodeLoad[];
  })[];
  readonly defaultModel: string | null;
  /** Models that some bridge has or had not long ago. */
  readonly recentModels?: readonly string[];
};
/** `scope`: for whom, `*` or absent for everybody (shared/store/price-scope.ts). */
export type PricedModel = {
  readonly id: string;
  readonly model: string;
  readonly price: TokenPrice;
  readonly scope?: string;
};

export type CatalogSource = {
  loadPool(): Promise<Result<PoolSnapshot>>;
  /** The price in force of every model that has one, `*` among them. */
  loadPrices(): Promise<Result<readonly PricedModel[]>>;
  loadRegistry(): Promise<Result<readonly ModelDefinition[]>>;
  /** Asked only where some plan has prices of its own. */
  loadPlan(tenant: string): Promise<Result<string>>;
};

export type CatalogView = {
  readonly pool: PoolSnapshot;
  readonly prices: PriceMap;
  /** Prices that go before `prices`, the most specific first: the tenant's own, its plan's. */
  readonly ownPrices?: readonly PriceMap[];
  readonly registry?: readonly ModelDefinition[];
  /** Whose view it is. */
  readonly tenant?: string;
};
export type PriceMap = ReadonlyMap<string, PricedModel>;
type SharedView = CatalogView & { readonly scoped: ReadonlyMap<string, PriceMap> };

export class Catalog {
  #view: { readonly at: number; readonly view: SharedView } | undefined;
  readonly #plans = new Map<string, { readonly at: number; readonly plan: string }>();
  readonly #clock: Clock;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** `source` belongs to the request that asks, so its I/O does too; only its answer is kept. */
  async view(source: CatalogSource, tenant: string): Promise<Result<CatalogView>> {
    const shared = await this.#sharedView(source);
    if (!shared.ok) return shared;
    const { scoped } = shared.value;
    if (scoped.size === 0) return ok({ ...shared.value, tenant });
    const scopes = [tenant];
    if ([...scoped.keys()].some(isPlanScope)) {
      const plan = await this.#planOf(source, tenant);
      if (!plan.ok) return plan;
      scopes.push(scopeOfPlan(plan.value));
    }
    return ok({ ...shared.value, tenant, ownPrices: scopes.flatMap((scope) => scoped.get(scope) ?? []) });
  }

  /** An outage that a kept view tells of is believed only when the pool, asked anew, tells of it too. */
  async route(source: CatalogSource, tenant: string, wanted: WantedRoute): Promise<Result<Route>> {
    const view = await this.view(source, tenant);
    if (!view.ok) return view;
    const route = resolveRoute(view.value, wanted);
    return route.ok || route.failure.code !== 'node_unavailable' ? route : this.routeAnew(source, tenant, wanted);
  }

  /** The route by the bridges that are there now. */
  async routeAnew(source: CatalogSource, tenant: string, wanted: WantedRoute): Promise<Result<Route>> {
    const pool = await source.loadPool();
    if (!pool.ok) return pool;
    if (this.#view) this.#view = { ...this.#view, view: { ...this.#view.view, pool: pool.value } };
    const view = await this.view(source, tenant);
    return view.ok ? resolveRoute({ ...view.value, pool: pool.value }, wanted) : view;
  }

  async #sharedView(source: CatalogSource): Promise<Result<SharedView>> {
    const kept = this.#view;
    if (kept && this.#isFresh(kept.at)) return ok(kept.view);
    const [pool, prices, registry] = await Promise.all([source.loadPool(), source.loadPrices(), source.loadRegistry()]);
    if (!pool.ok) return pool;
    if (!prices.ok) return prices;
    if (!registry.ok) return registry;
    const byScope = Map.groupBy(prices.value, ({ scope }) => scope ?? Everybody);
    const scoped = new Map([...byScope].map(([scope, list]) => [scope, toPriceMap(list)]));
    const everybodys = scoped.get(Everybody) ?? new Map<string, PricedModel>();
    scoped.delete(Everybody);
    const view = { pool: pool.value, prices: everybodys, registry: registry.value, scoped };
    this.#view = { at: this.#clock.now(), view };
    return ok(view);
  }

  async #planOf(source: CatalogSource, tenant: string): Promise<Result<string>> {
    const kept = this.#plans.get(tenant);
    if (kept && this.#isFresh(kept.at)) return ok(kept.plan);
    const plan = await source.loadPlan(tenant);
    if (!plan.ok) return plan;
    if (this.#plans.size >= MaxPlans) this.#plans.clear();
    this.#plans.set(tenant, { at: this.#clock.now(), plan: plan.value });
    return plan;
  }

  #isFresh(at: number): boolean {
    const age = this.#clock.now() - at;
    return age >= 0 && age < ViewTtlMs;
  }
}

function toPriceMap(prices: readonly PricedModel[]): PriceMap {
  return new Map(prices.map((price) => [price.model, price]));
}
