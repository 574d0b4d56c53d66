/** Billing over the wire: what a tenant pays is what its own price says, and anybody can check it; bad input changes nothing. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { JWK } from 'jose';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { verifyInvoice } from '../../scripts/verify-invoice.ts';
import type { Invoice } from '../../shared/contracts/billing.ts';
import { waitUntil } from '../support/populated-tenant.ts';
import { startTestPlatform, type CreatedTenant, type TestPlatform } from '../support/running-platform.ts';

type List<T> = { readonly data: T[] };
type Sums = { readonly requests: number; readonly cost_micros: number; readonly project?: string | null };

const model = 'freehold/extractive';
const month = new Date().toISOString().slice(0, 7);
const Host = 'acme.localhost';
let platform: TestPlatform;
let acme: CreatedTenant;

beforeAll(async () => {
  platform = await startTestPlatform();
  acme = await platform.createTenant('acme');
});
afterAll(() => platform.stop());

const get = (path: string, headers: Record<string, string> = {}) =>
  platform.call('GET', Host, path, { token: acme.key, headers });
const operate = (path: string, body: object) =>
  platform.call('POST', 'localhost', `/operator/v1${path}`, { token: platform.secrets.operator_token, body });

describe('an invoice', () => {
  test("charges a run at the tenant's own price, agrees with the offline check, and is the same in every form", async () => {
    const price = { model, input_micros_per_mtok: 7e9, cached_input_micros_per_mtok: 7e9, output_micros_per_mtok: 9e9 };
    expect((await operate('/prices', { ...price, tenant: acme.id })).status).toBe(201);
    const client = platform.client(acme);
    const own = await client.require<List<{ tenant?: string; model?: string }>>('GET', '/v1/prices');
    expect(own.data.find((each) => each.model === model)).toMatchObject({ ...price, tenant: acme.id });
    // The isolate keeps prices for a second.
    await waitUntil(async () => {
      const messages = [{ role: 'user', content: 'hello' }];
      await client.require('POST', '/v1/chat/completions', { model, messages, max_tokens: 5 });
      const draft = await client.require<Invoice>('GET', `/v1/invoices/${month}`);
      return draft.lines.some((line) => line.kind === 'usage' && line.unit_price_micros === 7e9);
    });
    expect((await operate(`/tenants/${acme.id}/terms`, { tax_bps: 1_900, tax_label: 'VAT' })).status).toBe(201);
    // Every run is settled before the two are compared.
    let seen = -1;
    await waitUntil(async () => {
      const { data } = await client.require<List<Sums>>('GET', '/v1/usage');
      const now = data.reduce((sum, { requests }) => sum + requests, 0);
      const settled = now === seen;
      seen = now;
      return settled;
    });
    const invoice = await client.require<Invoice>('GET', `/v1/invoices/${month}`);
    const exported = await get(`/v1/receipts?month=${month}`);
    const { kty, crv, x } = JSON.parse(
      readFileSync(join(platform.dataDir, 'bridge/bridge-key.json'), 'utf8'),
    ) as JWK & { kty: string };
    const key = { kty, crv: crv!, x: x! };
    const checked = await verifyInvoice(invoice, exported.text.trimEnd().split('\n'), { [platform.bridge.id]: key });
    expect(checked).toMatchObject({ valid: true, totalMicros: invoice.total_micros });
    expect(checked.valid && checked.signed).toBeGreaterThan(0);
    const { data: usage } = await client.require<List<Sums>>('GET', '/v1/usage?group_by=project');
    expect(usage.reduce((sum, row) => sum + row.cost_micros, 0)).toBe(invoice.usage_micros);
    const dollars = (invoice.total_micros / 1e6).toFixed(6);
    const csv = await get(`/v1/invoices/${invoice.id}`, { accept: 'text/csv' });
    expect([csv.headers['content-type'], csv.text.trimEnd().split(',').at(-1)]).toEqual([
      'text/csv; charset=utf-8',
      dollars,
    ]);
    const page = await get(`/v1/invoices/${invoice.id}?format=html`);
    expect(page.text).toContain(`<td>${dollars}</td>`);
    const listed = await client.require<List<Invoice>>('GET', '/v1/invoices');
    expect(listed.data).toMatchObject([{ id: invoice.id, status: 'draft', month }]);
  });

  test('has its entries as CloudEvents, page by page, each once', async () => {
    const ids: string[] = [];
    let cursor = '';
    do {
      const page = await get(`/v1/usage/events?limit=2${cursor}`);
      expect(page.headers['content-type']).toBe('application/cloudevents-batch+json');
      for (const event of page.json() as { id: string; specversion: string; type: string; subject: string }[]) {
        expect(event).toMatchObject({ specversion: '1.0', subject: acme.id });
        expect(event.type).toMatch(/^freehold\.usage\.[a-z_]+$/);
        ids.push(event.id);
      }
      const next = page.headers['x-next-cursor'];
      cursor = typeof next === 'string' ? `&cursor=${encodeURIComponent(next)}` : '';
    } while (cursor !== '');
    expect(ids.length).toBeGreaterThan(1);
    expect(new Set(ids).size).toBe(ids.length);
  });
});

describe('bad input', () => {
  const rate = { sku: 'tool_calls', unit_price_micros: 10 };
  const overlapping = [
    { from: 0, to: 10, unit_price_micros: 9 },
    { from: 9, to: null, unit_price_micros: 8 },
  ];
  test.each<[string, number, string, string, object]>([
    ['a negative price', 400, 'unit_price_micros', '/rates', { ...rate, unit_price_micros: -1 }],
    ['a fractional price', 400, 'unit_price_micros', '/rates', { ...rate, unit_price_micros: 0.5 }],
    ['an unknown SKU', 400, 'sku', '/rates', { ...rate, sku: 'coffee' }],
    ['tiers that overlap', 400, 'tiers.1.from', '/rates', { ...rate, tiers: overlapping }],
    [
      'a tier above the price',
      400,
      'tiers.0',
      '/rates',
      { ...rate, tiers: [{ from: 0, to: 5, unit_price_micros: 11 }] },
    ],
    [
      'a tier that ends before it begins',
      400,
      'tiers.0.to',
      '/rates',
      { ...rate, tiers: [{ from: 5, to: 5, unit_price_micros: 1 }] },
    ],
    [
      'a plan and a tenant at once',
      400,
      'plan',
      '/rates',
      { ...rate, plan: 'p', tenant: 'tnt_00000000000000000000000000' },
    ],
    ['a tenant that is not there', 400, 'tenant', '/rates', { ...rate, tenant: 'tnt_00000000000000000000000000' }],
    ['a scope that is no tenant', 400, 'tenant', '/rates', { ...rate, tenant: 'nobody' }],
    ['an unknown SKU in a plan', 400, 'included', '/plan_terms', { plan: 'p', included: { coffee: 1 } }],
    ['a fractional fee', 400, 'platform_fee_micros', '/plan_terms', { plan: 'p', platform_fee_micros: 1.5 }],
    ['a negative mark-up', 400, 'markup_bps', '/tenants/{tenant}/terms', { markup_bps: -1 }],
    [
      'a negative credit',
      400,
      'amount_micros',
      '/tenants/{tenant}/credits',
      { amount_micros: -5, reference: 'r', reason: 'r' },
    ],
    [
      'a fractional quantity',
      400,
      'quantity',
      '/tenants/{tenant}/corrections',
      { entry: 'e', quantity: 0.1, reason: 'r' },
    ],
    [
      'an entry that is not there',
      404,
      'entry',
      '/tenants/{tenant}/corrections',
      { entry: 'e', quantity: 1, reason: 'r' },
    ],
    ['a month that is none', 400, 'month', '/invoices/close', { month: '2026-13' }],
    ['a month that is not over', 409, 'month', '/invoices/close', { month: '{now}' }],
    ['a month before the first', 409, 'month', '/invoices/close', { month: '2020-01' }],
  ])('%s is refused with %i and "%s", and nothing changes', async (_, status, param, path, body) => {
    const operator = platform.operator;
    const state = async () =>
      JSON.stringify([
        await operator.require('GET', '/operator/v1/rates'),
        await operator.require('GET', '/operator/v1/plan_terms'),
        await operator.require('GET', '/operator/v1/invoices'),
        (await get(`/v1/invoices/${month}`)).text.replaceAll(/\{[^{}]*(?:egress_bytes|storage_gb_hours)[^{}]*\}/g, ''),
      ]);
    const before = await state();
    const full = path === '/invoices/close' ? { tenant: acme.id, ...body } : body;
    const sent = JSON.parse(JSON.stringify(full).replace('{now}', month)) as object;
    const answer = await operate(path.replace('{tenant}', acme.id), sent);
    const { error } = answer.json() as { error: { param: string } };
    expect([answer.status, error.param.split('.').slice(0, param.split('.').length).join('.')], answer.text).toEqual([
      status,
      param,
    ]);
    expect(await state()).toBe(before);
  });

  test('of a query is refused, and an invoice that is not there is not found', async () => {
    for (const path of ['/v1/receipts?month=2026-00', '/v1/usage?group_by=coffee', '/v1/receipts?from=yesterday']) {
      expect((await get(path)).status, path).toBe(400);
    }
    expect((await get('/v1/invoices/inv_nothing')).status).toBe(404);
  });
});
