/** What an agent remembers: search, provenance, the state of its chain, and forgetting with a certificate. */
import { Button, Checkbox, Group, Modal, Stack, Text, TextInput } from '@mantine/core';
import { useState } from 'react';
import type { Memory } from '../../../../../../shared/contracts/memories.ts';
import { useApi, useApiList, useChange } from '../../api/queries.ts';
import { ChainState } from '../../parts/chain-state.tsx';
import { DataTable, ListTable } from '../../parts/data-table.tsx';
import { FormDialog } from '../../parts/form-dialog.tsx';
import { formatTime, toWords } from '../../parts/format.ts';
import { Icon } from '../../parts/icon.tsx';
import { Page, Panel } from '../../parts/page.tsx';
import { PageTabs } from '../../parts/page-tabs.tsx';
import { Empty, FailureAlert, Loaded } from '../../parts/states.tsx';
import { useNames } from '../../parts/use-names.ts';
import { AgentPicker, useChosenAgent } from '../../parts/use-agents.tsx';
import { Age, CopyField, Facts, Id, Status } from '../../parts/values.tsx';
import { LinkButton } from '../../parts/link-button.tsx';
import { Consolidations } from './consolidations.tsx';

const stale = ['/v1/agents/{agent}/memories'];

export function MemoriesPage() {
  const { agents, agent } = useChosenAgent();
  const [isAdding, setAdding] = useState(false);
  return (
    <Page
      title="Memories"
      about="Every memory says where it comes from, and each is chained to the one before it."
      actions={
        <>
          <AgentPicker agents={agents.data?.data ?? []} agent={agent} />
          {agent && (
            <Button leftSection={<Icon name="plus" size={16} />} onClick={() => setAdding(true)}>
              Add a memory
            </Button>
          )}
        </>
      }
    >
      <Loaded reading={agents}>
        {() =>
          agent ? (
            <PageTabs
              tabs={[
                {
                  value: 'memories',
                  label: 'Memories',
                  content: (
                    <Stack gap="lg">
                      <Archive key={agent.id} agent={agent.slug} onAdd={() => setAdding(true)} />
                    </Stack>
                  ),
                },
                {
                  value: 'consolidation',
                  label: 'Consolidation',
                  content: <Consolidations key={agent.id} agent={agent.slug} />,
                },
              ]}
            />
          ) : (
            <Empty
              icon="memory"
              title="Memories belong to an agent"
              action={<LinkButton to="/agents">Make an agent</LinkButton>}
            />
          )
        }
      </Loaded>
      {isAdding && agent && <NewMemory agent={agent.slug} onClose={() => setAdding(false)} />}
    </Page>
  );
}

