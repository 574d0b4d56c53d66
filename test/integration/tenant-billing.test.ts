/**
 * Billing in workerd: what a tenant's object does by itself by its alarm, what it leaves in D1, and what it refuses; with
 * the real D1, an eviction, and a clock of the test's.
 */
import { evictDurableObject, runDurableObjectAlarm } from 'cloudflare:test';
import { beforeAll, describe, expect, test } from 'vitest';
import { operatorActor } from '../../shared/contracts/audit.ts';
import type { Invoice } from '../../shared/contracts/billing.ts';
import { toEntryFilter, type ExportPage, type ExportPlace } from '../../shared/contracts/usage.ts';
import { BillingArchive } from '../../shared/store/billing-archive.ts';
import { newTenantRecord, TenantDirectory } from '../../shared/store/tenant-directory.ts';
import { TermsBook } from '../../shared/store/terms-book.ts';
import { PriceBook } from '../../shared/store/price-book.ts';
import { must, openTenant, start } from './tenant-env.ts';
import { database, migrateDatabase } from './vectors-env.ts';

const HourMs = 3_600_000;
const DayMs = 24 * HourMs;
const directory = new TenantDirectory(database);
const terms = new TermsBook(database);
const archive = new BillingArchive(database);
let serial = 0;

beforeAll(migrateDatabase);

async function openBilled() {
  const opened = await openTenant();
  const slug = `billed-${serial++}`;
  const plan = `plan-${slug}`;
  must(await directory.create(newTenantRecord(opened.tenant, { slug, name: slug, plan, region: null }, start)));
  const meter = (id: string, quantity: number, occurredAt = opened.clock.at) =>
    opened.run((object) => object.billing.meter([{ id, sku: 'tool_calls', quantity, occurredAt }]));
  const ring = async (times = 8) => {
    for (; times > 0; times--) await opened.run((object) => object.alarm());
  };
  return { ...opened, plan, meter, ring };
}

describe('an alarm', () => {
  test('samples storage once an hour, prices what was metered, and tells the operator the sums of the day', async () => {
    const { tenant, clock, run, plan, meter, ring } = await openBilled();
    const audience = { plan, tenant: null };
    must(
      await terms.setRate(
        'rate_a' + plan,
        { sku: 'tool_calls', unit_price_micros: 100, tiers: [], ...audience },
        start - 1,
      ),
    );
    must(
      await terms.setRate(
        'rate_b' + plan,
        { sku: 'storage_gb_hours', unit_price_micros: 1_000_000_000, tiers: [], ...audience },
        start - 1,
      ),
    );
    expect(must(await meter('call-1', 7))).toBe(1);
    expect(must(await meter('call-1', 7))).toBe(0);
    clock.at += 2 * HourMs + 1;
    await ring(2);
    const bySku = await run((object) => object.usage('sku', 0, Number.MAX_SAFE_INTEGER));
    expect(bySku).toMatchObject([
      { sku: 'storage_gb_hours', unit: 'byte_hour' },
      { sku: 'tool_calls', quantity: 7, cost_micros: 700 },
    ]);
    const storage = bySku[0]!;
    expect(storage.quantity).toBeGreaterThan(10_000);
    expect(storage.cost_micros).toBe(storage.quantity);
    await ring(2);
    expect(await run((object) => object.usage('sku', 0, Number.MAX_SAFE_INTEGER))).toEqual(bySku);
    // Sums are told once an hour.
    clock.at += 2 * HourMs;
    await ring(1);
    const rows = must(await archive.usage('tenant', '2026-06-01', '2026-06-02')).filter((row) => row.tenant === tenant);
    expect(rows).toMatchObject([{ cost_micros: 700 + storage.cost_micros!, entries: 2 }]);
  });

  test('closes a month three days after its end, by itself, and leaves a copy that nobody can change', async () => {
    const { tenant, clock, run, meter, ring, trail } = await openBilled();
    must(await meter('call-1', 7));
    clock.at = Date.UTC(2026, 6, 1) + 3 * DayMs - 1;
    await ring();
    const status = async () => must(await run((object) => object.billing.invoice('2026-06'))).status;
    expect(await status()).toBe('draft');
    clock.at += 2;
    await ring();
    expect(await status()).toBe('closed');
    const own = must(await run((object) => object.billing.invoices(10, undefined)));
    expect(own.data.map(({ month, status: each }) => [month, each])).toEqual([
      ['2026-07', 'draft'],
      ['2026-06', 'closed'],
    ]);
    const copies = must(await archive.listInvoices(10, undefined, { tenant }));
    expect(copies.data).toEqual([own.data[1]]);
    expect((await trail()).filter(({ action }) => action === 'invoice.closed')).toMatchObject([
      { actor: { kind: 'system' }, details: { month: '2026-06' } },
    ]);
    for (const statement of ["UPDATE invoices SET document = '{}'", 'DELETE FROM invoices']) {
      await expect(database.prepare(statement).run(), statement).rejects.toThrow(/closed invoice/);
    }
    const closed = must(await run((object) => object.billing.invoice('2026-06')));
    expect(await archive.addInvoice(closed)).toMatchObject({ ok: true });
    expect(await archive.addInvoice({ ...closed, total_micros: 1 })).toMatchObject({ failure: { code: 'conflict' } });
  });

  test('is armed from the birth of the tenant on, and again after the object was evicted', async () => {
    const { stub, run } = await openBilled();
    const armed = () => run((_, state) => state.storage.getAlarm());
    expect(await armed()).toBeGreaterThan(0);
    await evictDurableObject(stub);
    expect(await armed()).toBeGreaterThan(0);
    // It may have rung by itself: by the runtime's clock everything here is long due.
    await runDurableObjectAlarm(stub);
    await expect.poll(armed).toBeGreaterThan(0);
  });
});

