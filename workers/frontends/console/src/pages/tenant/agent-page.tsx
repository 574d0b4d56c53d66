/** One agent: its definition, its versions, where it is live, and whether it may run. */
import { Button, Group, Menu } from '@mantine/core';
import { useNavigate, useParams } from '@tanstack/react-router';
import { lazy, Suspense, useState } from 'react';
import type { Agent } from '../../../../../../shared/contracts/agents.ts';
import { useApi, useChange } from '../../api/queries.ts';
import { ConfirmButton } from '../../parts/confirm.tsx';
import { DataTable } from '../../parts/data-table.tsx';
import { FormDialog } from '../../parts/form-dialog.tsx';
import { formatNumber } from '../../parts/format.ts';
import { Page, Panel } from '../../parts/page.tsx';
import { PageTabs } from '../../parts/page-tabs.tsx';
import { Empty, Loaded, Loading } from '../../parts/states.tsx';
import { Facts, Id, Status } from '../../parts/values.tsx';
import { AgentState } from './agent-state.tsx';
import { AgentTrace, StateHistory } from './agent-trace.tsx';
import { AgentVersions } from './agent-versions.tsx';
import { LinkButton } from '../../parts/link-button.tsx';
import { ProtocolHooks } from './protocol-hooks.tsx';

const AgentEditor = lazy(() => import('./agent-editor.tsx'));
const environments = ['dev', 'staging', 'prod'] as const;

export function AgentPage() {
  const { agent = '' } = useParams({ strict: false });
  const reading = useApi('GET /v1/agents/{agent}', { params: { agent } });
  return (
    <Page
      title={reading.data?.name ?? agent}
      about={reading.data && <code>{reading.data.model}</code>}
      actions={reading.data && <Actions agent={reading.data} />}
    >
      <Loaded reading={reading}>
        {(found) => (
          <>
            <Placed agent={found} />
            <PageTabs
              tabs={[
                {
                  value: 'definition',
                  label: 'Definition',
                  content: (
                    <Suspense fallback={<Loading />}>
                      <AgentEditor key={found.version} agent={found} />
                    </Suspense>
                  ),
                },
                { value: 'versions', label: 'Versions', content: <AgentVersions agent={found} /> },
                { value: 'state', label: 'Goals and persona', content: <AgentState agent={found.slug} /> },
                { value: 'hooks', label: 'Protocol hooks', content: <ProtocolHooks agent={found.slug} /> },
                { value: 'trace', label: 'Trace', content: <AgentTrace agent={found.slug} /> },
                { value: 'history', label: 'History', content: <StateHistory agent={found.slug} /> },
                { value: 'greetings', label: 'Greetings', content: <Greetings agent={found.slug} /> },
              ]}
            />
          </>
        )}
      </Loaded>
    </Page>
  );
}

function Placed({ agent }: { readonly agent: Agent }) {
  return (
    <Panel>
      <Facts
        of={[
          ['State', <Status key="state" value={agent.suspended_at === null ? 'active' : 'suspended'} />],
          ['Newest version', agent.version],
          ...environments.map(
            (each) =>
              [`Live in ${each}`, agent.published[each] === null ? 'No' : `Version ${agent.published[each]}`] as const,
          ),
          ['Id', <Id key="id" value={agent.id} />],
        ]}
      />
    </Panel>
  );
}

