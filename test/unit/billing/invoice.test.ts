/** Invoices: lines are sums of the ledger, everything else follows from them and the terms; a closed month stands. */
import { describe, expect, test } from 'vitest';
import { computeInvoice, computeTierDiscount } from '../../../shared/billing/compute-invoice.ts';
import { formatUsd, toInvoiceCsv, toInvoiceHtml } from '../../../shared/billing/invoice-text.ts';
import type { InvoiceTerms, LedgerSum } from '../../../shared/contracts/billing.ts';
import { billingEntry, invoice as invoiceShape } from '../../../shared/contracts/billing.ts';
import { BillingWorld, priceOf } from '../../support/billing-world.ts';

const November = Date.UTC(2026, 10, 10);
const December = Date.UTC(2026, 11, 2);
const terms: InvoiceTerms = {
  plan: 'standard',
  platform_fee_micros: 0,
  included: {},
  tiers: [],
  markup_bps: 0,
  tax_bps: 0,
  tax_label: null,
  credit_available_micros: 0,
};
const calls: LedgerSum = {
  sku: 'tool_calls',
  model: null,
  price_id: 'rate_1',
  unit: 'call',
  unit_price_micros: 1_000,
  per: 1,
  period: '2026-11',
  quantity: 300,
  entries: 3,
  amount_micros: 300_000,
};
const compute = (sums: readonly LedgerSum[], changed: Partial<InvoiceTerms> = {}) =>
  computeInvoice('tnt_1', '2026-11', sums, { ...terms, ...changed }, null);
const tiers = [
  { from: 100, to: 200, unit_price_micros: 800 },
  { from: 250, to: null, unit_price_micros: 500 },
];

describe('an invoice', () => {
  test('takes off what is included, in the order of its lines, and never more than there is', () => {
    const cheaper = { ...calls, price_id: 'rate_2', unit_price_micros: 500, amount_micros: 150_000 };
    const made = compute([cheaper, calls], { included: { tool_calls: 450, egress_bytes: 1e9 } });
    expect(made.lines.filter(({ kind }) => kind === 'included')).toMatchObject([
      { price_id: 'rate_1', quantity: 300, amount_micros: -300_000 },
      { price_id: 'rate_2', quantity: 150, amount_micros: -75_000 },
    ]);
    expect(made).toMatchObject({ usage_micros: 450_000, discount_micros: 375_000, total_micros: 75_000 });
  });

  test('counts graduated tiers from the first unit that is not included; between tiers the price itself holds', () => {
    expect(computeTierDiscount(tiers, 1_000, { from: 0, to: 300 }, 1)).toBe(100 * 200 + 50 * 500);
    expect(computeTierDiscount(tiers, 1_000, { from: 0, to: 100 }, 1)).toBe(0);
    expect(computeTierDiscount(tiers, 1_000, { from: 0, to: 101 }, 1)).toBe(200);
    const tiered = [{ price_id: 'rate_1', sku: 'tool_calls' as const, unit_price_micros: 1_000, tiers }];
    const made = compute([calls], { tiers: tiered, included: { tool_calls: 150 } });
    expect(made.discount_micros).toBe(150_000 + 50 * 200);
    const other = compute([calls, { ...calls, model: 'm', period: '2026-10' }], { tiers: tiered });
    expect(other.discount_micros).toBe(100 * 200 + 350 * 500);
  });

  test('adds fee, mark-up, credits and tax in that order, each rounded once, half up', () => {
    const made = compute([{ ...calls, amount_micros: 12_345 }], {
      platform_fee_micros: 1_000,
      markup_bps: 1_000,
      credit_available_micros: 5_000,
      tax_bps: 1_900,
      tax_label: 'VAT',
    });
    // 13,345 * 10 % = 1,334.5 -> 1,335; (14,680 - 5,000) * 19 % = 1,839.2 -> 1,839
    expect(made).toMatchObject({ markup_micros: 1_335, credit_micros: 5_000, tax_micros: 1_839, total_micros: 11_519 });
    expect(made.lines.reduce((sum, line) => sum + line.amount_micros, 0)).toBe(made.total_micros);
  });

  test('never uses more credit than is due, and the next one has the rest', () => {
    const world = new BillingWorld(November);
    world.setRate({ sku: 'tool_calls', unit_price_micros: 10 });
    const credit = { amount_micros: 25, reference: 'c-1', reason: 'sorry' };
    expect(world.billing.grantCredit(credit, world.now).ok).toBe(true);
    expect(world.billing.grantCredit(credit, world.now)).toMatchObject({ ok: true, value: { reference: 'c-1' } });
    expect(world.billing.grantCredit({ ...credit, amount_micros: 26 }, world.now)).toMatchObject({
      failure: { code: 'conflict', param: 'reference' },
    });
    world.billing.meter([{ id: 'a', sku: 'tool_calls', quantity: 2, occurredAt: November }], world.now);
    world.now = December;
    expect(world.close('2026-11')).toMatchObject({ credit_micros: 20, total_micros: 0 });
    expect(world.billing.invoices.creditLeft()).toBe(5);
  });
});

