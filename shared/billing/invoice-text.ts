/** An invoice as CSV (RFC 4180) and as a page to print. Amounts are exact: dollars with six places. */
import { escapeHtml } from '../core/escape-html.ts';
import type { Invoice, InvoiceLine } from '../contracts/billing.ts';

const columns = [
  'kind',
  'description',
  'period',
  'quantity',
  'unit',
  'unit_price_micros',
  'per',
  'amount_usd',
] as const;
type Cells = Record<(typeof columns)[number], string>;

export function formatUsd(micros: number): string {
  const digits = String(Math.abs(micros)).padStart(7, '0');
  return `${micros < 0 ? '-' : ''}${digits.slice(0, -6)}.${digits.slice(-6)}`;
}

export function toInvoiceCsv(invoice: Invoice): string {
  const rows = [...invoice.lines.map(toCells), totalOf(invoice)].map((cells) =>
    columns.map((name) => quote(cells[name])),
  );
  return [columns, ...rows].map((row) => `${row.join(',')}\r\n`).join('');
}

export function toInvoiceHtml(invoice: Invoice): string {
  const cells = (tag: string, values: readonly string[]) =>
    `<tr>${values.map((value) => `<${tag}>${escapeHtml(value)}</${tag}>`).join('')}</tr>`;
  const rows = [...invoice.lines.map(toCells), totalOf(invoice)].map((line) =>
    cells(
      'td',
      columns.map((name) => line[name]),
    ),
  );
  const state = invoice.closed_at === null ? 'Draft: the month is not closed' : `Closed at ${invoice.closed_at}`;
  return `<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><title>Invoice ${escapeHtml(invoice.month)}</title></head>
<body>
<h1>Invoice ${escapeHtml(invoice.month)}</h1>
<p>${escapeHtml(invoice.id)} for ${escapeHtml(invoice.tenant)}. ${escapeHtml(state)}. All amounts in US dollars.</p>
<table border="1" cellpadding="4">
<thead>${cells('th', columns)}</thead>
<tbody>
${rows.join('\n')}
</tbody>
</table>
</body>
</html>
`;
}

function toCells(line: InvoiceLine): Cells {
  const none = { period: '', quantity: '', unit: '', unit_price_micros: '', per: '' };
  const amount = { kind: line.kind, amount_usd: formatUsd(line.amount_micros) };
  switch (line.kind) {
    case 'usage':
      return {
        ...amount,
        description: describe(line.sku, line.model),
        period: line.period,
        quantity: String(line.quantity),
        unit: line.unit,
        unit_price_micros: line.unit_price_micros === null ? '' : String(line.unit_price_micros),
        per: String(line.per),
      };
    case 'included':
    case 'tier':
      return {
        ...none,
        ...amount,
        description: describe(line.sku, line.model),
        period: line.period,
        quantity: String(line.quantity),
      };
    case 'platform_fee':
    case 'markup':
    case 'credit':
    case 'tax':
      return { ...none, ...amount, description: line.label };
  }
}

function totalOf({ total_micros }: Invoice): Cells {
  const none = { period: '', quantity: '', unit: '', unit_price_micros: '', per: '' };
  return { ...none, kind: 'total', description: 'Total', amount_usd: formatUsd(total_micros) };
}

function describe(sku: string, model: string | null): string {
  return model === null ? sku : `${sku} ${model}`;
}

/** A spreadsheet takes text that begins like a formula for one; a number stays a number. */
function quote(text: string): string {
  const safe = /^[=+\-@\t\r]/.test(text) && !/^-?[\d.]+$/.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}
