/** The nodes that produce the tokens: in which state, with which models, and what happened to them. */
import { Button, Stack, Text } from '@mantine/core';
import type { InferenceNodeView } from '../../../../../../shared/contracts/nodes.ts';
import { useApi, useChange } from '../../api/queries.ts';
import { DataTable } from '../../parts/data-table.tsx';
import { formatMs, toWords } from '../../parts/format.ts';
import { LinkButton } from '../../parts/link-button.tsx';
import { Page, Panel } from '../../parts/page.tsx';
import { Empty, FailureAlert, Loaded } from '../../parts/states.tsx';
import { Age, Facts, Status } from '../../parts/values.tsx';

const LiveMs = 2_000;
const stale = ['/operator/v1/nodes'];

export function NodesPage() {
  const nodes = useApi('GET /operator/v1/nodes', {}, { refetchInterval: LiveMs });
  return (
    <Page title="Nodes and models" about="A node that is drained gets no more jobs and ends those that it has.">
      <Loaded reading={nodes}>
        {({ data }) =>
          data.length === 0 ? (
            <Empty
              icon="chip"
              title="No node serves yet"
              action={<LinkButton to="/bridges">Enrol a bridge</LinkButton>}
            >
              A bridge finds vLLM, Ollama and other servers on its machine by itself.
            </Empty>
          ) : (
            <>
              <Models nodes={data} />
              {data.map((node) => (
                <NodePanel key={`${node.bridge} ${node.name}`} node={node} />
              ))}
            </>
          )
        }
      </Loaded>
    </Page>
  );
}

function Models({ nodes }: { readonly nodes: readonly InferenceNodeView[] }) {
  const names = [...new Set(nodes.flatMap(({ models }) => models))].toSorted();
  const holders = (model: string) => nodes.filter(({ models }) => models.includes(model));
  return (
    <Panel title="Models">
      <DataTable
        label="Models"
        rows={names}
        rowKey={(name) => name}
        columns={[
          { name: 'Model', cell: (name) => <code>{name}</code> },
          {
            name: 'Nodes',
            cell: (name) =>
              holders(name)
                .map((node) => node.name)
                .join(', '),
          },
          {
            name: 'Ready',
            align: 'right',
            cell: (name) =>
              `${holders(name).filter(({ state }) => state === 'ready').length} of ${holders(name).length}`,
          },
        ]}
      />
    </Panel>
  );
}

function NodePanel({ node }: { readonly node: InferenceNodeView }) {
  const params = { bridge: node.bridge, node: node.name };
  const drain = useChange('POST /operator/v1/bridges/{bridge}/nodes/{node}/drain', stale);
  const resume = useChange('POST /operator/v1/bridges/{bridge}/nodes/{node}/resume', stale);
  const change = node.draining ? resume : drain;
  return (
    <Panel
      title={node.name}
      about={`${node.kind}${node.external ? ', external' : ''}`}
      actions={
        <Button size="xs" variant="default" loading={change.isPending} onClick={() => change.mutate({ params })}>
          {node.draining ? 'Resume' : 'Drain'}
        </Button>
      }
    >
      <Stack>
        {change.error && <FailureAlert error={change.error} />}
        <Facts
          of={[
            ['State', <Status key="state" value={node.draining ? 'draining' : node.state} />],
            ['Since', <Age key="since" at={node.since} none="–" />],
            ['Jobs of this bridge', node.outstanding],
            ['Jobs of anybody', node.running === null ? 'Not told' : `${node.running} run, ${node.waiting ?? 0} wait`],
            ['First token', node.first_token_ms === null ? 'Not known yet' : formatMs(node.first_token_ms)],
            ['Models', node.models.length === 0 ? 'None' : node.models.join(', ')],
          ]}
        />
        {node.reason !== '' && <Text size="sm">{node.reason}</Text>}
        {node.events.length > 0 && (
          <DataTable
            label={`What happened to ${node.name}`}
            rows={node.events}
            rowKey={({ at, type }) => `${at} ${type}`}
            columns={[
              {
                name: 'Change',
                cell: ({ type, before }) =>
                  `${toWords(before)} to ${toWords(type.replace(/^node\./, '')).toLowerCase()}`,
              },
              { name: 'Why', cell: ({ reason }) => reason },
              { name: 'When', cell: ({ at }) => <Age at={at} />, align: 'right' },
            ]}
          />
        )}
      </Stack>
    </Panel>
  );
}