describe('a closed month', () => {
  test('gets nothing more: what comes late is on the next invoice, as of the month it was used in', async () => {
    const world = new BillingWorld(November);
    await world.settle([world.receipt({ input: 1_000_000, output: 0 })]);
    world.now = December;
    const closed = world.close('2026-11');
    expect(closed).toMatchObject({ status: 'closed', usage_micros: 2_000_000 });
    await world.settle([world.receipt({ input: 500_000, output: 0 }, { finishedAt: November })]);
    expect(world.billing.invoice('2026-11', world.book, world.now)).toEqual({ ok: true, value: closed });
    world.now = Date.UTC(2027, 0, 2);
    const next = world.close('2026-12');
    expect(next.lines).toMatchObject([{ kind: 'usage', period: '2026-11', amount_micros: 1_000_000 }]);
  });

  test('refuses corrections, a second closing, one before its end and one out of order; nothing changes', async () => {
    const world = new BillingWorld(November);
    const receipt = world.receipt({ input: 10, output: 10 });
    await world.settle([receipt]);
    const conflict = (param: string) => ({ ok: false, failure: { code: 'conflict', param } });
    expect(world.billing.close('2026-11', world.book, world.now)).toMatchObject(conflict('month'));
    world.now = Date.UTC(2027, 0, 2);
    expect(world.billing.close('2026-12', world.book, world.now)).toMatchObject(conflict('month'));
    const closed = world.close('2026-11');
    expect(world.billing.close('2026-11', world.book, world.now)).toMatchObject(conflict('month'));
    const change = { entry: `${receipt.id}.output`, quantity: 1, reason: 'wrong' };
    expect(world.billing.correct(change, world.now)).toMatchObject(conflict('entry'));
    expect(world.billing.invoice(closed.id, world.book, world.now)).toEqual({ ok: true, value: closed });
  });

  test('is protected by the database itself, as is every entry of the ledger', async () => {
    const world = new BillingWorld(November);
    await world.settle([world.receipt({ input: 10, output: 10 }, { gpuMs: 5 })]);
    world.now = December;
    world.close('2026-11');
    for (const statement of [
      "UPDATE invoices SET document = '{}'",
      'DELETE FROM invoices',
      'UPDATE ledger SET cost_micros = 0',
      'DELETE FROM ledger',
      'UPDATE meter_entries SET cost_micros = 1',
      'DELETE FROM meter_entries',
    ]) {
      expect(() => world.sql.exec(statement), statement).toThrow(/append-only|closed invoice/);
    }
    world.billing.invoices.markArchived('2026-11');
    expect(world.billing.invoices.findUnarchived()).toBeUndefined();
  });
});

