/** An agent's versions, and what is different between two of them. */
import { Button, Group, Select, Text } from '@mantine/core';
import { useState } from 'react';
import type { Agent } from '../../../../../../shared/contracts/agents.ts';
import { useApi, useApiList, useChange } from '../../api/queries.ts';
import { ListTable } from '../../parts/data-table.tsx';
import { JsonChanges } from '../../parts/json-changes.tsx';
import { Panel } from '../../parts/page.tsx';
import { Loaded } from '../../parts/states.tsx';
import { Age, Status } from '../../parts/values.tsx';

export function AgentVersions({ agent }: { readonly agent: Agent }) {
  const params = { agent: agent.slug };
  const versions = useApiList('GET /v1/agents/{agent}/versions', { params });
  const publish = useChange('POST /v1/agents/{agent}/publish', ['/v1/agents']);
  const liveIn = (version: number) =>
    Object.entries(agent.published).flatMap(([where, live]) => (live === version ? [where] : []));
  return (
    <>
      <ListTable
        label="Versions"
        list={versions}
        rowKey={({ version }) => String(version)}
        columns={[
          { name: 'Version', cell: ({ version }) => version },
          { name: 'Made', cell: ({ created_at }) => <Age at={created_at} /> },
          {
            name: 'Live in',
            cell: ({ version }) => {
              const live = liveIn(version);
              return live.length === 0 ? 'Nowhere' : <Status value="live" label={live.join(', ')} />;
            },
          },
          {
            name: '',
            align: 'right',
            cell: ({ version }) =>
              agent.published.prod !== version && (
                <Button
                  size="xs"
                  variant="default"
                  loading={publish.isPending}
                  onClick={() => publish.mutate({ params, body: { version, environment: 'prod' } })}
                >
                  Publish to prod
                </Button>
              ),
          },
        ]}
        empty={<Text>There is no version.</Text>}
      />
      {agent.version > 1 && <Difference agent={agent} />}
    </>
  );
}

function Difference({ agent }: { readonly agent: Agent }) {
  const [from, setFrom] = useState(agent.version - 1);
  const [to, setTo] = useState(agent.version);
  const reading = useApi('GET /v1/agents/{agent}/diff', { params: { agent: agent.slug }, query: { from, to } });
  const options = Array.from({ length: agent.version }, (_, at) => String(agent.version - at));
  const choose = (label: string, value: number, onChange: (version: number) => void) => (
    <Select
      size="xs"
      w={110}
      aria-label={label}
      data={options.map((version) => ({ value: version, label: `Version ${version}` }))}
      value={String(value)}
      onChange={(next) => next !== null && onChange(Number(next))}
      allowDeselect={false}
    />
  );
  return (
    <div style={{ marginTop: 16 }}>
      <Panel
        title="What changed"
        actions={
          <Group gap="xs">
            {choose('From version', from, setFrom)}
            <span>to</span>
            {choose('To version', to, setTo)}
          </Group>
        }
      >
        <Loaded reading={reading}>
          {({ changes }) => <JsonChanges changes={changes} none="The two versions say the same." />}
        </Loaded>
      </Panel>
    </div>
  );
}
