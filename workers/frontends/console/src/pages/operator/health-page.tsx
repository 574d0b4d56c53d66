/** How the platform does: its bridges and nodes, its tenants, what they used, and what to do first. */
import { Text } from '@mantine/core';
import { Link } from '@tanstack/react-router';
import type { InferenceNodeView } from '../../../../../../shared/contracts/nodes.ts';
import { useApi } from '../../api/queries.ts';
import { DataTable } from '../../parts/data-table.tsx';
import { formatCompact, formatMoney, formatMs, formatNumber } from '../../parts/format.ts';
import { LinkButton } from '../../parts/link-button.tsx';
import { Page, Panel } from '../../parts/page.tsx';
import { Empty, Loaded } from '../../parts/states.tsx';
import { Age, Stat, Status } from '../../parts/values.tsx';

const LiveMs = 2_000;
const DayMs = 86_400_000;

export function HealthPage() {
  const bridges = useApi('GET /operator/v1/bridges', {}, { refetchInterval: LiveMs });
  const nodes = useApi('GET /operator/v1/nodes', {}, { refetchInterval: LiveMs });
  const tenants = useApi('GET /operator/v1/tenants', { query: { limit: 100 } });
  const from = new Date(Math.floor(Date.now() / DayMs) * DayMs - 29 * DayMs).toISOString();
  const usage = useApi('GET /operator/v1/usage', { query: { group_by: 'tenant', from } }, { refetchInterval: 10_000 });
  const telemetry = useApi(
    'GET /operator/v1/telemetry',
    { query: { window: '24h', group_by: 'none' } },
    { refetchInterval: 10_000 },
  );
  const total = telemetry.data?.total;
  const p95 = total?.duration_ms.p95 ?? null;
  const rows = usage.data?.data ?? [];
  const online = bridges.data?.data.filter(({ status }) => status === 'online').length;
  const ready = nodes.data?.data.filter(({ state }) => state === 'ready').length;
  const nameOf = (id: string | undefined) => tenants.data?.data.find((tenant) => tenant.id === id)?.name ?? id ?? '';
  return (
    <Page title="Health" about="Bridges and nodes as they are now; money of the last thirty days.">
      <div className="fh-stats">
        <Stat
          label="Bridges online"
          value={online ?? '–'}
          note={`of ${bridges.data?.data.filter(({ status }) => status !== 'revoked').length ?? 0}`}
        />
        <Stat label="Nodes ready" value={ready ?? '–'} note={`of ${nodes.data?.data.length ?? 0}`} />
        <Stat
          label="Tenants"
          value={tenants.data ? `${tenants.data.data.length}${tenants.data.has_more ? '+' : ''}` : '–'}
        />
        <Stat
          label="Requests"
          value={total ? formatNumber(total.requests) : '–'}
          note={`24 hours, ${formatNumber(total?.errors ?? 0)} errors`}
        />
        <Stat label="Answers, p95" value={p95 === null ? '–' : formatMs(p95)} note="24 hours" />
        <Stat label="Charged" value={formatMoney(rows.reduce((sum, row) => sum + row.cost_micros, 0))} note="30 days" />
      </div>
      <Panel
        title="Nodes"
        actions={
          <LinkButton to="/nodes" size="xs" variant="default">
            All nodes
          </LinkButton>
        }
      >
        <Loaded reading={nodes}>{({ data }) => <Nodes nodes={data} />}</Loaded>
      </Panel>
      <Panel title="Tenants by what they used">
        <Loaded reading={usage}>
          {({ data }) =>
            data.length === 0 ? (
              <Text size="sm" c="dimmed">
                Nothing is in the books yet.{' '}
                <Link className="fh-plain-link" to="/tenants">
                  Create a tenant
                </Link>{' '}
                and hand over its address.
              </Text>
            ) : (
              <DataTable
                label="Tenants by usage"
                rows={data.toSorted((a, b) => b.cost_micros - a.cost_micros).slice(0, 10)}
                rowKey={(row) => row.tenant ?? ''}
                columns={[
                  {
                    name: 'Tenant',
                    cell: (row) => (
                      <Link className="fh-plain-link" to="/tenants/$tenant" params={{ tenant: row.tenant ?? '' }}>
                        {nameOf(row.tenant)}
                      </Link>
                    ),
                  },
                  { name: 'Entries', cell: (row) => formatNumber(row.entries), align: 'right' },
                  {
                    name: 'Tokens',
                    cell: (row) => formatCompact(row.input_tokens + row.output_tokens),
                    align: 'right',
                  },
                  { name: 'Charged', cell: (row) => formatMoney(row.cost_micros), align: 'right' },
                ]}
              />
            )
          }
        </Loaded>
      </Panel>
    </Page>
  );
}

function Nodes({ nodes }: { readonly nodes: readonly InferenceNodeView[] }) {
  if (nodes.length === 0) {
    return (
      <Empty icon="server" title="No node serves yet" action={<LinkButton to="/bridges">Enrol a bridge</LinkButton>}>
        A bridge is a small process beside your GPUs. One command enrols it, and it dials out: no port is opened.
      </Empty>
    );
  }
  return (
    <DataTable
      label="Nodes"
      rows={nodes}
      rowKey={({ bridge, name }) => `${bridge} ${name}`}
      columns={[
        { name: 'Node', cell: ({ name, kind }) => `${name} (${kind})` },
        { name: 'State', cell: ({ state, draining }) => <Status value={draining ? 'draining' : state} /> },
        { name: 'Since', cell: ({ since }) => <Age at={since} none="–" /> },
        { name: 'Jobs', cell: ({ outstanding }) => outstanding, align: 'right' },
        {
          name: 'First token',
          cell: ({ first_token_ms }) => (first_token_ms === null ? '–' : formatMs(first_token_ms)),
          align: 'right',
        },
      ]}
    />
  );
}
