/** The most that may be spent, by whom or on what, and how near that is. */
import { Button, Group, Progress, Text } from '@mantine/core';
import { useState } from 'react';
import type { Budget, BudgetScope, BudgetWindow } from '../../../../../../shared/contracts/budgets.ts';
import { useApi, useApiList, useChange } from '../../api/queries.ts';
import { ConfirmButton } from '../../parts/confirm.tsx';
import { ListTable } from '../../parts/data-table.tsx';
import { toMicros } from '../../parts/fields.tsx';
import { FormDialog } from '../../parts/form-dialog.tsx';
import { formatMoney, toWords } from '../../parts/format.ts';
import { Icon } from '../../parts/icon.tsx';
import { Page } from '../../parts/page.tsx';
import { Empty } from '../../parts/states.tsx';
import { useAgents } from '../../parts/use-agents.tsx';

const stale = ['/v1/budgets'];
const windows = ['day', 'week', 'month', 'total'].map((value) => ({
  value,
  label: value === 'total' ? 'For ever' : `A ${value}`,
}));

export function BudgetsPage() {
  const [isCreating, setCreating] = useState(false);
  const [changing, setChanging] = useState<Budget>();
  const budgets = useApiList('GET /v1/budgets', {}, { refetchInterval: 5_000 });
  const remove = useChange('DELETE /v1/budgets/{budget}', stale);
  const agents = useAgents();
  const keys = useApi('GET /v1/keys', { query: { limit: 100 } });
  const nameOf = (id: string) =>
    [...(agents.data?.data ?? []), ...(keys.data?.data ?? [])].find((each) => each.id === id)?.name ?? id;
  const create = (
    <Button leftSection={<Icon name="plus" size={16} />} onClick={() => setCreating(true)}>
      New budget
    </Button>
  );
  return (
    <Page
      title="Budgets"
      about="No budget is ever exceeded: what a run may cost at most is held before it begins."
      actions={create}
    >
      <ListTable
        label="Budgets"
        list={budgets}
        rowKey={({ id }) => id}
        columns={[
          { name: 'Name', cell: ({ name }) => name },
          { name: 'Covers', cell: ({ scope }) => describeScope(scope, nameOf) },
          { name: 'Window', cell: ({ window }) => toWords(window) },
          { name: 'Spent', cell: (budget) => <Spent budget={budget} /> },
          {
            name: 'At its end',
            cell: ({ degrade_to }) => (degrade_to === null ? 'Refuses' : `Goes on with ${degrade_to}`),
          },
          {
            name: '',
            align: 'right',
            cell: (budget) => (
              <Group gap="xs" justify="flex-end" wrap="nowrap">
                <Button
                  size="xs"
                  variant="default"
                  onClick={() => setChanging(budget)}
                  aria-label={`Change ${budget.name}`}
                >
                  Change
                </Button>
                <ConfirmButton
                  label="Delete"
                  ariaLabel={`Delete ${budget.name}`}
                  title={`Delete ${budget.name}?`}
                  onConfirm={() => remove.mutateAsync({ params: { budget: budget.id } })}
                >
                  What it limited is then limited by the other budgets alone.
                </ConfirmButton>
              </Group>
            ),
          },
        ]}
        empty={
          <Empty icon="tag" title="No budgets yet" action={create}>
            Without one, only the operator's plan limits what is spent. Begin with one a month for everything.
          </Empty>
        }
      />
      {isCreating && <NewBudget onClose={() => setCreating(false)} />}
      {changing && <ChangeBudget budget={changing} onClose={() => setChanging(undefined)} />}
    </Page>
  );
}

function Spent({ budget }: { readonly budget: Budget }) {
  const { spent_micros, held_micros, limit_micros, name } = budget;
  const percent = limit_micros === 0 ? 100 : Math.min(100, (100 * (spent_micros + held_micros)) / limit_micros);
  const color = percent >= 100 ? 'var(--fh-bad)' : percent >= 80 ? 'var(--fh-warn)' : 'var(--fh-info)';
  return (
    <div style={{ minWidth: 160 }}>
      <Text size="sm">
        {formatMoney(spent_micros)} of {formatMoney(limit_micros)}
      </Text>
      <Progress value={percent} color={color} size="sm" mt={4} aria-label={`Spent of ${name}`} />
    </div>
  );
}

