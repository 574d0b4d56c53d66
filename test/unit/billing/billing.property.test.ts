/**
 * Billing under fire: receipts in any order, late, twice, capped; readings, corrections, prices and terms that change,
 * clocks that jump, months that end. Every closed invoice is what an independent computation gives, unit by unit in
 * exact fractions, and all invoices together are the ledger. The seed is printed; FREEHOLD_SEED draws others.
 */
import { expect, test } from 'vitest';
import { verifyInvoice } from '../../../scripts/verify-invoice.ts';
import { meteredSkus, skuUnits, type Invoice, type Tier } from '../../../shared/contracts/billing.ts';
import type { Price } from '../../../shared/contracts/tenants.ts';
import type { Receipt } from '../../../shared/contracts/inference.ts';
import { BillingWorld, bridgeKeys, priceOf } from '../../support/billing-world.ts';
import { randomFrom, seed } from '../../support/seeded-random.ts';

const Steps = Number(process.env['BILLING_STEPS'] ?? 10_000);
const HourMs = 3_600_000;
const DayMs = 24 * HourMs;

/** What the test itself knows of an entry; nothing of the code under test is used to work it out. */
type Known = {
  readonly id: string;
  readonly month: string;
  readonly period: string;
  readonly sku: string;
  readonly model: string | null;
  readonly usedAt: number;
  quantity: number;
  /** Set once it is priced. */
  price?: { readonly id: string | null; readonly unit: number; readonly per: number; readonly tiers: readonly Tier[] };
  cost: number;
};

const yearMonth = (ms: number) => new Date(ms).toISOString().slice(0, 7);
const endOf = (month: string) => Date.UTC(Number(month.slice(0, 4)), Number(month.slice(5)), 1);
const up = (n: bigint, d: bigint) => Number(n % d === 0n ? n / d : n / d + 1n);
const nearest = (n: bigint, d: bigint) => Number((n * 2n + d) / (d * 2n));

