/** What an agent carries with it beside its definition: its goals and its persona. */
import { Button, Group, Stack, Text } from '@mantine/core';
import { useState } from 'react';
import type { Goal } from '../../../../../../shared/contracts/agent-state.ts';
import { useApi, useApiList, useChange } from '../../api/queries.ts';
import { ConfirmButton } from '../../parts/confirm.tsx';
import { ListTable } from '../../parts/data-table.tsx';
import { FormDialog } from '../../parts/form-dialog.tsx';
import { toWords } from '../../parts/format.ts';
import { Panel } from '../../parts/page.tsx';
import { Empty, Loaded } from '../../parts/states.tsx';
import { Age, Facts, Status } from '../../parts/values.tsx';

/** A change of the state is in its history too. */
const staleAfter = (part: string) => [`/v1/agents/{agent}/${part}`, '/v1/agents/{agent}/state_changes'];
const goalStatuses = ['active', 'achieved', 'dropped'] as const;

export function AgentState({ agent }: { readonly agent: string }) {
  return (
    <Stack gap="lg">
      <Persona agent={agent} />
      <Goals agent={agent} />
    </Stack>
  );
}

function Persona({ agent }: { readonly agent: string }) {
  const params = { agent };
  const [isChanging, setChanging] = useState(false);
  const reading = useApi('GET /v1/agents/{agent}/persona', { params });
  const update = useChange('PATCH /v1/agents/{agent}/persona', staleAfter('persona'));
  const reset = useChange('DELETE /v1/agents/{agent}/persona', staleAfter('persona'));
  const persona = reading.data;
  const listed = (items: readonly string[]) => (items.length === 0 ? '–' : items.join('; '));
  return (
    <Panel
      title="Persona"
      about="Who it is to those it talks to. A change holds from the next turn on, in every environment."
      actions={
        persona && (
          <>
            <Button size="xs" variant="default" onClick={() => setChanging(true)}>
              Change
            </Button>
            {persona.origin === 'state' && (
              <ConfirmButton
                label="Reset"
                title="Go back to the definition's persona?"
                onConfirm={() => reset.mutateAsync({ params })}
              >
                What it was changed to stays in the history.
              </ConfirmButton>
            )}
          </>
        )
      }
    >
      <Loaded reading={reading} lines={2}>
        {({ role, tone, traits, avoids, origin, updated_at }) => (
          <Facts
            of={[
              ['Role', role === '' ? '–' : role],
              ['Tone', tone === '' ? '–' : tone],
              ['Is', listed(traits)],
              ['Avoids', listed(avoids)],
              ['From', origin === 'definition' ? 'The definition' : 'A change since'],
              ['Changed', <Age key="changed" at={updated_at} />],
            ]}
          />
        )}
      </Loaded>
      {isChanging && persona && (
        <FormDialog
          title="Change the persona"
          fields={[
            { name: 'role', label: 'Role', kind: 'text', placeholder: 'Concierge of a small hotel' },
            { name: 'tone', label: 'Tone', kind: 'text', placeholder: 'Warm and brief' },
            { name: 'traits', label: 'Is', kind: 'tags' },
            { name: 'avoids', label: 'Avoids', kind: 'tags' },
          ]}
          initial={{
            role: persona.role,
            tone: persona.tone,
            traits: persona.traits as readonly string[],
            avoids: persona.avoids as readonly string[],
          }}
          submitLabel="Save"
          onSubmit={({ role, tone, traits, avoids }) =>
            update.mutateAsync({ params, body: { role, tone, traits: [...traits], avoids: [...avoids] } })
          }
          onClose={() => setChanging(false)}
        />
      )}
    </Panel>
  );
}

function Goals({ agent }: { readonly agent: string }) {
  const params = { agent };
  const [asks, setAsks] = useState<'new' | Goal>();
  const goals = useApiList('GET /v1/agents/{agent}/goals', { params });
  const create = useChange('POST /v1/agents/{agent}/goals', staleAfter('goals'));
  const update = useChange('PATCH /v1/agents/{agent}/goals/{goal}', staleAfter('goals'));
  const remove = useChange('DELETE /v1/agents/{agent}/goals/{goal}', staleAfter('goals'));
  const add = <Button onClick={() => setAsks('new')}>New goal</Button>;
  const text = { name: 'text', label: 'Goal', kind: 'area', required: true } as const;
  const note = { name: 'note', label: 'How it stands', kind: 'text' } as const;
  return (
    <Stack>
      <Group justify="space-between">
        <div>
          <Text fw={620}>Goals</Text>
          <Text size="sm" c="dimmed">
            Beside those of its definition. It can note how they stand, where it has the tool for it.
          </Text>
        </div>
        {add}
      </Group>
      <ListTable
        label="Goals"
        list={goals}
        rowKey={({ id }) => id}
        columns={[
          {
            name: 'Goal',
            cell: (goal) => (
              <button type="button" className="fh-row-button" onClick={() => setAsks(goal)}>
                {goal.text}
              </button>
            ),
          },
          { name: 'How it stands', cell: ({ note: said }) => (said === '' ? '–' : said) },
          { name: 'State', cell: ({ status }) => <Status value={status} /> },
          { name: 'By', cell: ({ created_by }) => toWords(created_by.kind) },
          { name: 'Changed', cell: ({ updated_at }) => <Age at={updated_at} /> },
          {
            name: '',
            align: 'right',
            cell: ({ id, text: said }) => (
              <ConfirmButton
                label="Delete"
                ariaLabel={`Delete ${said}`}
                title="Delete this goal?"
                onConfirm={() => remove.mutateAsync({ params: { ...params, goal: id } })}
              >
                {said}
              </ConfirmButton>
            ),
          },
        ]}
        empty={
          <Empty icon="approve" title="No goals beside the definition's" action={add}>
            What it should pursue now: it is told with every turn, without a new version.
          </Empty>
        }
      />
      {asks === 'new' && (
        <FormDialog
          title="New goal"
          fields={[text, note]}
          initial={{ text: '', note: '' }}
          submitLabel="Set the goal"
          onSubmit={(body) => create.mutateAsync({ params, body })}
          onClose={() => setAsks(undefined)}
        />
      )}
      {typeof asks === 'object' && (
        <FormDialog
          title="Change the goal"
          fields={[
            text,
            note,
            {
              name: 'status',
              label: 'State',
              kind: 'select',
              required: true,
              options: goalStatuses.map((value) => ({ value, label: toWords(value) })),
            },
          ]}
          initial={{ text: asks.text, note: asks.note, status: asks.status }}
          submitLabel="Save"
          onSubmit={(body) => update.mutateAsync({ params: { ...params, goal: asks.id }, body })}
          onClose={() => setAsks(undefined)}
        />
      )}
    </Stack>
  );
}