function describeScope(scope: BudgetScope, nameOf: (id: string) => string): string {
  const [entry] = Object.entries(scope);
  if (!entry) return 'Everything';
  const [kind, value] = entry;
  return kind === 'run' ? 'Each single run' : `${toWords(kind)} ${nameOf(String(value))}`;
}

type ScopeKind = 'all' | 'agent' | 'key' | 'project' | 'environment' | 'run';

function NewBudget({ onClose }: { readonly onClose: () => void }) {
  const create = useChange('POST /v1/budgets', stale);
  return (
    <FormDialog
      title="New budget"
      fields={[
        { name: 'name', label: 'Name', kind: 'text', required: true },
        { name: 'limit', label: 'Limit', kind: 'money', required: true, covers: ['limit_micros'] },
        { name: 'window', label: 'In', kind: 'select', required: true, options: windows },
        {
          name: 'kind',
          label: 'Covers',
          kind: 'select',
          required: true,
          options: [
            { value: 'all', label: 'Everything' },
            { value: 'agent', label: 'One agent, by its id' },
            { value: 'key', label: 'One key, by its id' },
            { value: 'project', label: 'One project' },
            { value: 'environment', label: 'One environment' },
            { value: 'run', label: 'Each single run' },
          ],
          covers: ['scope'],
        },
        {
          name: 'of',
          label: 'Which',
          kind: 'text',
          about: 'The id of the agent or key, or the name; empty for everything and for runs.',
        },
        {
          name: 'thresholds',
          label: 'Tell at, in percent',
          kind: 'tags',
          about: 'Each raises budget.threshold_reached once a window.',
        },
        {
          name: 'degrade_to',
          label: 'When it is used up, go on with the model',
          kind: 'text',
          about: 'A cheaper model. Left open, runs are refused.',
        },
      ]}
      initial={{
        name: '',
        limit: null as number | null,
        window: 'month' as BudgetWindow,
        kind: 'all' as ScopeKind,
        of: '',
        thresholds: ['80', '100'] as readonly string[],
        degrade_to: '',
      }}
      submitLabel="Create budget"
      onSubmit={({ name, limit, window, kind, of, thresholds, degrade_to }) =>
        create.mutateAsync({
          body: {
            name,
            limit_micros: toMicros(limit),
            window,
            scope: toScope(kind, of),
            thresholds: thresholds.map(Number),
            ...(degrade_to === '' ? {} : { on_breach: 'degrade', degrade_to }),
          },
        })
      }
      onClose={onClose}
    />
  );
}

function toScope(kind: ScopeKind, of: string): BudgetScope {
  if (kind === 'all') return {};
  return (kind === 'run' ? { run: true } : { [kind]: of }) as BudgetScope;
}

function ChangeBudget({ budget, onClose }: { readonly budget: Budget; readonly onClose: () => void }) {
  const update = useChange('PATCH /v1/budgets/{budget}', stale);
  return (
    <FormDialog
      title={`Change ${budget.name}`}
      fields={[
        { name: 'name', label: 'Name', kind: 'text', required: true },
        { name: 'limit', label: 'Limit', kind: 'money', required: true, covers: ['limit_micros'] },
        { name: 'thresholds', label: 'Tell at, in percent', kind: 'tags' },
      ]}
      initial={{
        name: budget.name,
        limit: (budget.limit_micros / 1_000_000) as number | null,
        thresholds: budget.thresholds.map(String) as readonly string[],
      }}
      submitLabel="Save"
      onSubmit={({ name, limit, thresholds }) =>
        update.mutateAsync({
          params: { budget: budget.id },
          body: { name, limit_micros: toMicros(limit), thresholds: thresholds.map(Number) },
        })
      }
      onClose={onClose}
    />
  );
}