test(
  `every invoice is the independent computation, and all of them are the ledger, after ${Steps} random steps (seed ${seed})`,
  { timeout: 120_000 },
  async () => {
    const random = randomFrom(seed);
    const pick = <T>(values: readonly T[]): T => values[Math.floor(random() * values.length)]!;
    const whole = (below: number) => Math.floor(random() * below);
    const world = new BillingWorld(Date.UTC(2026, 0, 28));
    const known = new Map<string, Known>();
    const recent: Known[] = [];
    const unpriced: Known[] = [];
    const sent: Receipt[] = [];
    const invoices: Invoice[] = [];
    const keys = await bridgeKeys();
    let open = '2026-01';
    let serial = 0;
    let credits = 0;
    let corrections = 0;
    let late = 0;

    const monthOf = (usedAt: number) => {
      const now = yearMonth(world.now);
      const latest = now > open ? now : open;
      const used = yearMonth(usedAt);
      const month = used > latest ? latest : used;
      if (month < open) late++;
      return month < open ? open : month;
    };
    const randomTiers = (price: number): Tier[] =>
      random() < 0.5
        ? []
        : [
            { from: whole(50), to: 50 + whole(1_000), unit_price_micros: whole(price + 1) },
            { from: 1_050, to: random() < 0.5 ? null : 5_000, unit_price_micros: whole(price + 1) },
          ];
    const changePrice = () => {
      const [input, cached, output] = [whole(9_000_000), whole(900_000), whole(30_000_000)];
      const made: Price = priceOf({
        id: `version_${serial++}`,
        input_micros_per_mtok: input,
        cached_input_micros_per_mtok: cached,
        output_micros_per_mtok: output,
        tiers: { input_tokens: randomTiers(input), output_tokens: randomTiers(output) },
      });
      world.prices.push(made);
    };
    const usedAt = () => {
      const dice = random();
      if (dice < 0.8) return world.now - whole(HourMs);
      if (dice < 0.9) return world.now - whole(45 * DayMs); // late
      return world.now + whole(2 * DayMs); // a node whose clock is ahead
    };
    const add = (entry: Omit<Known, 'month' | 'period'>) => {
      const made: Known = { ...entry, month: monthOf(entry.usedAt), period: yearMonth(entry.usedAt) };
      known.set(made.id, made);
      recent.push(made);
      if (!made.price) unpriced.push(made);
    };

    const settle = async () => {
      const receipts = Array.from({ length: 1 + whole(4) }, () => {
        const price = pick(world.prices.slice(-3));
        const tokens = { input: whole(3_000), cached: whole(2_000), output: whole(2_000) };
        const maxMicros = random() < 0.1 ? whole(2_000) : 1e12;
        return {
          price,
          tokens,
          made: world.receipt(tokens, {
            price,
            maxMicros,
            finishedAt: usedAt(),
            model: pick(['a', 'b']),
            gpuMs: whole(900),
          }),
          maxMicros,
        };
      });
      for (const { price, tokens, made, maxMicros } of receipts) {
        sent.push(made);
        const cached = Math.min(tokens.cached, tokens.input);
        const prices = [price.input_micros_per_mtok, price.cached_input_micros_per_mtok, price.output_micros_per_mtok];
        const parts = [
          { sku: 'input_tokens', name: 'input', quantity: tokens.input - cached, unit: prices[0]!, there: true },
          { sku: 'cached_input_tokens', name: 'cached', quantity: cached, unit: prices[1]!, there: tokens.cached > 0 },
          { sku: 'output_tokens', name: 'output', quantity: tokens.output, unit: prices[2]!, there: tokens.output > 0 },
        ] as const;
        let exact = 0n;
        let before = 0;
        for (const { sku, name, quantity, unit, there } of parts) {
          exact += BigInt(quantity) * BigInt(unit);
          const upTo = Math.min(maxMicros, up(exact, 1_000_000n));
          const tiers = price.tiers[sku] ?? [];
          if (there) {
            add({
              id: `${made.id}.${name}`,
              sku,
              model: made.model,
              usedAt: made.finished_at,
              quantity,
              cost: upTo - before,
              price: { id: price.id, unit, per: 1_000_000, tiers },
            });
          }
          before = upTo;
        }
        add({
          id: `${made.id}.gpu`,
          sku: 'gpu_seconds',
          model: made.model,
          usedAt: made.finished_at,
          quantity: made.gpu_ms!,
          cost: 0,
        });
      }
      const batch = receipts.map(({ made }) => made);
      await world.settle(random() < 0.2 ? [...batch, pick(sent)] : batch);
      if (random() < 0.1) await world.settle([pick(sent)]); // again, in another batch
    };
    const read = () => {
      const sku = pick(meteredSkus);
      const entry = { id: `m${serial++}`, sku, quantity: whole(100_000), usedAt: usedAt() };
      for (let times = random() < 0.2 ? 2 : 1; times > 0; times--) {
        world.billing.meter([{ ...entry, occurredAt: entry.usedAt }], world.now);
      }
      add({ ...entry, model: null, cost: 0 });
    };
    const priceKnown = () => {
      for (const entry of unpriced.splice(0)) {
        const rate = world.rates
          .filter(({ sku, effective_from }) => sku === entry.sku && Date.parse(effective_from) <= entry.usedAt)
          .reduce<(typeof world.rates)[number] | undefined>(
            (last, each) => (last && Date.parse(last.effective_from) > Date.parse(each.effective_from) ? last : each),
            undefined,
          );
        const { per } = skuUnits[entry.sku as keyof typeof skuUnits];
        entry.price = { id: rate?.id ?? null, unit: rate?.unit_price_micros ?? 0, per, tiers: rate?.tiers ?? [] };
        entry.cost = up(BigInt(entry.quantity) * BigInt(entry.price.unit), BigInt(per));
      }
    };
    const rate = () => {
      world.billing.rate(world.book);
      priceKnown();
    };
    const correct = () => {
      rate();
      const entry = pick(recent.slice(-200));
      if (!entry) return;
      const quantity = whole(3_000);
      const done = world.billing.correct({ entry: entry.id, quantity, reason: 'r' }, world.now);
      const possible = entry.month >= open && quantity !== entry.quantity;
      expect(done.ok, `${entry.id} to ${quantity}`).toBe(possible);
      if (!possible) return;
      corrections++;
      entry.quantity = quantity;
      entry.cost = up(BigInt(quantity) * BigInt(entry.price!.unit), BigInt(entry.price!.per));
    };
    /** The invoice of the open month, computed from what the test knows alone. */
    const expected = () => {
      rate();
      const plan = world.planTerms.toReversed().find(({ effective_from }) => Date.parse(effective_from) < endOf(open));
      const own = world.tenantTerms.toReversed().find(({ effective_from }) => Date.parse(effective_from) < endOf(open));
      const groups = Map.groupBy(
        [...known.values()].filter(({ month }) => month === open),
        ({ sku, period, model, price }) => JSON.stringify([sku, period, model, price!.id]),
      );
      const order = Object.keys(skuUnits);
      const rest = (key: string) => JSON.stringify((JSON.parse(key) as unknown[]).slice(1));
      const skuOf = (key: string) => order.indexOf((JSON.parse(key) as string[])[0]!);
      const sorted = [...groups].sort(([a], [b]) => skuOf(a) - skuOf(b) || (rest(a) < rest(b) ? -1 : 1));
      const left: Record<string, number> = { ...plan?.included };
      const counted: Record<string, number> = {};
      let usage = 0;
      let discount = 0;
      for (const [, group] of sorted) {
        const { sku, price } = group[0]!;
        const quantity = group.reduce((sum, each) => sum + each.quantity, 0);
        const cost = group.reduce((sum, each) => sum + each.cost, 0);
        usage += cost;
        const free = Math.min(quantity, left[sku] ?? 0);
        left[sku] = (left[sku] ?? 0) - free;
        const gift = free === 0 ? 0 : nearest(BigInt(cost) * BigInt(free), BigInt(quantity));
        let saved = 0n;
        const name = `${sku} ${price!.id}`;
        const start = counted[name] ?? 0;
        const end = start + quantity - free;
        counted[name] = end;
        for (const tier of price!.tiers) {
          const units = Math.min(tier.to ?? end, end) - Math.max(tier.from, start);
          if (units > 0) saved += BigInt(units) * BigInt(price!.unit - tier.unit_price_micros);
        }
        discount += gift + Math.min(cost - gift, nearest(saved, BigInt(price!.per)));
      }
      const fee = plan?.platform_fee_micros ?? 0;
      const net = usage - discount + fee;
      const markup = nearest(BigInt(net) * BigInt(own?.markup_bps ?? 0), 10_000n);
      const credit = Math.min(net + markup, credits);
      const tax = nearest(BigInt(net + markup - credit) * BigInt(own?.tax_bps ?? 0), 10_000n);
      return { usage, total: net + markup - credit + tax, credit };
    };
    const closeMonth = async () => {
      const month = open;
      if (world.now < endOf(month)) {
        expect(world.billing.close(month, world.book, world.now).ok).toBe(false);
        return;
      }
      const { usage, total, credit } = expected();
      const made = world.close(month);
      expect([month, made.usage_micros, made.total_micros, made.credit_micros]).toEqual([month, usage, total, credit]);
      credits -= credit;
      invoices.push(made);
      open = yearMonth(endOf(month));
      const verified = await verifyInvoice(made, world.export(month), keys);
      expect(verified).toMatchObject({ valid: true, totalMicros: total });
    };

    changePrice();
    for (let step = 0; step < Steps; step++) {
      const dice = random();
      if (dice < 0.4) await settle();
      else if (dice < 0.75) read();
      else if (dice < 0.8) correct();
      else if (dice < 0.81) changePrice();
      else if (dice < 0.83) {
        const price = whole(5_000);
        world.setRate({ sku: pick(meteredSkus), unit_price_micros: price, tiers: randomTiers(price) });
        world.now += 1;
      } else if (dice < 0.84) {
        world.setPlan({
          platform_fee_micros: whole(1e6),
          included: { input_tokens: whole(90_000), tool_calls: whole(1e6) },
        });
        world.now += 1;
      } else if (dice < 0.85) {
        world.setTerms({ markup_bps: whole(3_000), tax_bps: whole(2_500) });
        world.now += 1;
      } else if (dice < 0.855) {
        const amount = 1 + whole(1e6);
        world.billing.grantCredit({ amount_micros: amount, reference: `c${serial++}`, reason: 'r' }, world.now);
        credits += amount;
      } else if (dice < 0.87) rate();
      else if (dice < 0.88) world.now -= whole(2 * HourMs); // a clock that is set back
      else world.now += whole(36 * HourMs);
      if (random() < 0.001) await closeMonth();
      if (world.now > endOf(open) + 3 * DayMs) await closeMonth();
      // Versions of terms are read newest first: a clock that was set back must not make an older one the newest.
      const newest = Math.max(
        0,
        ...[...world.rates, ...world.planTerms, ...world.tenantTerms].map(({ effective_from }) =>
          Date.parse(effective_from),
        ),
      );
      if (world.now <= newest) world.now = newest + 1;
    }
    while (open <= yearMonth(world.now)) {
      if (world.now < endOf(open)) world.now = endOf(open);
      await closeMonth();
      if (yearMonth(world.now) <= yearMonth(endOf(open) - 1) && !known.values().some(({ month }) => month >= open))
        break;
    }
    const ledger = world.billing.entries.usage('sku', 0, 1e15).reduce((sum, row) => sum + row.cost_micros, 0);
    const mine = [...known.values()].reduce((sum, { cost }) => sum + cost, 0);
    expect(invoices.reduce((sum, { usage_micros }) => sum + usage_micros, 0)).toBe(ledger);
    expect(ledger).toBe(mine);
    expect(invoices.length).toBeGreaterThan(5);
    console.log(
      `seed ${seed}: ${known.size} entries, ${corrections} corrections, ${late} late, ${invoices.length} invoices, ${ledger} micro-USD`,
    );
  },
);