function Actions({ agent }: { readonly agent: Agent }) {
  const [asks, setAsks] = useState<'publish' | 'rollback' | 'rename'>();
  const navigate = useNavigate();
  const stale = ['/v1/agents'];
  const publish = useChange('POST /v1/agents/{agent}/publish', stale);
  const rollback = useChange('POST /v1/agents/{agent}/rollback', stale);
  const update = useChange('PATCH /v1/agents/{agent}', stale);
  const suspend = useChange('POST /v1/agents/{agent}/suspend', stale);
  const resume = useChange('POST /v1/agents/{agent}/resume', stale);
  const remove = useChange('DELETE /v1/agents/{agent}', stale);
  const params = { agent: agent.slug };
  const environment = {
    name: 'environment',
    label: 'Environment',
    kind: 'select',
    options: environments,
    required: true,
  } as const;
  return (
    <>
      <LinkButton to="/playground" search={{ agent: agent.slug }} variant="default">
        Try it
      </LinkButton>
      <Button onClick={() => setAsks('publish')}>Publish</Button>
      <Menu position="bottom-end" keepMounted={false}>
        <Menu.Target>
          <Button variant="default">More</Button>
        </Menu.Target>
        <Menu.Dropdown>
          <Menu.Item onClick={() => setAsks('rollback')}>Roll back…</Menu.Item>
          <Menu.Item onClick={() => setAsks('rename')}>Rename…</Menu.Item>
          <Menu.Item onClick={() => void navigate({ to: '/memories', search: { agent: agent.slug } })}>
            Memories
          </Menu.Item>
          <Menu.Item onClick={() => void navigate({ to: '/tasks', search: { agent: agent.slug } })}>Tasks</Menu.Item>
        </Menu.Dropdown>
      </Menu>
      <Group gap="xs">
        {agent.suspended_at === null ? (
          <ConfirmButton
            size="sm"
            label="Suspend"
            title={`Suspend ${agent.name}?`}
            onConfirm={() => suspend.mutateAsync({ params })}
          >
            It starts no runs until it is resumed. What runs now comes to its end.
          </ConfirmButton>
        ) : (
          <Button variant="default" loading={resume.isPending} onClick={() => resume.mutate({ params })}>
            Resume
          </Button>
        )}
        <ConfirmButton
          size="sm"
          label="Delete"
          title={`Delete ${agent.name}?`}
          onConfirm={async () => {
            await navigate({ to: '/agents' });
            await remove.mutateAsync({ params });
          }}
        >
          Its versions, memories and tasks go with it. This cannot be taken back.
        </ConfirmButton>
      </Group>
      {asks === 'publish' && (
        <FormDialog
          title={`Publish ${agent.name}`}
          about="Clients of that environment get this version from the next request on."
          fields={[
            { name: 'version', label: 'Version', kind: 'number', required: true, min: 1, max: agent.version },
            environment,
          ]}
          initial={{ version: agent.version as number | null, environment: 'prod' as (typeof environments)[number] }}
          submitLabel="Publish"
          onSubmit={(values) =>
            publish.mutateAsync({ params, body: { version: values.version ?? 0, environment: values.environment } })
          }
          onClose={() => setAsks(undefined)}
        />
      )}
      {asks === 'rollback' && (
        <FormDialog
          title={`Roll ${agent.name} back`}
          about="The version that was live there before is live again."
          fields={[environment]}
          initial={{ environment: 'prod' as (typeof environments)[number] }}
          submitLabel="Roll back"
          onSubmit={(values) => rollback.mutateAsync({ params, body: { environment: values.environment } })}
          onClose={() => setAsks(undefined)}
        />
      )}
      {asks === 'rename' && (
        <FormDialog
          title={`Rename ${agent.name}`}
          fields={[{ name: 'name', label: 'Name', kind: 'text', required: true }]}
          initial={{ name: agent.name }}
          submitLabel="Rename"
          onSubmit={({ name }) => update.mutateAsync({ params, body: { name } })}
          onClose={() => setAsks(undefined)}
        />
      )}
    </>
  );
}

function Greetings({ agent }: { readonly agent: string }) {
  const reading = useApi('GET /v1/agents/{agent}/greetings', { params: { agent }, query: { limit: 100 } });
  return (
    <Loaded reading={reading}>
      {({ data }) =>
        data.length === 0 ? (
          <Empty icon="chat" title="No variant was shown yet">
            A greeting can be a text, or variants by language, time of day and environment. How often each variant was
            shown is counted here.
          </Empty>
        ) : (
          <Panel title="How often each variant was shown">
            <DataTable
              label="Greetings"
              rows={data}
              rowKey={(row) => `${row.version} ${row.variant}`}
              columns={[
                { name: 'Variant', cell: (row) => row.variant },
                { name: 'Version', cell: (row) => row.version },
                { name: 'Shown', cell: (row) => formatNumber(row.shown), align: 'right' },
              ]}
            />
          </Panel>
        )
      }
    </Loaded>
  );
}
