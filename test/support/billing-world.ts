/**
 * A tenant's billing in Node: the real stores on SQLite, a clock that the test turns, a price book in memory, and a bridge
 * whose receipts are really sealed and signed.
 */
import { generateKeyPairSync } from 'node:crypto';
import { exportJWK, CompactSign, type JWK } from 'jose';
import { Billing, type BillingBook } from '../../durable-objects/tenant/billing.ts';
import { LedgerStore } from '../../durable-objects/tenant/ledger-store.ts';
import { Settling } from '../../durable-objects/tenant/settling.ts';
import { Telemetry } from '../../durable-objects/tenant/telemetry.ts';
import { TelemetryStore } from '../../durable-objects/tenant/telemetry-store.ts';
import { tenantMigrations } from '../../durable-objects/tenant/tenant-migrations.ts';
import { Treasury } from '../../durable-objects/tenant/treasury.ts';
import { TurnRunStore } from '../../durable-objects/tenant/turn-run-store.ts';
import { canonicalJson, type Json } from '../../shared/core/canonical-json.ts';
import { toIso } from '../../shared/core/clock.ts';
import type { TenantId } from '../../shared/core/ids.ts';
import {
  skuUnits,
  type Invoice,
  type PlanTerms,
  type Rate,
  type SetRate,
  type TenantTerms,
} from '../../shared/contracts/billing.ts';
import { TokenTypes, type Receipt } from '../../shared/contracts/inference.ts';
import type { Price } from '../../shared/contracts/tenants.ts';
import { toEntryFilter } from '../../shared/contracts/usage.ts';
import { TicketSeal } from '../../shared/inference/ticket.ts';
import { sqliteStorage } from './sqlite-storage.ts';

export const billedTenant = 'tnt_00000000000000000000000001';
export const billedBridge = 'brg_00000000000000000000000001';
const seal = new TicketSeal(JSON.stringify({ d: Buffer.alloc(32, 7).toString('base64url') }));
const { privateKey, publicKey } = generateKeyPairSync('ed25519');

export const bridgeKeys = async (): Promise<Record<string, JWK>> => ({ [billedBridge]: await exportJWK(publicKey) });

export function priceOf(partial: Partial<Price> = {}): Price {
  return {
    object: 'price',
    id: 'price_1',
    model: '*',
    input_micros_per_mtok: 2_000_000,
    cached_input_micros_per_mtok: 500_000,
    output_micros_per_mtok: 6_000_000,
    plan: null,
    tenant: null,
    tiers: {},
    effective_from: '2026-01-01T00:00:00.000Z',
    ...partial,
  };
}

let serial = 0;
const fresh = () => String(serial++).padStart(26, '0');

