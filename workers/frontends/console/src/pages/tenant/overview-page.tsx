/** The first page: what happens now, how it has been, and, for a newcomer, what to do next. */
import { SegmentedControl, Skeleton, Text } from '@mantine/core';
import { lazy, memo, Suspense, useState } from 'react';
import type { PlatformEvent } from '../../../../../../shared/contracts/events.ts';
import type { Telemetry, TelemetryWindow } from '../../../../../../shared/contracts/telemetry.ts';
import { useEvents } from '../../api/event-stream.ts';
import { useApi } from '../../api/queries.ts';
import { DataTable } from '../../parts/data-table.tsx';
import { formatCompact, formatMoney, formatMs, formatNumber, toWords } from '../../parts/format.ts';
import { LinkButton } from '../../parts/link-button.tsx';
import { Page, Panel } from '../../parts/page.tsx';
import { FailureAlert, Loaded, Loading } from '../../parts/states.tsx';
import { useAgents } from '../../parts/use-agents.tsx';
import { Age, Stat, Status } from '../../parts/values.tsx';
import { FirstSteps, useFirstSteps } from './first-steps.tsx';

const TrendChart = lazy(() => import('../../parts/trend-chart.tsx'));
/** What a request did is counted within a second; with this it shows within two. */
const LiveMs = 1_000;
const windows = [
  { value: '1h', label: '1 hour' },
  { value: '24h', label: '24 hours' },
  { value: '7d', label: '7 days' },
  { value: '30d', label: '30 days' },
] as const;

export function OverviewPage() {
  const [window, setWindow] = useState<TelemetryWindow>('1h');
  const tenant = useApi('GET /v1/tenant');
  const query = { window, group_by: 'agent' };
  const telemetry = useApi('GET /v1/telemetry', { query }, { refetchInterval: LiveMs });
  const { isReady, steps } = useFirstSteps();
  return (
    <Page
      title="Overview"
      about={tenant.data && `${tenant.data.name} · plan ${tenant.data.plan.name}`}
      actions={
        <SegmentedControl
          aria-label="Period"
          size="xs"
          value={window}
          onChange={(value) => setWindow(value as TelemetryWindow)}
          data={[...windows]}
        />
      }
    >
      {isReady ? (
        <>
          <FirstSteps steps={steps} />
          <Loaded reading={telemetry} lines={6}>
            {(figures) => (
              <>
                <Figures telemetry={figures} />
                <Trends points={figures.points} stepSeconds={figures.step_seconds} />
              </>
            )}
          </Loaded>
          {!telemetry.isLoading && (
            <div className="fh-halves">
              {telemetry.data && <ByAgent telemetry={telemetry.data} />}
              <Live />
            </div>
          )}
        </>
      ) : (
        <Loading lines={6} />
      )}
    </Page>
  );
}

function Figures({ telemetry }: { readonly telemetry: Telemetry }) {
  const { total, active_sessions } = telemetry;
  const { p50, p95, p99 } = total.duration_ms;
  const errorShare = total.requests === 0 ? 0 : (100 * total.errors) / total.requests;
  const errors = Object.entries(total.errors_by_type).toSorted(([, a], [, b]) => b - a);
  return (
    <div className="fh-stats">
      <Stat
        label="Requests"
        value={formatNumber(total.requests)}
        note={`${total.requests_per_minute.toFixed(2)} a minute`}
      />
      <Stat
        label="Median answer"
        value={orDash(p50, formatMs)}
        note={`p95 ${orDash(p95, formatMs)} · p99 ${orDash(p99, formatMs)}`}
      />
      <Stat
        label="Errors"
        value={formatNumber(total.errors)}
        note={
          errors.length === 0
            ? `${errorShare.toFixed(1)} %`
            : errors.map(([code, n]) => `${toWords(code)} ${n}`).join(', ')
        }
      />
      <Stat
        label="Tokens"
        value={formatCompact(total.input_tokens + total.output_tokens)}
        note={`${formatCompact(total.input_tokens)} in · ${formatCompact(total.output_tokens)} out`}
      />
      <Stat label="Cost" value={formatMoney(total.cost_micros)} note={`${formatNumber(total.runs)} runs of models`} />
      <Stat label="Active sessions" value={formatNumber(active_sessions)} note="Keys, users and visitors" />
    </div>
  );
}

