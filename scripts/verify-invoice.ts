/**
 * `node scripts/verify-invoice.ts invoice.json receipts.jsonl [--keys bridges.json]`: recomputes an invoice out of the
 * export of GET /v1/receipts?month=… without any platform. Exit code 0: every amount is what its entries say. 1: the
 * first difference is named. 2: a file cannot be read. `--keys`: a JSON object of bridges' public keys (JWK) by their ids;
 * with it, every receipt must be in a batch that its bridge has signed, as the bridge said it.
 */
import { createReadStream, readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';
import { compactVerify, decodeJwt, importJWK, type JWK } from 'jose';
import { z } from 'zod';
import { canonicalJson, parseCanonical, type Json } from '../shared/core/canonical-json.ts';
import { computeCostMicros, computeQuantityCost } from '../shared/core/money.ts';
import { computeInvoice } from '../shared/billing/compute-invoice.ts';
import { partOfEntry, partsOfReceipt, sumParts, type LedgerPart } from '../shared/billing/sum-ledger.ts';
import { billingEntry, invoice as invoiceShape, type BillingEntry, type Invoice } from '../shared/contracts/billing.ts';
import { receiptBatch, TokenTypes, type Receipt } from '../shared/contracts/inference.ts';
import {
  exportEnd,
  ledgerEntry,
  receiptBatchRecord,
  type LedgerEntry,
  type ReceiptBatchRecord,
} from '../shared/contracts/usage.ts';
import { readTicket, type Ticket } from '../shared/inference/ticket.ts';

export type BridgeKeys = Readonly<Record<string, JWK>>;
export type InvoiceVerification =
  | { readonly valid: true; readonly entries: number; readonly signed: number; readonly totalMicros: number }
  | { readonly valid: false; readonly where: string; readonly reason: string };

type Exported = {
  readonly receipts: LedgerEntry[];
  readonly entries: BillingEntry[];
  readonly batches: Map<number, ReceiptBatchRecord>;
};

const exportLine = z.discriminatedUnion('object', [
  ledgerEntry.strict(),
  billingEntry.strict(),
  receiptBatchRecord.strict(),
  exportEnd.strict(),
]);

class Difference extends Error {
  readonly where: string;
  constructor(where: string, reason: string) {
    super(reason);
    this.where = where;
  }
}

export async function verifyInvoice(
  given: unknown,
  lines: AsyncIterable<string> | Iterable<string>,
  keys?: BridgeKeys,
): Promise<InvoiceVerification> {
  try {
    const parsed = invoiceShape.strict().safeParse(given);
    if (!parsed.success) throw new Difference('invoice', 'this is not an invoice');
    const exported = await readExport(lines);
    const receipts = exported.receipts.filter(({ month }) => month === parsed.data.month);
    const entries = exported.entries.filter(({ month }) => month === parsed.data.month);
    const signed = await checkBatches(receipts, exported.batches, parsed.data.tenant, keys);
    const parts = [...receipts.flatMap(checkReceipt), ...entries.map(checkEntry)];
    checkOnce(parts);
    checkCorrections(parts, entries);
    compare(parsed.data, recompute(parsed.data, parts));
    return { valid: true, entries: parts.length, signed, totalMicros: parsed.data.total_micros };
  } catch (error) {
    if (error instanceof Difference) return { valid: false, where: error.where, reason: error.message };
    throw error;
  }
}

async function readExport(lines: AsyncIterable<string> | Iterable<string>): Promise<Exported> {
  const exported: Exported = { receipts: [], entries: [], batches: new Map() };
  let count = 0;
  let ended = false;
  for await (const text of lines) {
    const where = `line ${count + 1}`;
    if (ended) throw new Difference(where, 'there is something after the end of the export');
    const value = parseCanonical(text);
    const line = exportLine.safeParse(value);
    if (!line.success) throw new Difference(where, 'the line is no receipt, entry or batch');
    switch (line.data.object) {
      case 'receipts.end':
        if (line.data.lines !== count)
          throw new Difference(where, `${line.data.lines} lines belong here, not ${count}`);
        ended = true;
        continue;
      case 'receipt':
        exported.receipts.push(line.data);
        break;
      case 'entry':
        exported.entries.push(line.data);
        break;
      case 'receipt_batch':
        exported.batches.set(line.data.id, line.data);
        break;
    }
    count++;
  }
  if (!ended) throw new Difference(`line ${count + 1}`, 'the end is missing: the export is cut');
  return exported;
}

/** Every receipt is in its batch as the ledger has it. Gives how many of them are under a signature that was checked. */
async function checkBatches(
  receipts: readonly LedgerEntry[],
  batches: Exported['batches'],
  tenant: string,
  keys: BridgeKeys | undefined,
): Promise<number> {
  const said = new Map<number, ReadonlyMap<string, Receipt>>();
  for (const entry of receipts) {
    const batch = batches.get(entry.batch);
    if (!batch || batch.bridge !== entry.bridge) throw new Difference(entry.id, 'its signed batch is not there');
    if (!said.has(batch.id)) said.set(batch.id, await openBatch(batch, tenant, keys));
    const receipt = said.get(batch.id)!.get(entry.id);
    if (!receipt) throw new Difference(entry.id, `the batch ${batch.id} does not hold it`);
    checkAgainst(entry, receipt);
  }
  return keys ? receipts.length : 0;
}

async function openBatch(batch: ReceiptBatchRecord, tenant: string, keys: BridgeKeys | undefined) {
  const where = `batch ${batch.id}`;
  const key = keys?.[batch.bridge];
  if (keys && !key) throw new Difference(where, `the key of ${batch.bridge} was not given`);
  try {
    if (key) {
      const options = { algorithms: ['EdDSA'] };
      const { protectedHeader } = await compactVerify(batch.jws, await importJWK(key, 'EdDSA'), options);
      if (protectedHeader.typ !== TokenTypes.receipts) throw new Difference(where, 'it is not a batch of receipts');
    }
    const payload = receiptBatch.parse(decodeJwt(batch.jws));
    if (payload.iss !== batch.bridge || payload.tenant !== tenant) {
      throw new Difference(where, 'it is of another bridge or tenant');
    }
    return new Map(payload.receipts.map((receipt) => [receipt.id, receipt]));
  } catch (error) {
    if (error instanceof Difference) throw error;
    throw new Difference(where, 'its signature does not hold');
  }
}

const sameInBoth = [
  'run',
  'bridge',
  'node',
  'external',
  'operation',
  'model',
  'input_tokens',
  'cached_input_tokens',
  'output_tokens',
  'counted_by',
  'outcome',
] as const;

function checkAgainst(entry: LedgerEntry, receipt: Receipt): void {
  const other = sameInBoth.find((name) => entry[name] !== receipt[name]);
  if (other) throw new Difference(entry.id, `its ${other} is ${entry[other]}, but the bridge signed ${receipt[other]}`);
  if (Date.parse(entry.finished_at) !== receipt.finished_at) throw new Difference(entry.id, 'its time is another one');
  const ticket = tryTicket(receipt.ticket);
  if (!ticket) return;
  if (ticket.priceId !== entry.price_id) throw new Difference(entry.id, 'it was admitted at another price');
  const tokens = { input: entry.input_tokens, cached: entry.cached_input_tokens, output: entry.output_tokens };
  const cost = Math.min(computeCostMicros(ticket.price, tokens), ticket.maxMicros);
  if (cost !== entry.cost_micros) throw new Difference(entry.id, `it costs ${cost}, not ${entry.cost_micros}`);
  if (entry.price !== null && canonicalJson(entry.price) !== canonicalJson(ticket.price)) {
    throw new Difference(entry.id, 'its price is not the one that it was admitted at');
  }
}

/** What the platform sealed; whether the seal holds, only the platform can tell. */
function tryTicket(text: string): Ticket | undefined {
  try {
    return readTicket(text);
  } catch {
    return undefined;
  }
}

function checkReceipt(entry: LedgerEntry): LedgerPart[] {
  if (entry.price) {
    const tokens = { input: entry.input_tokens, cached: entry.cached_input_tokens, output: entry.output_tokens };
    const most = computeCostMicros(entry.price, tokens);
    if (entry.cost_micros > most) throw new Difference(entry.id, `it costs ${most}, not ${entry.cost_micros}`);
  }
  return partsOfReceipt(entry);
}

function checkEntry(entry: BillingEntry): LedgerPart {
  if (entry.kind === 'meter') {
    const cost = computeQuantityCost(entry.quantity, entry.unit_price_micros ?? 0, entry.per);
    if (cost !== entry.cost_micros) throw new Difference(entry.id, `it costs ${cost}, not ${entry.cost_micros}`);
  }
  return partOfEntry(entry);
}

function checkOnce(parts: readonly LedgerPart[]): void {
  const seen = new Set<string>();
  for (const { id } of parts) {
    if (seen.has(id)) throw new Difference(id, 'it is there twice');
    seen.add(id);
  }
}

/** An entry and its corrections together cost what the corrected quantity costs. */
function checkCorrections(parts: readonly LedgerPart[], entries: readonly BillingEntry[]): void {
  const byId = new Map(parts.map((part) => [part.id, part]));
  const corrections = entries.filter(({ kind }) => kind === 'correction');
  for (const [id, list] of Map.groupBy(corrections, ({ corrects }) => corrects ?? '')) {
    const entry = byId.get(id);
    if (!entry) throw new Difference(list[0]!.id, `what it corrects, ${id}, is not there`);
    const quantity = list.reduce((sum, each) => sum + each.quantity, entry.quantity);
    const said = list.reduce((sum, each) => sum + each.cost_micros, entry.costMicros);
    const cost = computeQuantityCost(Math.max(0, quantity), entry.unitMicros ?? 0, list[0]!.per);
    if (quantity < 0 || cost !== said) throw new Difference(id, `corrected, it costs ${cost}, not ${said}`);
  }
}

function recompute(given: Invoice, parts: readonly LedgerPart[]): Invoice {
  return computeInvoice(given.tenant, given.month, sumParts(parts), given.terms, given.closed_at);
}

function compare(given: Invoice, computed: Invoice): void {
  const length = Math.max(given.lines.length, computed.lines.length);
  for (let at = 0; at < length; at++) {
    const [stated, found] = [given.lines[at], computed.lines[at]];
    const [a, b] = [stated, found].map((line) => (line ? canonicalJson(line as Json) : 'no line'));
    if (a !== b) throw new Difference(`invoice line ${at + 1}`, `it says ${a}, but the ledger gives ${b}`);
  }
  for (const name of Object.keys(computed) as (keyof Invoice)[]) {
    if (name === 'lines' || name === 'terms') continue;
    if (given[name] !== computed[name]) {
      throw new Difference(`invoice ${name}`, `it says ${String(given[name])}, not ${String(computed[name])}`);
    }
  }
}

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({ options: { keys: { type: 'string' } }, allowPositionals: true });
  const [invoiceFile, exportFile] = positionals;
  if (invoiceFile === undefined || exportFile === undefined) {
    console.error('usage: node scripts/verify-invoice.ts invoice.json receipts.jsonl [--keys bridges.json]');
    return 2;
  }
  try {
    const given = JSON.parse(readFileSync(invoiceFile, 'utf8')) as unknown;
    const keys = values.keys === undefined ? undefined : (JSON.parse(readFileSync(values.keys, 'utf8')) as BridgeKeys);
    const lines = createInterface({ input: createReadStream(exportFile, 'utf8'), crlfDelay: Number.POSITIVE_INFINITY });
    const result = await verifyInvoice(given, lines, keys);
    if (!result.valid) {
      console.error(`${result.where}: ${result.reason}`);
      return 1;
    }
    const signatures = keys ? `${result.signed} receipts under checked signatures` : 'signatures not checked (--keys)';
    console.log(`valid: ${result.entries} entries, ${signatures}, total ${result.totalMicros} micro-USD`);
    return 0;
  } catch (error) {
    console.error(error instanceof Error ? error.message : String(error));
    return 2;
  }
}

if (import.meta.main) process.exitCode = await main();
