/** The verifier of invoices: what the platform exports agrees to the micro-dollar; of anything else it names the first difference. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { generateKeyPair, exportJWK } from 'jose';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { canonicalJson, type Json } from '../../../shared/core/canonical-json.ts';
import type { Invoice } from '../../../shared/contracts/billing.ts';
import { repositoryRoot } from '../../../scripts/platform.ts';
import { verifyInvoice, type BridgeKeys } from '../../../scripts/verify-invoice.ts';
import { BillingWorld, billedBridge, bridgeKeys } from '../../support/billing-world.ts';

const November = Date.UTC(2026, 10, 10);
const folder = mkdtempSync(join(tmpdir(), 'freehold-invoice-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

let invoice: Invoice;
let lines: readonly string[];
let keys: BridgeKeys;

beforeAll(async () => {
  keys = await bridgeKeys();
  const world = new BillingWorld(November);
  world.setRate({ sku: 'tool_calls', unit_price_micros: 10 });
  world.setPlan({ platform_fee_micros: 1_000_000, included: { output_tokens: 5 } });
  world.setTerms({ markup_bps: 500, tax_bps: 1_900, tax_label: 'VAT' });
  const runs = Array.from({ length: 9 }, (_, at) => world.receipt({ input: 100 + at, cached: 40, output: 30 }));
  await world.settle(runs.slice(0, 4));
  await world.settle(runs.slice(4));
  world.billing.meter([{ id: 'call-1', sku: 'tool_calls', quantity: 3, occurredAt: November + 5 }], November + 5);
  world.billing.rate(world.book);
  world.billing.correct({ entry: `${runs[0]!.id}.output`, quantity: 7, reason: 'counted twice' }, November + 6);
  world.now = Date.UTC(2026, 11, 4);
  invoice = world.close('2026-11');
  lines = world.export('2026-11');
});

/** The line that holds the text, changed. */
function edit(text: string, change: (value: Record<string, unknown>) => object): string[] {
  const at = lines.findIndex((line) => line.includes(text));
  return lines.with(at, canonicalJson(change(JSON.parse(lines[at]!) as Record<string, unknown>) as Json));
}

describe('an invoice', () => {
  test('agrees with the ledger that it was made of, with signatures and without', async () => {
    const totalMicros = invoice.total_micros;
    expect(await verifyInvoice(invoice, lines, keys)).toEqual({ valid: true, entries: 29, signed: 9, totalMicros });
    expect(await verifyInvoice(invoice, lines)).toMatchObject({ valid: true, signed: 0 });
  });

  test('with any amount of it changed by a micro-dollar does not, and the place is named', async () => {
    for (const [at, line] of invoice.lines.entries()) {
      const changed = invoice.lines.with(at, { ...line, amount_micros: line.amount_micros + 1 });
      const result = await verifyInvoice({ ...invoice, lines: changed }, lines, keys);
      expect(result).toMatchObject({ valid: false, where: `invoice line ${at + 1}` });
    }
    for (const name of ['usage_micros', 'discount_micros', 'markup_micros', 'tax_micros', 'total_micros'] as const) {
      const result = await verifyInvoice({ ...invoice, [name]: invoice[name] + 1 }, lines, keys);
      expect(result).toMatchObject({ valid: false, where: `invoice ${name}` });
    }
    const fewer = await verifyInvoice({ ...invoice, lines: invoice.lines.slice(1) }, lines, keys);
    expect(fewer).toMatchObject({ valid: false, where: 'invoice line 1' });
  });

  test('does not agree with an export that lacks a line, has one twice, or is cut', async () => {
    for (let at = 0; at < lines.length; at++) {
      expect(await verifyInvoice(invoice, lines.toSpliced(at, 1), keys)).toMatchObject({ valid: false });
      expect(await verifyInvoice(invoice, lines.toSpliced(at, 0, lines[at]!), keys)).toMatchObject({ valid: false });
    }
  });

  test('does not agree with a line that is there twice, although the export says how many lines it has', async () => {
    const end = JSON.parse(lines.at(-1)!) as { lines: number };
    const counted = canonicalJson({ object: 'receipts.end', lines: end.lines + 1 });
    const first = lines.findIndex((line) => line.includes('"object":"receipt","operation"'));
    const twice = [...lines.slice(0, -1), lines[first]!, counted];
    expect(await verifyInvoice(invoice, twice, keys)).toMatchObject({ reason: 'it is there twice' });
  });

  test('does not agree where the ledger says another thing than the bridge signed, or charges another price', async () => {
    const first = '"object":"receipt","operation"';
    const expectAt = async (changed: readonly string[], reason: RegExp) => {
      const result = await verifyInvoice(invoice, changed, keys);
      expect(result.valid ? '' : result.reason).toMatch(reason);
    };
    await expectAt(
      edit(first, (line) => ({ ...line, output_tokens: 31 })),
      /the bridge signed 30/,
    );
    await expectAt(
      edit(first, (line) => ({ ...line, cost_micros: 1 })),
      /it costs \d+, not 1/,
    );
    await expectAt(
      edit(first, (line) => ({ ...line, price_id: 'other' })),
      /another price/,
    );
    await expectAt(
      edit('call-1', (line) => ({ ...line, cost_micros: 29 })),
      /it costs 30, not 29/,
    );
    await expectAt(
      edit('"correction"', (line) => ({ ...line, cost_micros: -1 })),
      /corrected, it costs/,
    );
  });

  test('does not agree with a batch that another key has signed, that was changed, or whose key is missing', async () => {
    const stranger = {
      [billedBridge]: await exportJWK((await generateKeyPair('EdDSA', { extractable: true })).publicKey),
    };
    expect(await verifyInvoice(invoice, lines, stranger)).toMatchObject({ reason: 'its signature does not hold' });
    expect(await verifyInvoice(invoice, lines, {})).toMatchObject({ valid: false, where: 'batch 1' });
    const forged = edit('"receipt_batch"', (line) => ({ ...line, jws: `${String(line['jws']).slice(0, -4)}AAAA` }));
    expect(await verifyInvoice(invoice, forged, keys)).toMatchObject({ reason: 'its signature does not hold' });
  });

  test('that is none, is refused', async () => {
    expect(await verifyInvoice({}, lines)).toMatchObject({ valid: false, where: 'invoice' });
  });
});

test('the command exits with 0 for an invoice that agrees, 1 for one that does not, 2 for no file, and says why', () => {
  const write = (name: string, text: string) => {
    writeFileSync(join(folder, name), text);
    return join(folder, name);
  };
  const run = (...files: string[]) =>
    spawnSync(process.execPath, ['scripts/verify-invoice.ts', ...files], { cwd: repositoryRoot, encoding: 'utf8' });
  const good = write('invoice.json', JSON.stringify(invoice));
  const ledger = write('receipts.jsonl', `${lines.join('\n')}\n`);
  const keyFile = write('keys.json', JSON.stringify(keys));
  const valid = run(good, ledger, '--keys', keyFile);
  expect([valid.status, valid.stdout]).toEqual([
    0,
    `valid: 29 entries, 9 receipts under checked signatures, total ${invoice.total_micros} micro-USD\n`,
  ]);
  const bad = run(write('bad.json', JSON.stringify({ ...invoice, tax_micros: 0 })), ledger);
  expect([bad.status, bad.stderr]).toEqual([1, `invoice tax_micros: it says 0, not ${invoice.tax_micros}\n`]);
  expect(run(good).status).toBe(2);
  expect(run(good, join(folder, 'none')).status).toBe(2);
});