const orDash = (value: number | null, format: (value: number) => string): string =>
  value === null ? '–' : format(value);

type TrendsProps = { readonly points: Telemetry['points']; readonly stepSeconds: number };
const timeOfDay = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit' });
const dayOfYear = new Intl.DateTimeFormat('en-GB', { day: 'numeric', month: 'short' });

/** Drawn anew when a figure is another one, not each time that the figures are read. */
const Trends = memo(function Trends({ points: read, stepSeconds }: TrendsProps) {
  const time = stepSeconds < 86_400 ? timeOfDay : dayOfYear;
  const points = read.map(({ at, requests, errors, duration_ms }) => ({
    at: time.format(new Date(at)),
    requests,
    errors,
    p50: Math.round(duration_ms.p50 ?? 0),
    p95: Math.round(duration_ms.p95 ?? 0),
  }));
  return (
    <div className="fh-halves">
      <Panel title="Requests">
        <Suspense fallback={<Skeleton h={240} />}>
          <TrendChart
            label="Requests and errors over time"
            data={points}
            series={[
              { name: 'requests', label: 'Requests', tone: 'first' },
              { name: 'errors', label: 'Errors', tone: 'third' },
            ]}
            format={formatCompact}
          />
        </Suspense>
      </Panel>
      <Panel title="Time to the end of the answer">
        <Suspense fallback={<Skeleton h={240} />}>
          <TrendChart
            label="Latency over time"
            data={points}
            series={[
              { name: 'p50', label: 'p50', tone: 'second' },
              { name: 'p95', label: 'p95', tone: 'first' },
            ]}
            format={formatMs}
          />
        </Suspense>
      </Panel>
    </div>
  );
});

const MaxRows = 8;

function ByAgent({ telemetry }: { readonly telemetry: Telemetry }) {
  const agents = useAgents();
  const nameOf = (id: string | null | undefined) =>
    id ? (agents.data?.data.find((agent) => agent.id === id)?.name ?? id) : 'Plain models';
  return (
    <Panel title="By agent">
      {telemetry.groups.length === 0 ? (
        <Text size="sm" c="dimmed">
          Nothing was asked in this time.
        </Text>
      ) : (
        <DataTable
          label="By agent"
          rows={telemetry.groups.slice(0, MaxRows)}
          rowKey={(row) => row.agent ?? ''}
          columns={[
            { name: 'Agent', cell: (row) => nameOf(row.agent) },
            { name: 'Requests', cell: (row) => formatNumber(row.requests), align: 'right' },
            { name: 'p95', cell: (row) => orDash(row.duration_ms.p95, formatMs), align: 'right' },
            { name: 'Cost', cell: (row) => formatMoney(row.cost_micros), align: 'right' },
          ]}
        />
      )}
    </Panel>
  );
}

function Live() {
  const [events, setEvents] = useState<readonly PlatformEvent[]>([]);
  const before = useApi('GET /v1/events', { query: { limit: MaxRows } });
  const state = useEvents({}, (event) => setEvents((held) => [event, ...held].slice(0, MaxRows)));
  const known = new Set(events.map(({ id }) => id));
  const shown = [...events, ...(before.data?.data ?? []).filter(({ id }) => !known.has(id))].slice(0, MaxRows);
  return (
    <Panel title="Right now" actions={<Status value={state} />}>
      {before.error ? (
        <FailureAlert error={before.error} retry={before.refetch} />
      ) : before.data === undefined ? (
        <Loading lines={MaxRows} />
      ) : shown.length === 0 ? (
        <Text size="sm" c="dimmed">
          What happens shows here as it happens.
        </Text>
      ) : (
        <DataTable
          label="Latest events"
          rows={shown}
          rowKey={({ id }) => id}
          columns={[
            { name: 'Event', cell: ({ type }) => toWords(type) },
            { name: 'When', cell: ({ timestamp }) => <Age at={timestamp} />, align: 'right' },
          ]}
        />
      )}
      <LinkButton to="/events" variant="default" size="xs" mt="md">
        All events
      </LinkButton>
    </Panel>
  );
}
