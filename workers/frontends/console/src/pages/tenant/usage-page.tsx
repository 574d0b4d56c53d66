/** What was used and what it cost, by whatever it is counted by. */
import { Group } from '@mantine/core';
import { useState } from 'react';
import type { UsageGroup, UsageRow } from '../../../../../../shared/contracts/usage.ts';
import { useApi } from '../../api/queries.ts';
import { Choice } from '../../parts/choice.tsx';
import { DataTable } from '../../parts/data-table.tsx';
import { formatDay, formatMoney, formatNumber, toWords } from '../../parts/format.ts';
import { Page } from '../../parts/page.tsx';
import { Empty, Loaded } from '../../parts/states.tsx';
import { useNames } from '../../parts/use-names.ts';
import { Stat } from '../../parts/values.tsx';

const DayMs = 86_400_000;
const groups = [
  { value: 'day', label: 'By day' },
  { value: 'agent', label: 'By agent' },
  { value: 'model', label: 'By model' },
  { value: 'key', label: 'By key' },
  { value: 'user', label: 'By user' },
  { value: 'project', label: 'By project' },
  { value: 'environment', label: 'By environment' },
  { value: 'node', label: 'By node' },
  { value: 'sku', label: 'By SKU' },
] as const satisfies readonly { value: UsageGroup; label: string }[];
const periods = [
  { value: '1', label: 'Today' },
  { value: '7', label: '7 days' },
  { value: '30', label: '30 days' },
  { value: '365', label: 'A year' },
] as const;

export function UsagePage() {
  const [group, setGroup] = useState<(typeof groups)[number]['value']>('day');
  const [days, setDays] = useState<(typeof periods)[number]['value']>('30');
  const today = Math.floor(Date.now() / DayMs) * DayMs;
  const from = new Date(today - (Number(days) - 1) * DayMs).toISOString();
  const usage = useApi('GET /v1/usage', { query: { group_by: group, from } });
  const known = useNames();
  const nameOf = (value: string | null) => {
    if (value === null) return 'None';
    return group === 'day' ? formatDay(value) : known(value);
  };
  return (
    <Page
      title="Usage"
      about="Out of the ledger: every run has one signed receipt, and is counted once."
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
            <Empty icon="coins" title="Nothing was used in this time">
              As soon as somebody asks an agent or a model, the tokens and their price show here.
            </Empty>
          ) : (
            <>
              <div className="fh-stats">
                <Stat label="Cost" value={formatMoney(sum(data, (row) => row.cost_micros))} />
                <Stat label="Requests" value={formatNumber(sum(data, (row) => row.requests))} />
                <Stat label="Tokens in" value={formatNumber(sum(data, (row) => row.input_tokens))} />
                <Stat label="Tokens out" value={formatNumber(sum(data, (row) => row.output_tokens))} />
              </div>
              <div className="fh-panel fh-flush">
                <DataTable
                  label="Usage"
                  rows={group === 'day' ? data.toReversed() : data}
                  rowKey={(row) => String(valueOf(row, group))}
                  columns={[
                    { name: toWords(group), cell: (row) => nameOf(valueOf(row, group)) },
                    { name: 'Requests', cell: (row) => formatNumber(row.requests), align: 'right' },
                    ...(group === 'sku'
                      ? [
                          {
                            name: 'Quantity',
                            cell: (row: UsageRow) => `${formatNumber(row.quantity ?? 0)} ${row.unit ?? ''}`,
                            align: 'right',
                          } as const,
                        ]
                      : [
                          {
                            name: 'Tokens in',
                            cell: (row: UsageRow) => formatNumber(row.input_tokens),
                            align: 'right',
                          } as const,
                          {
                            name: 'Tokens out',
                            cell: (row: UsageRow) => formatNumber(row.output_tokens),
                            align: 'right',
                          } as const,
                        ]),
                    { name: 'Cost', cell: (row) => formatMoney(row.cost_micros), align: 'right' },
                  ]}
                />
              </div>
            </>
          )
        }
      </Loaded>
    </Page>
  );
}

const sum = (rows: readonly UsageRow[], read: (row: UsageRow) => number) =>
  rows.reduce((total, row) => total + read(row), 0);

function valueOf(row: UsageRow, group: UsageGroup): string | null {
  if (group === 'key') return row.key_id ?? null;
  if (group === 'user') return row.user_id ?? null;
  return row[group] ?? null;
}