function Archive({ agent, onAdd }: { readonly agent: string; readonly onAdd: () => void }) {
  const [query, setQuery] = useState('');
  const [chosen, setChosen] = useState<readonly string[]>([]);
  const [opened, setOpened] = useState<string>();
  const recall = useChange('POST /v1/agents/{agent}/memories/recall', []);
  const chain = useApi('GET /v1/agents/{agent}/memories/verify', { params: { agent } });
  const memories = useApiList('GET /v1/agents/{agent}/memories', { params: { agent } });
  const toggle = (id: string) =>
    setChosen((held) => (held.includes(id) ? held.filter((each) => each !== id) : [...held, id]));
  return (
    <>
      <ChainState reading={chain} />
      <form
        onSubmit={(event) => {
          event.preventDefault();
          if (query.trim() !== '') recall.mutate({ params: { agent }, body: { query, limit: 20, explain: true } });
        }}
      >
        <Group align="flex-end" gap="xs">
          <TextInput
            flex={1}
            aria-label="Search the memories"
            placeholder="What would the agent recall for this question?"
            value={query}
            onChange={(event) => {
              setQuery(event.currentTarget.value);
              if (event.currentTarget.value === '') recall.reset();
            }}
          />
          <Button type="submit" variant="default" loading={recall.isPending}>
            Search
          </Button>
          {chosen.length > 0 && <Forget agent={agent} ids={chosen} onDone={() => setChosen([])} />}
        </Group>
      </form>
      {recall.error && <FailureAlert error={recall.error} />}
      {recall.data ? (
        <Panel
          title={`${recall.data.data.length} found`}
          about={
            recall.data.semantic
              ? `By meaning and by words, in ${recall.data.embedding_space}`
              : `By words: ${recall.data.embedding_space} knows no meaning`
          }
          actions={
            <Button size="xs" variant="default" onClick={() => (recall.reset(), setQuery(''))}>
              Show all
            </Button>
          }
        >
          <DataTable
            label="Found memories"
            rows={recall.data.data}
            rowKey={({ id }) => id}
            columns={[
              { name: 'Memory', cell: (row) => <OpenMemory text={row.text} onOpen={() => setOpened(row.id)} /> },
              { name: 'Why', cell: ({ why }) => (why ? reasonOf(why) : '') },
              { name: 'Score', cell: ({ score }) => score.toFixed(3), align: 'right' },
            ]}
          />
        </Panel>
      ) : (
        <ListTable
          label="Memories"
          list={memories}
          rowKey={({ id }) => id}
          columns={[
            {
              name: 'Choose',
              cell: ({ id, sequence }) => (
                <Checkbox
                  aria-label={`Choose memory ${sequence}`}
                  checked={chosen.includes(id)}
                  onChange={() => toggle(id)}
                />
              ),
            },
            { name: 'Memory', cell: (row) => <OpenMemory text={row.text} onOpen={() => setOpened(row.id)} /> },
            { name: 'Kind', cell: ({ kind }) => toWords(kind) },
            { name: 'From', cell: ({ provenance }) => toWords(provenance.source.type) },
            {
              name: 'State',
              cell: ({ closed_at }) => (
                <Status
                  value={closed_at === null ? 'active' : 'closed'}
                  label={closed_at === null ? 'Holds' : 'Superseded'}
                />
              ),
            },
            { name: 'Recorded', cell: ({ created_at }) => <Age at={created_at} />, align: 'right' },
          ]}
          empty={
            <Empty
              icon="memory"
              title="It remembers nothing yet"
              action={<Button onClick={onAdd}>Add a memory</Button>}
            >
              Tell it what it should know: opening hours, prices, what a guest prefers. It is recalled where it helps.
            </Empty>
          }
        />
      )}
      {opened !== undefined && <MemoryDialog agent={agent} id={opened} onClose={() => setOpened(undefined)} />}
    </>
  );
}

function OpenMemory({ text, onOpen }: { readonly text: string; readonly onOpen: () => void }) {
  return (
    <button type="button" className="fh-row-button fh-clamp" onClick={onOpen}>
      {text}
    </button>
  );
}

type Why = NonNullable<{
  vector: { rank: number } | null;
  text: { rank: number } | null;
  fresh: { rank: number } | null;
}>;

function reasonOf({ vector, text, fresh }: Why): string {
  const found = [
    vector && `vector #${vector.rank}`,
    text && `words #${text.rank}`,
    fresh && `fresh #${fresh.rank}`,
  ].filter(Boolean);
  return found.join(', ');
}

function MemoryDialog({
  agent,
  id,
  onClose,
}: {
  readonly agent: string;
  readonly id: string;
  readonly onClose: () => void;
}) {
  const params = { agent, memory: id };
  const nameOf = useNames();
  const memory = useApi('GET /v1/agents/{agent}/memories/{memory}', { params });
  const proof = useApi('GET /v1/agents/{agent}/memories/{memory}/proof', { params });
  return (
    <Modal opened onClose={onClose} title="Memory" size="lg" closeButtonProps={{ 'aria-label': 'Close' }}>
      <Loaded reading={memory}>
        {(found) => (
          <>
            <Text className="fh-text" mb="md">
              {found.text}
            </Text>
            <Facts of={[...factsOf(found, nameOf), ['Sealed', sealOf(proof.data)]]} />
          </>
        )}
      </Loaded>
    </Modal>
  );
}

