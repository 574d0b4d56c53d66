/** What the team wants to be told of: thresholds over the tenant's telemetry, how each stands, when it has fired. */
import { Button, Modal, Switch, Text } from '@mantine/core';
import { useState } from 'react';
import type { Alert, AlertMetric } from '../../../../../../shared/contracts/alerts.ts';
import { useApi, useApiList, useChange } from '../../api/queries.ts';
import { ConfirmButton } from '../../parts/confirm.tsx';
import { DataTable, ListTable } from '../../parts/data-table.tsx';
import { FormDialog } from '../../parts/form-dialog.tsx';
import { formatNumber, formatTime } from '../../parts/format.ts';
import { Icon } from '../../parts/icon.tsx';
import { Page } from '../../parts/page.tsx';
import { Empty, Loaded } from '../../parts/states.tsx';
import { useAgents } from '../../parts/use-agents.tsx';
import { Age, Status } from '../../parts/values.tsx';

const LiveMs = 5_000;
const stale = ['/v1/alerts'];
const metrics = {
  requests_per_minute: 'Requests a minute',
  errors: 'Errors',
  error_rate: 'Share of errors, 0 to 1',
  duration_p50_ms: 'Answers, p50 in ms',
  duration_p95_ms: 'Answers, p95 in ms',
  duration_p99_ms: 'Answers, p99 in ms',
  first_byte_p95_ms: 'First byte, p95 in ms',
  first_token_p95_ms: 'First token, p95 in ms',
  failed_runs: 'Runs that failed',
  tokens_per_minute: 'Tokens a minute',
  cost_micros: 'Cost in micro-USD',
} satisfies Record<AlertMetric, string>;

export function AlertsPage() {
  const [isCreating, setCreating] = useState(false);
  const [opened, setOpened] = useState<Alert>();
  const alerts = useApiList('GET /v1/alerts', {}, { refetchInterval: LiveMs });
  const update = useChange('PATCH /v1/alerts/{alert}', stale);
  const remove = useChange('DELETE /v1/alerts/{alert}', stale);
  const create = (
    <Button leftSection={<Icon name="plus" size={16} />} onClick={() => setCreating(true)}>
      New alert
    </Button>
  );
  return (
    <Page
      title="Alerts"
      about="Webhooks that listen to alert.* hear of each that fires, and when it is over."
      actions={create}
    >
      <ListTable
        label="Alerts"
        list={alerts}
        rowKey={({ id }) => id}
        columns={[
          {
            name: 'Alert',
            cell: (alert) => (
              <button type="button" className="fh-row-button" onClick={() => setOpened(alert)}>
                {alert.name}
              </button>
            ),
          },
          { name: 'When', cell: describe },
          { name: 'State', cell: ({ state }) => <Status value={state} /> },
          { name: 'Now', cell: ({ value }) => (value === null ? '–' : formatNumber(value)), align: 'right' },
          { name: 'Since', cell: ({ since }) => <Age at={since} /> },
          {
            name: 'On',
            cell: ({ id, name, enabled }) => (
              <Switch
                aria-label={`${name} is on`}
                checked={enabled}
                onChange={() => update.mutate({ params: { alert: id }, body: { enabled: !enabled } })}
              />
            ),
          },
          {
            name: '',
            align: 'right',
            cell: ({ id, name }) => (
              <ConfirmButton
                label="Delete"
                ariaLabel={`Delete ${name}`}
                title={`Delete ${name}?`}
                onConfirm={() => remove.mutateAsync({ params: { alert: id } })}
              >
                Nobody is told of it any more; its history goes with it.
              </ConfirmButton>
            ),
          },
        ]}
        empty={
          <Empty icon="pulse" title="No alerts yet" action={create}>
            Be told when answers become slow, errors rise, or more is spent than you thought.
          </Empty>
        }
      />
      {isCreating && <NewAlert onClose={() => setCreating(false)} />}
      {opened && (
        <Modal
          opened
          onClose={() => setOpened(undefined)}
          title={opened.name}
          size="lg"
          closeButtonProps={{ 'aria-label': 'Close' }}
        >
          <Incidents alert={opened.id} />
        </Modal>
      )}
    </Page>
  );
}

function describe({ metric, comparison, threshold, window_minutes, for_minutes }: Alert): string {
  const held = for_minutes === 0 ? '' : `, for ${for_minutes} min`;
  return `${metrics[metric]} ${comparison} ${formatNumber(threshold)} over ${window_minutes} min${held}`;
}

function Incidents({ alert }: { readonly alert: string }) {
  const incidents = useApi('GET /v1/alerts/{alert}/incidents', { params: { alert } });
  return (
    <Loaded reading={incidents} lines={2}>
      {({ data }) =>
        data.length === 0 ? (
          <Text size="sm" c="dimmed">
            It has not fired yet.
          </Text>
        ) : (
          <DataTable
            label="When it fired"
            rows={data}
            rowKey={({ fired_at }) => fired_at}
            columns={[
              { name: 'Fired', cell: ({ fired_at }) => formatTime(fired_at) },
              { name: 'Over', cell: ({ resolved_at }) => (resolved_at === null ? 'Not yet' : formatTime(resolved_at)) },
              { name: 'Value', cell: ({ value }) => formatNumber(value), align: 'right' },
            ]}
          />
        )
      }
    </Loaded>
  );
}

function NewAlert({ onClose }: { readonly onClose: () => void }) {
  const create = useChange('POST /v1/alerts', stale);
  const agents = useAgents();
  return (
    <FormDialog
      title="New alert"
      fields={[
        { name: 'name', label: 'Name', kind: 'text', required: true, placeholder: 'Answers are slow' },
        {
          name: 'metric',
          label: 'What is watched',
          kind: 'select',
          required: true,
          options: Object.entries(metrics).map(([value, label]) => ({ value, label })),
        },
        { name: 'comparison', label: 'It is', kind: 'select', required: true, options: ['above', 'below'] },
        { name: 'threshold', label: 'Threshold', kind: 'number', required: true, min: 0 },
        { name: 'window_minutes', label: 'Over how many minutes', kind: 'number', required: true, min: 1, max: 60 },
        {
          name: 'for_minutes',
          label: 'For how many minutes in a row',
          kind: 'number',
          required: true,
          min: 0,
          max: 60,
        },
        {
          name: 'agent',
          label: 'Only of the agent',
          kind: 'select',
          options: (agents.data?.data ?? []).map(({ id, name }) => ({ value: id, label: name })),
        },
      ]}
      initial={{
        name: '',
        metric: 'duration_p95_ms' as AlertMetric,
        comparison: 'above' as Alert['comparison'],
        threshold: null as number | null,
        window_minutes: 5 as number | null,
        for_minutes: 0 as number | null,
        agent: '',
      }}
      submitLabel="Create alert"
      onSubmit={({ threshold, window_minutes, for_minutes, agent, ...rest }) =>
        create.mutateAsync({
          body: {
            ...rest,
            threshold: threshold ?? 0,
            window_minutes: window_minutes ?? 5,
            for_minutes: for_minutes ?? 0,
            agent: agent || null,
          },
        })
      }
      onClose={onClose}
    />
  );
}