export class BillingWorld {
  now: number;
  readonly sql = sqliteStorage(tenantMigrations.map(({ sql }) => sql));
  readonly billing = new Billing(billedTenant, this.sql);
  readonly ledger = new LedgerStore(this.sql);
  readonly #settling = new Settling({
    tenantId: billedTenant as TenantId,
    seal,
    ledger: this.ledger,
    billing: this.billing,
    telemetry: new Telemetry(new TelemetryStore(this.sql)),
    treasury: new Treasury(this.sql),
    turnRuns: new TurnRunStore(this.sql),
    isThere: () => true,
    transact: (work) => work(),
    now: () => this.now,
  });
  readonly prices: Price[] = [priceOf()];
  readonly rates: Rate[] = [];
  readonly planTerms: PlanTerms[] = [];
  readonly tenantTerms: TenantTerms[] = [];

  constructor(now: number) {
    this.now = now;
    this.billing.begin(now);
  }

  get book(): BillingBook {
    const newestFirst = <T extends { effective_from: string }>(list: readonly T[]) =>
      list.toSorted((a, b) => Date.parse(b.effective_from) - Date.parse(a.effective_from));
    return {
      terms: {
        plan: 'standard',
        rates: newestFirst(this.rates),
        planTerms: newestFirst(this.planTerms),
        tenantTerms: newestFirst(this.tenantTerms),
      },
      tiered: this.prices,
    };
  }

  setRate(rate: Pick<SetRate, 'sku' | 'unit_price_micros'> & Partial<SetRate>): Rate {
    const made: Rate = {
      object: 'rate',
      id: `rate_${fresh()}`,
      ...skuUnits[rate.sku],
      plan: null,
      tenant: null,
      tiers: [],
      ...rate,
      effective_from: toIso(this.now),
    };
    this.rates.push(made);
    return made;
  }

  setPlan(terms: Partial<PlanTerms>): void {
    this.planTerms.push({
      object: 'plan_terms',
      id: `terms_${fresh()}`,
      plan: 'standard',
      platform_fee_micros: 0,
      included: {},
      effective_from: toIso(this.now),
      ...terms,
    });
  }

  setTerms(terms: Partial<TenantTerms>): void {
    this.tenantTerms.push({
      object: 'tenant_terms',
      id: `terms_${fresh()}`,
      tenant: billedTenant,
      markup_bps: 0,
      tax_bps: 0,
      tax_label: null,
      effective_from: toIso(this.now),
      ...terms,
    });
  }

  /** A run as its bridge would tell it: admitted at `price`, finished at `finishedAt`. */
  receipt(
    tokens: { readonly input: number; readonly cached?: number; readonly output: number },
    options: {
      readonly price?: Price;
      readonly finishedAt?: number;
      readonly model?: string;
      readonly maxMicros?: number;
      readonly embeddings?: boolean;
      readonly gpuMs?: number;
    } = {},
  ): Receipt {
    const { price = this.prices[0]!, finishedAt = this.now, model = 'm', maxMicros = 1e12 } = options;
    const run = `run_${fresh()}`;
    const { input_micros_per_mtok, cached_input_micros_per_mtok, output_micros_per_mtok } = price;
    const ticket = seal.seal({
      run,
      tenant: billedTenant,
      payer: { kind: 'key', id: 'key_1' },
      agent: null,
      project: 'alpha',
      environment: 'prod',
      lease: null,
      bridge: billedBridge,
      model,
      priceId: price.id,
      price: { input_micros_per_mtok, cached_input_micros_per_mtok, output_micros_per_mtok },
      maxMicros,
      maxTokens: 1e9,
    });
    return {
      id: `rcp_${fresh()}`,
      run,
      tenant: billedTenant,
      bridge: billedBridge,
      node: 'n1',
      node_kind: 'vllm',
      external: false,
      operation: options.embeddings ? 'embeddings' : 'chat',
      model,
      input_tokens: tokens.input,
      cached_input_tokens: tokens.cached ?? 0,
      output_tokens: tokens.output,
      counted_by: 'node',
      outcome: 'completed',
      ...(options.gpuMs === undefined ? {} : { gpu_ms: options.gpuMs }),
      started_at: finishedAt - 1_000,
      finished_at: finishedAt,
      ticket,
    };
  }

  async settle(receipts: readonly Receipt[]): Promise<void> {
    const payload = { iss: billedBridge, iat: 1, tenant: billedTenant, receipts };
    const jws = await new CompactSign(new TextEncoder().encode(JSON.stringify(payload)))
      .setProtectedHeader({ alg: 'EdDSA', typ: TokenTypes.receipts, kid: billedBridge })
      .sign(privateKey);
    const { refused } = this.#settling.settle(billedBridge, receipts, jws);
    if (refused[0]) throw new Error(refused[0].reason);
  }

  close(month: string): Invoice {
    const closed = this.billing.close(month, this.book, this.now);
    if (!closed.ok) throw new Error(closed.failure.message);
    return closed.value;
  }

  /** As GET /v1/receipts writes it. */
  export(month: string): string[] {
    const filter = toEntryFilter({ month });
    const lines = [
      ...this.ledger.page(filter, '', 1e9),
      ...this.billing.entries.page(filter, '', 1e9, false),
      ...this.ledger.batches(filter, 0, 1e9),
    ];
    return [...lines, { object: 'receipts.end', lines: lines.length }].map((line) => canonicalJson(line as Json));
  }
}
