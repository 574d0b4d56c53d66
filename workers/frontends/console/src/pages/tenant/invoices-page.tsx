/** The tenant's invoices: the month that runs as a draft, and those that are closed. */
import { Link } from '@tanstack/react-router';
import { useApiList } from '../../api/queries.ts';
import { ListTable } from '../../parts/data-table.tsx';
import { formatMoney, formatMonth } from '../../parts/format.ts';
import { Page } from '../../parts/page.tsx';
import { Empty } from '../../parts/states.tsx';
import { Status } from '../../parts/values.tsx';

export function InvoicesPage() {
  const invoices = useApiList('GET /v1/invoices');
  return (
    <Page title="Invoices" about="Every line is a sum of the ledger's entries, and can be computed again from them.">
      <ListTable
        label="Invoices"
        list={invoices}
        rowKey={({ id, month }) => `${id} ${month}`}
        columns={[
          {
            name: 'Month',
            cell: ({ month }) => (
              <Link className="fh-plain-link" to="/invoices/$invoice" params={{ invoice: month }}>
                {formatMonth(month)}
              </Link>
            ),
          },
          { name: 'Status', cell: ({ status }) => <Status value={status} /> },
          { name: 'Usage', cell: ({ usage_micros }) => formatMoney(usage_micros), align: 'right' },
          { name: 'Tax', cell: ({ tax_micros }) => formatMoney(tax_micros), align: 'right' },
          { name: 'Total', cell: ({ total_micros }) => formatMoney(total_micros), align: 'right' },
        ]}
        empty={
          <Empty icon="invoice" title="No invoices yet">
            The first one begins with the first month in which something was used.
          </Empty>
        }
      />
    </Page>
  );
}
