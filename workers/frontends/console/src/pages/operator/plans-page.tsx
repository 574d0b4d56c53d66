/** Plans: what a tenant may use and how much of it, and what that costs a month. */
import { Button, Group } from '@mantine/core';
import { useState } from 'react';
import type { Plan, PlanLimits } from '../../../../../../shared/contracts/plans.ts';
import { useApi, useApiList, useChange } from '../../api/queries.ts';
import { ConfirmButton } from '../../parts/confirm.tsx';
import { ListTable } from '../../parts/data-table.tsx';
import { toMicros, type Field } from '../../parts/fields.tsx';
import { FormDialog } from '../../parts/form-dialog.tsx';
import { formatCompact, formatMoney, toWords } from '../../parts/format.ts';
import { Icon } from '../../parts/icon.tsx';
import { Page } from '../../parts/page.tsx';
import { Empty } from '../../parts/states.tsx';

const stale = ['/operator/v1/plans', '/operator/v1/plan_terms'];
const limitLabels = {
  requests_per_minute: 'Requests a minute',
  tokens_per_minute: 'Tokens a minute',
  concurrency: 'Runs at the same time',
  agents: 'Agents',
  keys: 'Active keys',
  storage_bytes: 'Bytes stored',
  domains: 'Custom domains',
  event_retention_days: 'Days that events are kept',
} satisfies Record<keyof PlanLimits, string>;
type LimitName = keyof typeof limitLabels;
const limitNames = Object.keys(limitLabels) as LimitName[];
const limitFields: readonly Field<LimitName>[] = limitNames.map((name) => ({
  name,
  label: limitLabels[name],
  kind: 'number',
  min: 0,
  covers: [`limits.${name}`],
}));
type LimitValues = Readonly<Record<LimitName, number | null>>;

export function PlansPage() {
  const [asks, setAsks] = useState<{ readonly plan?: Plan; readonly fee?: Plan }>();
  const plans = useApiList('GET /operator/v1/plans');
  const terms = useApi('GET /operator/v1/plan_terms');
  const remove = useChange('DELETE /operator/v1/plans/{plan}', stale);
  const feeOf = (plan: string) => terms.data?.data.find((each) => each.plan === plan)?.platform_fee_micros ?? 0;
  const create = (
    <Button leftSection={<Icon name="plus" size={16} />} onClick={() => setAsks({})}>
      New plan
    </Button>
  );
  return (
    <Page
      title="Plans"
      about="Limits hold at once for every tenant on the plan. An open limit is none."
      actions={create}
    >
      <ListTable
        label="Plans"
        list={plans}
        rowKey={({ id }) => id}
        columns={[
          { name: 'Plan', cell: ({ name, id }) => `${name} (${id})` },
          { name: 'Limits', cell: ({ limits }) => describeLimits(limits) },
          { name: 'A month', cell: ({ id }) => formatMoney(feeOf(id)), align: 'right' },
          {
            name: '',
            align: 'right',
            cell: (plan) => (
              <Group gap="xs" justify="flex-end" wrap="nowrap">
                <Button
                  size="xs"
                  variant="default"
                  onClick={() => setAsks({ plan })}
                  aria-label={`Change ${plan.name}`}
                >
                  Change
                </Button>
                <Button
                  size="xs"
                  variant="default"
                  onClick={() => setAsks({ fee: plan })}
                  aria-label={`Set the fee of ${plan.name}`}
                >
                  Fee
                </Button>
                <ConfirmButton
                  label="Delete"
                  ariaLabel={`Delete ${plan.name}`}
                  title={`Delete ${plan.name}?`}
                  onConfirm={() => remove.mutateAsync({ params: { plan: plan.id } })}
                >
                  A plan that a tenant is on cannot be deleted.
                </ConfirmButton>
              </Group>
            ),
          },
        ]}
        empty={<Empty icon="tag" title="No plans yet" action={create} />}
      />
      {asks?.fee && <Fee plan={asks.fee} micros={feeOf(asks.fee.id)} onClose={() => setAsks(undefined)} />}
      {asks && !asks.fee && <PlanForm plan={asks.plan} onClose={() => setAsks(undefined)} />}
    </Page>
  );
}

function describeLimits(limits: PlanLimits): string {
  const set = limitNames.flatMap((name) => {
    const limit = limits[name];
    return limit === null ? [] : [`${formatCompact(limit)} ${toWords(limitLabels[name]).toLowerCase()}`];
  });
  return set.length === 0 ? 'None' : set.join(', ');
}

function PlanForm({ plan, onClose }: { readonly plan: Plan | undefined; readonly onClose: () => void }) {
  const create = useChange('POST /operator/v1/plans', stale);
  const update = useChange('PATCH /operator/v1/plans/{plan}', stale);
  const limits = Object.fromEntries(limitNames.map((name) => [name, plan?.limits[name] ?? null])) as LimitValues;
  const head: readonly Field<'id' | 'name'>[] = [
    ...(plan ? [] : [{ name: 'id', label: 'Id', kind: 'text', required: true } as const]),
    { name: 'name', label: 'Name', kind: 'text', required: true },
  ];
  return (
    <FormDialog
      title={plan ? `Change ${plan.name}` : 'New plan'}
      fields={[...head, ...limitFields]}
      initial={{ id: plan?.id ?? '', name: plan?.name ?? '', ...limits }}
      submitLabel={plan ? 'Save' : 'Create plan'}
      onSubmit={({ id, name, ...limits }) =>
        plan
          ? update.mutateAsync({ params: { plan: plan.id }, body: { name, limits } })
          : create.mutateAsync({ body: { id, name, limits } })
      }
      onClose={onClose}
    />
  );
}

type FeeProps = { readonly plan: Plan; readonly micros: number; readonly onClose: () => void };

function Fee({ plan, micros, onClose }: FeeProps) {
  const setTerms = useChange('POST /operator/v1/plan_terms', stale);
  return (
    <FormDialog
      title={`Fee of ${plan.name}`}
      about="For a calendar month, from the next invoice that is closed."
      fields={[{ name: 'fee', label: 'A month', kind: 'money', required: true, covers: ['platform_fee_micros'] }]}
      initial={{ fee: (micros / 1_000_000) as number | null }}
      submitLabel="Set the fee"
      onSubmit={({ fee }) => setTerms.mutateAsync({ body: { plan: plan.id, platform_fee_micros: toMicros(fee) } })}
      onClose={onClose}
    />
  );
}
