/** What a tenant's billing reads from D1, and what it leaves there for the operator. */
import { HashEmbeddingDimensions } from '../../shared/core/hash-embedding.ts';
import type { TenantId } from '../../shared/core/ids.ts';
import { scopesOf, toScope } from '../../shared/core/price-scope.ts';
import { ok, type Result } from '../../shared/core/result.ts';
import { meteredSkus } from '../../shared/contracts/billing.ts';
import type { OwnPrice } from '../../shared/contracts/tenants.ts';
import { AnyModelPrice } from '../../shared/inference/resolve-route.ts';
import { BillingArchive } from '../../shared/store/billing-archive.ts';
import { MemoryStore } from '../../shared/store/memory-store.ts';
import { PriceBook } from '../../shared/store/price-book.ts';
import { TermsBook } from '../../shared/store/terms-book.ts';
import { tenantScope } from '../../shared/tenancy/tenant-scope.ts';
import { rateAt, type BillingBook } from './billing.ts';

const BytesOfFloat = 4;

const isForAll = ({ model }: { readonly model: string }) => model === AnyModelPrice;

export class BillingSource {
  readonly archive: BillingArchive;
  readonly #tenant: TenantId;
  readonly #prices: PriceBook;
  readonly #terms: TermsBook;
  readonly #memories: MemoryStore;

  constructor(tenant: TenantId, database: D1Database) {
    this.#tenant = tenant;
    this.archive = new BillingArchive(database);
    this.#prices = new PriceBook(database);
    this.#terms = new TermsBook(database);
    this.#memories = new MemoryStore(database);
  }

  async book(): Promise<Result<BillingBook>> {
    const [terms, tiered] = await Promise.all([this.#terms.of(this.#tenant), this.#prices.tiered(this.#tenant)]);
    if (!terms.ok) return terms;
    return tiered.ok ? ok({ terms: terms.value, tiered: tiered.value }) : tiered;
  }

  /** The prices, rates and terms that count for this tenant now. */
  async prices(now: number): Promise<Result<OwnPrice[]>> {
    const terms = await this.#terms.of(this.#tenant);
    if (!terms.ok) return terms;
    const scopes = scopesOf(this.#tenant, terms.value.plan);
    const prices = await this.#prices.current(now, scopes);
    if (!prices.ok) return prices;
    const layers = scopes.map((scope) => prices.value.filter((price) => toScope(price) === scope));
    const effective = (model: string) =>
      layers.flatMap((layer) => layer.find((price) => price.model === model) ?? layer.find(isForAll) ?? [])[0]!;
    const models = new Set(prices.value.map(({ model }) => model));
    const { rates, planTerms, tenantTerms } = terms.value;
    const ownRates = meteredSkus.flatMap((sku) => rateAt(rates, sku, now) ?? []);
    return ok([
      ...new Set([...models].sort().map(effective)),
      ...ownRates,
      ...planTerms.slice(0, 1),
      ...tenantTerms.slice(0, 1),
    ]);
  }

  /** Bytes of the tenant's memories: their text and their vectors. */
  async memoryBytes(): Promise<Result<number>> {
    const size = await this.#memories.measure(tenantScope(this.#tenant));
    if (!size.ok) return size;
    const { memories, textBytes } = size.value;
    return ok(textBytes + memories * HashEmbeddingDimensions * BytesOfFloat);
  }
}