describe('the ledger', () => {
  test('has every SKU in one form, and the parts of a receipt are its cost exactly, also where that was capped', async () => {
    const world = new BillingWorld(November);
    world.setRate({ sku: 'gpu_seconds', unit_price_micros: 3_000 });
    const runs = [
      world.receipt({ input: 7, cached: 3, output: 5 }, { gpuMs: 400 }),
      world.receipt({ input: 7, cached: 3, output: 5 }, { maxMicros: 9 }),
      world.receipt({ input: 11, output: 0 }, { embeddings: true }),
      world.receipt({ input: 2, cached: 9, output: 1 }),
    ];
    await world.settle(runs);
    world.billing.rate(world.book);
    const parts = world.billing.entries.page({ fromMs: 0, toMs: 1e15, month: null }, '', 100, true);
    for (const part of parts) expect(billingEntry.strict().parse(part)).toEqual(part);
    for (const { id } of runs) {
      const own = parts.filter((part) => part.id.startsWith(id) && part.sku !== 'gpu_seconds');
      expect(own.reduce((sum, part) => sum + part.cost_micros, 0)).toBe(world.ledger.findEntry(id)!.cost_micros);
    }
    expect(parts.find(({ id }) => id === `${runs[0]!.id}.gpu`)).toMatchObject({ quantity: 400, cost_micros: 1_200 });
    expect(parts.find(({ id }) => id === `${runs[2]!.id}.input`)).toMatchObject({ sku: 'embedding_tokens' });
    const bySku = world.billing.entries.usage('sku', 0, 1e15);
    expect(bySku.reduce((sum, row) => sum + row.cost_micros, 0)).toBe(
      parts.reduce((sum, part) => sum + part.cost_micros, 0),
    );
    expect(world.billing.entries.usage('project', 0, 1e15)).toMatchObject([{ project: 'alpha', requests: 4 }]);
  });

  test('has the answers of a batch as one reading of egress, once, and none where no bridge counted any', async () => {
    const world = new BillingWorld(November);
    const runs = [500, 1_200, undefined].map((bytes) => ({
      ...world.receipt({ input: 1, output: 1 }),
      ...(bytes === undefined ? {} : { answer_bytes: bytes }),
    }));
    await world.settle(runs.slice(1));
    await world.settle(runs);
    await world.settle(runs);
    world.billing.rate(world.book);
    const egress = world.billing.entries
      .page({ fromMs: 0, toMs: 1e15, month: null }, '', 100, true)
      .filter(({ sku }) => sku === 'egress_bytes');
    expect(egress.map(({ id, quantity }) => [id, quantity])).toEqual([
      [`egress:${runs[0]!.id}`, 500],
      [`egress:${runs[1]!.id}`, 1_200],
    ]);
  });

  test('takes a reading once by its id, at the price in force when it was used, and none that is no count', () => {
    const world = new BillingWorld(November);
    const reading = { id: 'call-1', sku: 'tool_calls', quantity: 3, occurredAt: November + 1_000 } as const;
    world.setRate({ sku: 'tool_calls', unit_price_micros: 10 });
    world.now += 2_000;
    expect(world.billing.meter([reading, reading], world.now)).toBe(1);
    expect(world.billing.meter([{ ...reading, quantity: 9 }], world.now)).toBe(0);
    for (const quantity of [-1, 0.5, Number.NaN, 1e300]) {
      expect(world.billing.meter([{ ...reading, id: `bad-${quantity}`, quantity }], world.now)).toBe(0);
    }
    world.setRate({ sku: 'tool_calls', unit_price_micros: 99 });
    world.billing.rate(world.book);
    expect(world.billing.entries.find('call-1')).toMatchObject({ quantity: 3, cost_micros: 30 });
  });

  test("prices by the tenant's own rate before its plan's, and that before everybody's; without a rate it is free", () => {
    const world = new BillingWorld(November);
    world.setRate({ sku: 'tool_calls', unit_price_micros: 1 });
    const read = (id: string) => {
      world.billing.meter([{ id, sku: 'tool_calls', quantity: 1, occurredAt: world.now }], world.now);
      world.billing.rate(world.book);
      return world.billing.entries.find(id)!.cost_micros;
    };
    expect(read('a')).toBe(1);
    world.setRate({ sku: 'tool_calls', unit_price_micros: 5, plan: 'standard' });
    expect(read('b')).toBe(5);
    world.setRate({ sku: 'tool_calls', unit_price_micros: 7, tenant: 'tnt_1' });
    world.now += 1;
    world.setRate({ sku: 'tool_calls', unit_price_micros: 9 });
    expect(read('c')).toBe(7);
    world.billing.meter([{ id: 'd', sku: 'job_minutes', quantity: 60_000, occurredAt: world.now }], world.now);
    world.billing.rate(world.book);
    expect(world.billing.entries.find('d')).toMatchObject({ cost_micros: 0, price_id: null });
  });

  test('is corrected by an entry that says the difference, again and again, down to nothing', async () => {
    const world = new BillingWorld(November);
    const receipt = world.receipt({ input: 1_000, output: 2_000 });
    await world.settle([receipt]);
    const entry = `${receipt.id}.output`;
    const correct = (quantity: number) => world.billing.correct({ entry, quantity, reason: 'r' }, world.now);
    expect(correct(1_000)).toMatchObject({ value: { kind: 'correction', quantity: -1_000, cost_micros: -6_000 } });
    expect(correct(1_000)).toMatchObject({ failure: { code: 'conflict', param: 'entry' } });
    expect(correct(3_000)).toMatchObject({ value: { quantity: 2_000, cost_micros: 12_000 } });
    expect(correct(0)).toMatchObject({ value: { quantity: -3_000, cost_micros: -18_000 } });
    const draft = world.billing.invoice('2026-11', world.book, world.now);
    expect(draft).toMatchObject({ value: { usage_micros: 2_000 } });
    expect(world.billing.correct({ entry: 'nothing', quantity: 0, reason: 'r' }, world.now)).toMatchObject({
      failure: { code: 'not_found', param: 'entry' },
    });
  });

  test('gives the days in which something was entered, whole', async () => {
    const world = new BillingWorld(November);
    await world.settle([world.receipt({ input: 1_000_000, output: 0 })]);
    world.now += 86_400_000;
    await world.settle([world.receipt({ input: 500_000, output: 0 }, { finishedAt: November })]);
    expect(world.billing.entries.daily(world.now)).toMatchObject([
      { day: '2026-11-10', sku: 'input_tokens', model: 'm', quantity: 1_500_000, costMicros: 3_000_000, entries: 2 },
    ]);
    expect(world.billing.entries.daily(world.now + 1)).toEqual([]);
  });
});

describe('an invoice as text', () => {
  test('has the same amounts as CSV and as a page, exact to the micro-dollar, and nothing in it is taken for code', async () => {
    const world = new BillingWorld(November);
    world.prices[0] = priceOf();
    world.setTerms({ tax_bps: 1_900, tax_label: '=VAT, "19"' });
    await world.settle([world.receipt({ input: 333, output: 77 }, { model: '<script>' })]);
    world.now = December;
    const made = world.close('2026-11');
    expect(invoiceShape.strict().parse(made)).toEqual(made);
    const csv = toInvoiceCsv(made);
    expect(csv).toContain('usage,input_tokens <script>,2026-11,333,token,2000000,1000000,0.000666\r\n');
    expect(csv).toContain(`"'=VAT, ""19"" 19 %"`);
    expect(csv.trimEnd().endsWith(`total,Total,,,,,,${formatUsd(made.total_micros)}`)).toBe(true);
    const html = toInvoiceHtml(made);
    expect(html).not.toContain('<script>');
    expect(html).toContain(`<td>${formatUsd(made.total_micros)}</td>`);
    expect([formatUsd(-1), formatUsd(1_234_567), formatUsd(0)]).toEqual(['-0.000001', '1.234567', '0.000000']);
  });
});
