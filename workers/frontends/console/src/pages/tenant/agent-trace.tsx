/** What an agent did, and how its state was changed: by whom, and what was there before. */
import { Modal, Stack, Text } from '@mantine/core';
import { useState } from 'react';
import type { StateChange, TraceEntry } from '../../../../../../shared/contracts/agent-state.ts';
import { useApiList } from '../../api/queries.ts';
import { Choice } from '../../parts/choice.tsx';
import { ListTable } from '../../parts/data-table.tsx';
import { formatTime, toWords } from '../../parts/format.ts';
import { JsonChanges } from '../../parts/json-changes.tsx';
import { LinkButton } from '../../parts/link-button.tsx';
import { Empty } from '../../parts/states.tsx';
import { useNames } from '../../parts/use-names.ts';
import { Age, Facts, Json } from '../../parts/values.tsx';

const LiveMs = 2_000;

export function AgentTrace({ agent }: { readonly agent: string }) {
  const [opened, setOpened] = useState<TraceEntry>();
  const trace = useApiList('GET /v1/agents/{agent}/trace', { params: { agent } }, { refetchInterval: LiveMs });
  return (
    <>
      <ListTable
        label="Trace"
        list={trace}
        rowKey={({ id }) => id}
        columns={[
          {
            name: 'What it did',
            cell: (entry) => (
              <button type="button" className="fh-row-button" onClick={() => setOpened(entry)}>
                {toWords(entry.type)}
              </button>
            ),
          },
          { name: 'With', cell: ({ data }) => <span className="fh-clamp">{inShort(data)}</span> },
          { name: 'When', cell: ({ created_at }) => <Age at={created_at} />, align: 'right' },
        ]}
        empty={
          <Empty icon="activity" title="It has done nothing yet">
            Turns, calls of tools, tasks, memories and changes of its state stand here as they happen.
          </Empty>
        }
      />
      {opened && (
        <Modal
          opened
          onClose={() => setOpened(undefined)}
          title={toWords(opened.type)}
          size="lg"
          closeButtonProps={{ 'aria-label': 'Close' }}
        >
          <Stack>
            <Text size="sm" c="dimmed">
              {formatTime(opened.created_at)}
            </Text>
            <Json value={opened.data} label="What the event says" />
            {typeof opened.data['conversation'] === 'string' && (
              <LinkButton
                to="/conversations/$conversation"
                params={{ conversation: opened.data['conversation'] }}
                variant="default"
              >
                The conversation
              </LinkButton>
            )}
          </Stack>
        </Modal>
      )}
    </>
  );
}

function inShort(data: TraceEntry['data']): string {
  const plain = Object.entries(data).filter(
    ([name, value]) => name !== 'id' && value !== null && value !== '' && typeof value !== 'object',
  );
  return plain.map(([name, value]) => `${toWords(name).toLowerCase()} ${String(value)}`).join(', ');
}

const parts = [
  { value: 'all', label: 'All of it' },
  { value: 'goals', label: 'Goals' },
  { value: 'persona', label: 'Persona' },
  { value: 'protocol_hooks', label: 'Protocol hooks' },
] as const;

export function StateHistory({ agent }: { readonly agent: string }) {
  const [part, setPart] = useState<(typeof parts)[number]['value']>('all');
  const [opened, setOpened] = useState<StateChange>();
  const nameOf = useNames();
  const query = part === 'all' ? {} : { part };
  const changes = useApiList('GET /v1/agents/{agent}/state_changes', { params: { agent }, query });
  return (
    <Stack>
      <Choice label="Part" options={parts} value={part} onChange={setPart} />
      <ListTable
        label="History"
        list={changes}
        rowKey={({ id }) => id}
        columns={[
          {
            name: 'Change',
            cell: (change) => (
              <button type="button" className="fh-row-button" onClick={() => setOpened(change)}>
                {toWords(change.part)}
              </button>
            ),
          },
          { name: 'What', cell: ({ changes: made }) => made.map(inWords).join(', ') },
          { name: 'By', cell: (change) => byWhom(change, nameOf) },
          { name: 'When', cell: ({ created_at }) => <Age at={created_at} />, align: 'right' },
        ]}
        empty={
          <Empty icon="clock" title="Nothing was changed yet">
            Each change of goals, persona and protocol hooks is kept with what was there before.
          </Empty>
        }
      />
      {opened && (
        <Modal
          opened
          onClose={() => setOpened(undefined)}
          title={toWords(opened.part)}
          size="lg"
          closeButtonProps={{ 'aria-label': 'Close' }}
        >
          <Stack>
            <Facts
              of={[
                ['By', byWhom(opened, nameOf)],
                ['At', formatTime(opened.created_at)],
                ['Item', opened.item ?? '–'],
              ]}
            />
            <JsonChanges changes={opened.changes} none="Nothing is different." />
          </Stack>
        </Modal>
      )}
    </Stack>
  );
}

function inWords({ op, path }: StateChange['changes'][number]): string {
  const place = path === '' ? 'all of it' : path.slice(1).replaceAll('/', ' ');
  return `${op === 'add' ? 'added' : op === 'remove' ? 'removed' : 'changed'} ${place}`;
}

function byWhom({ actor, response }: StateChange, nameOf: (id: string) => string): string {
  return response === null ? `${toWords(actor.kind)} ${nameOf(actor.id)}` : 'The agent itself, in a turn';
}