describe('the desk of billing', () => {
  test('gives an export whose pages hold every line once, and the same invoice after an eviction', async () => {
    const { clock, run, stub, meter } = await openBilled();
    for (let at = 0; at < 1_203; at++) if (at % 401 === 0) await meter(`first-${at}`, 1);
    await run((object) =>
      object.billing.meter(
        Array.from({ length: 1_100 }, (_, at) => ({
          id: `call-${at}`,
          sku: 'tool_calls' as const,
          quantity: 1,
          occurredAt: clock.at,
        })),
      ),
    );
    const read = () =>
      run(async (object) => {
        const ids: string[] = [];
        let place: ExportPlace | undefined = { part: 'receipts', after: '' };
        while (place) {
          const page: ExportPage = must(await object.billing.exportPage(toEntryFilter({ month: '2026-06' }), place));
          ids.push(...page.lines.map(({ id }) => String(id)));
          place = page.next;
        }
        return ids;
      });
    const ids = await read();
    expect(ids).toHaveLength(1_103);
    expect(new Set(ids).size).toBe(1_103);
    clock.at = Date.UTC(2026, 6, 2);
    const closed: Invoice = must(await run((object) => object.billing.close('2026-06', operatorActor)));
    await evictDurableObject(stub);
    expect(must(await run((object) => object.billing.invoice(closed.id)))).toEqual(closed);
    expect(await run((object) => object.billing.close('2026-06', operatorActor))).toMatchObject({
      failure: { code: 'conflict', param: 'month' },
    });
  });

  test('shows a tenant the prices that count for it: its own, else those of its plan, else those of everybody', async () => {
    const { tenant, plan, run, clock } = await openBilled();
    const prices = new PriceBook(database);
    const micros = { input_micros_per_mtok: 1, cached_input_micros_per_mtok: 1, output_micros_per_mtok: 1, tiers: {} };
    const set = async (id: string, model: string, audience: { plan: string | null; tenant: string | null }) =>
      must(await prices.set(`${id}-${tenant}`, { model, ...micros, ...audience }, clock.at - 1));
    await set('all', `a-${plan}`, { plan: null, tenant: null });
    await set('all-b', `b-${plan}`, { plan: null, tenant: null });
    await set('plan', `a-${plan}`, { plan, tenant: null });
    await set('own', `a-${plan}`, { plan: null, tenant });
    await set('other', `a-${plan}`, { plan: null, tenant: 'tnt_00000000000000000000000000' });
    const shown = must(await run((object) => object.billing.prices())).map(({ id }) => id);
    expect(shown.filter((id) => id.endsWith(tenant)).sort()).toEqual([`all-b-${tenant}`, `own-${tenant}`]);
  });

  test('does nothing for a tenant that is not there, and answers with an outage where D1 has lost it', async () => {
    const { run } = await openTenant();
    expect(await run((object) => object.billing.invoice('2026-06'))).toMatchObject({ ok: false });
  });
});
