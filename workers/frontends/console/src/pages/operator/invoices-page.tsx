/** Invoices that were closed, of all tenants. */
import { Link } from '@tanstack/react-router';
import { useApi, useApiList } from '../../api/queries.ts';
import { ListTable } from '../../parts/data-table.tsx';
import { formatMonth, formatMoney } from '../../parts/format.ts';
import { Page } from '../../parts/page.tsx';
import { Empty } from '../../parts/states.tsx';
import { Age } from '../../parts/values.tsx';

export function OperatorInvoicesPage() {
  const invoices = useApiList('GET /operator/v1/invoices');
  const tenants = useApi('GET /operator/v1/tenants', { query: { limit: 100 } });
  const nameOf = (tenant: string) => tenants.data?.data.find(({ id }) => id === tenant)?.name ?? tenant;
  return (
    <Page
      title="Invoices"
      about="A month is closed by itself some days after its end. A closed invoice is never changed."
    >
      <ListTable
        label="Closed invoices"
        list={invoices}
        rowKey={({ id }) => id}
        columns={[
          { name: 'Month', cell: ({ month }) => formatMonth(month) },
          {
            name: 'Tenant',
            cell: ({ tenant }) => (
              <Link className="fh-plain-link" to="/tenants/$tenant" params={{ tenant }}>
                {nameOf(tenant)}
              </Link>
            ),
          },
          { name: 'Usage', cell: ({ usage_micros }) => formatMoney(usage_micros), align: 'right' },
          { name: 'Total', cell: ({ total_micros }) => formatMoney(total_micros), align: 'right' },
          { name: 'Closed', cell: ({ closed_at }) => <Age at={closed_at} />, align: 'right' },
        ]}
        empty={
          <Empty icon="invoice" title="No invoice was closed yet">
            The month that runs is a draft that each tenant sees in its own console.
          </Empty>
        }
      />
    </Page>
  );
}
