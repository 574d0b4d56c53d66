/** What all tenants used, and what they are charged for it. */
import { Group } from '@mantine/core';
import { useState } from 'react';
import type { OperatorUsageGroup } from '../../../../../../shared/contracts/usage.ts';
import { useApi } from '../../api/queries.ts';
import { Choice } from '../../parts/choice.tsx';
import { DataTable } from '../../parts/data-table.tsx';
import { formatDay, formatMoney, formatNumber, toWords } from '../../parts/format.ts';
import { Page } from '../../parts/page.tsx';
import { Empty, Loaded } from '../../parts/states.tsx';

const DayMs = 86_400_000;
const groups = [
  { value: 'tenant', label: 'By tenant' },
  { value: 'day', label: 'By day' },
  { value: 'model', label: 'By model' },
  { value: 'sku', label: 'By SKU' },
] as const satisfies readonly { value: OperatorUsageGroup; label: string }[];
const periods = [
  { value: '7', label: '7 days' },
  { value: '30', label: '30 days' },
  { value: '365', label: 'A year' },
] as const;

export function OperatorUsagePage() {
  const [group, setGroup] = useState<OperatorUsageGroup>('tenant');
  const [days, setDays] = useState<(typeof periods)[number]['value']>('30');
  const from = new Date((Math.floor(Date.now() / DayMs) - Number(days) + 1) * DayMs).toISOString();
  const usage = useApi('GET /operator/v1/usage', { query: { group_by: group, from } });
  const tenants = useApi('GET /operator/v1/tenants', { query: { limit: 100 } });
  const nameOf = (value: string | undefined) =>
    (group === 'day' && value && formatDay(value)) ||
    (group === 'tenant' && tenants.data?.data.find(({ id }) => id === value)?.name) ||
    value ||
    'None';
  return (
    <Page
      title="Usage"
      about="Of all tenants. A day is counted within minutes of its entries."
      actions={
        <Group gap="xs">
          <Choice label="Period" options={periods} value={days} onChange={setDays} />
          <Choice label="Counted by" options={groups} value={group} onChange={setGroup} />
        </Group>
      }
    >
      <Loaded reading={usage}>
        {({ data }) =>
          data.length === 0 ? (
            <Empty icon="activity" title="Nothing was used in this time" />
          ) : (
            <div className="fh-panel fh-flush">
              <DataTable
                label="Usage"
                rows={data}
                rowKey={(row) => row[group] ?? ''}
                columns={[
                  { name: toWords(group), cell: (row) => nameOf(row[group]) },
                  { name: 'Entries', cell: (row) => formatNumber(row.entries), align: 'right' },
                  { name: 'Tokens in', cell: (row) => formatNumber(row.input_tokens), align: 'right' },
                  { name: 'Tokens out', cell: (row) => formatNumber(row.output_tokens), align: 'right' },
                  { name: 'Charged', cell: (row) => formatMoney(row.cost_micros), align: 'right' },
                ]}
              />
            </div>
          )
        }
      </Loaded>
    </Page>
  );
}
