/** The price book: of models by their tokens, and of everything else that is counted. A price is never changed, only followed. */
import { Button, Stack } from '@mantine/core';
import { useSearch } from '@tanstack/react-router';
import { useState } from 'react';
import type { MeteredSku } from '../../../../../../shared/contracts/billing.ts';
import { useApi, useChange } from '../../api/queries.ts';
import { DataTable } from '../../parts/data-table.tsx';
import { toMicros } from '../../parts/fields.tsx';
import { FormDialog } from '../../parts/form-dialog.tsx';
import { formatMoney, formatNumber, toWords } from '../../parts/format.ts';
import { Page } from '../../parts/page.tsx';
import { PageTabs } from '../../parts/page-tabs.tsx';
import { Empty, Loaded } from '../../parts/states.tsx';
import { Age } from '../../parts/values.tsx';

const meters = [
  'tool_calls',
  'job_minutes',
  'storage_gb_hours',
  'egress_bytes',
  'gpu_seconds',
] as const satisfies readonly MeteredSku[];

export function PricesPage() {
  const { tab = 'models' } = useSearch({ from: '__root__' });
  const [asks, setAsks] = useState<'price' | 'rate'>();
  return (
    <Page
      title="Prices"
      about="Of models, in dollars for a million tokens. The most specific one counts: of a tenant, of a plan, else everybody's. Receipts name the version they were made by."
      actions={<Button onClick={() => setAsks(tab === 'models' ? 'price' : 'rate')}>Set a price</Button>}
    >
      <PageTabs
        tabs={[
          { value: 'models', label: 'Models', content: <Models /> },
          { value: 'rates', label: 'Everything else', content: <Rates /> },
        ]}
      />
      {asks === 'price' && <SetPrice onClose={() => setAsks(undefined)} />}
      {asks === 'rate' && <SetRate onClose={() => setAsks(undefined)} />}
    </Page>
  );
}

type Audience = { readonly plan: string | null; readonly tenant: string | null };
const audienceOf = ({ plan, tenant }: Audience): string =>
  tenant !== null ? tenant : plan !== null ? `Plan ${plan}` : 'Everybody';

function Models() {
  const prices = useApi('GET /operator/v1/prices');
  return (
    <Loaded reading={prices}>
      {({ data }) =>
        data.length === 0 ? (
          <Empty icon="coins" title="No prices yet">
            Without a price nothing runs: a model that has none is refused. The model * stands for all without one of
            their own.
          </Empty>
        ) : (
          <div className="fh-panel fh-flush">
            <DataTable
              label="Prices of models"
              rows={data}
              rowKey={({ id }) => id}
              columns={[
                { name: 'Model', cell: ({ model }) => (model === '*' ? 'Every other model' : model) },
                { name: 'For', cell: audienceOf },
                { name: 'Input', cell: (row) => formatMoney(row.input_micros_per_mtok), align: 'right' },
                { name: 'Cached input', cell: (row) => formatMoney(row.cached_input_micros_per_mtok), align: 'right' },
                { name: 'Output', cell: (row) => formatMoney(row.output_micros_per_mtok), align: 'right' },
                { name: 'Since', cell: ({ effective_from }) => <Age at={effective_from} />, align: 'right' },
              ]}
            />
          </div>
        )
      }
    </Loaded>
  );
}

function Rates() {
  const rates = useApi('GET /operator/v1/rates');
  return (
    <Stack>
      <Loaded reading={rates}>
        {({ data }) =>
          data.length === 0 ? (
            <Empty icon="coins" title="Nothing else has a price">
              Tool calls, minutes of jobs, storage, egress and GPU seconds are counted all the same.
            </Empty>
          ) : (
            <div className="fh-panel fh-flush">
              <DataTable
                label="Rates"
                rows={data}
                rowKey={({ id }) => id}
                columns={[
                  { name: 'What', cell: ({ sku }) => toWords(sku) },
                  { name: 'For', cell: audienceOf },
                  { name: 'Price', cell: (row) => formatMoney(row.unit_price_micros), align: 'right' },
                  {
                    name: 'Per',
                    cell: ({ per, unit }) => `${formatNumber(per)} ${toWords(unit).toLowerCase()}`,
                    align: 'right',
                  },
                  { name: 'Since', cell: ({ effective_from }) => <Age at={effective_from} />, align: 'right' },
                ]}
              />
            </div>
          )
        }
      </Loaded>
    </Stack>
  );
}

const audienceFields = [
  { name: 'plan', label: 'Only for the plan', kind: 'text' },
  { name: 'tenant', label: 'Only for the tenant, by its id', kind: 'text', placeholder: 'tnt_…' },
] as const;

function SetPrice({ onClose }: { readonly onClose: () => void }) {
  const set = useChange('POST /operator/v1/prices', ['/operator/v1/prices']);
  return (
    <FormDialog
      title="Set the price of a model"
      about="For a million tokens, from now on."
      fields={[
        {
          name: 'model',
          label: 'Model',
          kind: 'text',
          required: true,
          about: '* for every model without a price of its own.',
        },
        { name: 'input', label: 'Input', kind: 'money', required: true, covers: ['input_micros_per_mtok'] },
        {
          name: 'cached',
          label: 'Input that a cache had',
          kind: 'money',
          required: true,
          covers: ['cached_input_micros_per_mtok'],
        },
        { name: 'output', label: 'Output', kind: 'money', required: true, covers: ['output_micros_per_mtok'] },
        ...audienceFields,
      ]}
      initial={{
        model: '',
        input: null as number | null,
        cached: null as number | null,
        output: null as number | null,
        plan: '',
        tenant: '',
      }}
      submitLabel="Set the price"
      onSubmit={({ model, input, cached, output, plan, tenant }) =>
        set.mutateAsync({
          body: {
            model,
            input_micros_per_mtok: toMicros(input),
            cached_input_micros_per_mtok: toMicros(cached),
            output_micros_per_mtok: toMicros(output),
            plan: plan || null,
            tenant: tenant || null,
          },
        })
      }
      onClose={onClose}
    />
  );
}

function SetRate({ onClose }: { readonly onClose: () => void }) {
  const set = useChange('POST /operator/v1/rates', ['/operator/v1/rates']);
  return (
    <FormDialog
      title="Set a rate"
      fields={[
        {
          name: 'sku',
          label: 'What',
          kind: 'select',
          required: true,
          options: meters.map((value) => ({ value, label: toWords(value) })),
        },
        { name: 'price', label: 'Price of one', kind: 'money', required: true, covers: ['unit_price_micros'] },
        ...audienceFields,
      ]}
      initial={{ sku: 'tool_calls' as MeteredSku, price: null as number | null, plan: '', tenant: '' }}
      submitLabel="Set the rate"
      onSubmit={({ sku, price, plan, tenant }) =>
        set.mutateAsync({
          body: { sku, unit_price_micros: toMicros(price), plan: plan || null, tenant: tenant || null },
        })
      }
      onClose={onClose}
    />
  );
}