function factsOf(memory: Memory, nameOf: (id: string) => string): readonly (readonly [string, React.ReactNode])[] {
  const { source, author, recorded_at } = memory.provenance;
  return [
    ['Kind', toWords(memory.kind)],
    ['From', `${toWords(source.type)}${source.ref === null ? '' : `: ${source.ref}`}`],
    ['Written by', nameOf(author)],
    ['Recorded', formatTime(recorded_at)],
    ['Confidence', memory.confidence],
    ['Holds until', memory.valid_until === null ? 'No end' : formatTime(memory.valid_until)],
    ['Superseded', memory.closed_at === null ? 'No' : formatTime(memory.closed_at)],
    ['Scope', memory.scope === 'shared' ? `Shared with ${memory.readers.join(', ')}` : 'Private'],
    ['Tags', memory.tags.length === 0 ? 'None' : memory.tags.join(', ')],
    ['Place in the chain', memory.sequence],
    ['Hash', <Id key="hash" value={memory.hash} />],
    ['Id', <Id key="id" value={memory.id} />],
  ];
}

function sealOf(proof: { readonly checkpoint: { readonly sequence: number } | null } | undefined): string {
  if (!proof) return '–';
  return proof.checkpoint === null ? 'At the next checkpoint' : `By checkpoint ${proof.checkpoint.sequence}`;
}

function NewMemory({ agent, onClose }: { readonly agent: string; readonly onClose: () => void }) {
  const create = useChange('POST /v1/agents/{agent}/memories', stale);
  return (
    <FormDialog
      title="Add a memory"
      about="One fact a memory. What says nothing new is refused, and told so."
      fields={[
        { name: 'text', label: 'Text', kind: 'area', required: true },
        {
          name: 'kind',
          label: 'Kind',
          kind: 'select',
          required: true,
          options: ['fact', 'event', 'instruction'].map((value) => ({ value, label: toWords(value) })),
        },
        { name: 'tags', label: 'Tags', kind: 'tags' },
        { name: 'subject', label: 'Subject', kind: 'text', about: 'Whom or what it is about: person:ada.' },
      ]}
      initial={{
        text: '',
        kind: 'fact' as 'fact' | 'event' | 'instruction',
        tags: [] as readonly string[],
        subject: '',
      }}
      submitLabel="Add"
      onSubmit={({ text, kind, tags, subject }) =>
        create.mutateAsync({
          params: { agent },
          body: { text, kind, tags: [...tags], ...(subject !== '' && { subject }) },
        })
      }
      onClose={onClose}
    />
  );
}

function Forget({
  agent,
  ids,
  onDone,
}: {
  readonly agent: string;
  readonly ids: readonly string[];
  readonly onDone: () => void;
}) {
  const [isAsking, setAsking] = useState(false);
  const forget = useChange('POST /v1/agents/{agent}/memories/forget', stale);
  const certificate = forget.data;
  return (
    <>
      <Button className="fh-danger" onClick={() => setAsking(true)}>
        Forget {ids.length}
      </Button>
      {isAsking && (
        <FormDialog
          title={`Forget ${ids.length === 1 ? 'this memory' : `these ${ids.length} memories`}?`}
          about="Row, vector, full text and what was made of them go. You get a signed certificate. This cannot be taken back."
          fields={[]}
          initial={{}}
          submitLabel="Forget"
          isDangerous
          onSubmit={() => forget.mutateAsync({ params: { agent }, body: { ids: [...ids] } })}
          onClose={() => setAsking(false)}
        />
      )}
      {certificate && (
        <Modal
          opened
          onClose={() => (forget.reset(), onDone())}
          title="Forgotten"
          size="lg"
          closeButtonProps={{ 'aria-label': 'Close' }}
        >
          <Text size="sm" mb="md">
            {certificate.forgotten.length} forgotten at {formatTime(certificate.forgotten_at)}. The chain still holds,
            and nothing of them was found again.
          </Text>
          <CopyField label="Certificate" value={certificate.signature} />
        </Modal>
      )}
    </>
  );
}
