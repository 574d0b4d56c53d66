/** One invoice with its lines. */
import { useParams } from '@tanstack/react-router';
import type { InvoiceLine } from '../../../../../../shared/contracts/billing.ts';
import { useApi } from '../../api/queries.ts';
import { DataTable } from '../../parts/data-table.tsx';
import { DownloadButton } from '../../parts/download.tsx';
import { formatMoney, formatMonth, formatNumber, toWords } from '../../parts/format.ts';
import { Page, Panel } from '../../parts/page.tsx';
import { Loaded } from '../../parts/states.tsx';
import { Facts, Status } from '../../parts/values.tsx';

export function InvoicePage() {
  const { invoice = '' } = useParams({ strict: false });
  const reading = useApi('GET /v1/invoices/{invoice}', { params: { invoice } });
  return (
    <Page
      title={`Invoice ${reading.data ? formatMonth(reading.data.month) : ''}`}
      actions={
        <DownloadButton
          label="Download as CSV"
          operation="GET /v1/invoices/{invoice}"
          params={{ invoice }}
          query={{ format: 'csv' }}
          fileName={`invoice-${invoice}.csv`}
        />
      }
    >
      <Loaded reading={reading}>
        {(found) => (
          <>
            <Panel>
              <Facts
                of={[
                  ['Status', <Status key="status" value={found.status} />],
                  ['Plan', found.terms.plan],
                  ['Usage', formatMoney(found.usage_micros)],
                  ['Discounts', formatMoney(found.discount_micros)],
                  ['Platform fee', formatMoney(found.platform_fee_micros)],
                  ['Credit', formatMoney(found.credit_micros)],
                  [found.terms.tax_label ?? 'Tax', formatMoney(found.tax_micros)],
                  ['Total', <strong key="total">{formatMoney(found.total_micros)}</strong>],
                ]}
              />
            </Panel>
            {found.lines.length > 0 && (
              <div className="fh-panel fh-flush">
                <DataTable
                  label="Lines"
                  rows={found.lines.map((line, at) => ({ line, at }))}
                  rowKey={({ at }) => String(at)}
                  columns={[
                    { name: 'What', cell: ({ line }) => describeLine(line) },
                    { name: 'Period', cell: ({ line }) => ('period' in line ? line.period : '') },
                    {
                      name: 'Quantity',
                      cell: ({ line }) => ('quantity' in line ? formatNumber(line.quantity) : ''),
                      align: 'right',
                    },
                    { name: 'Amount', cell: ({ line }) => formatMoney(line.amount_micros), align: 'right' },
                  ]}
                />
              </div>
            )}
          </>
        )}
      </Loaded>
    </Page>
  );
}

function describeLine(line: InvoiceLine): string {
  if (!('sku' in line)) return line.label;
  const what = `${toWords(line.sku)}${line.model === null ? '' : ` of ${line.model}`}`;
  return line.kind === 'usage' ? what : `${what}, ${line.kind === 'tier' ? 'by tier' : 'included'}`;
}
