/** The event log as it is written, with what each event says. */
import { Button, Group, MultiSelect, Stack } from '@mantine/core';
import { useState } from 'react';
import type { PlatformEvent } from '../../../../../../shared/contracts/events.ts';
import { useEvents } from '../../api/event-stream.ts';
import { useApi, useApiList } from '../../api/queries.ts';
import { ListTable } from '../../parts/data-table.tsx';
import { toWords } from '../../parts/format.ts';
import { Page } from '../../parts/page.tsx';
import { Empty } from '../../parts/states.tsx';
import { Age, Id, Json, Status } from '../../parts/values.tsx';

const MaxHeld = 200;

export function EventsPage() {
  const [families, setFamilies] = useState<string[]>([]);
  return (
    <Page
      title="Events"
      about="What happened, as it happens: names, numbers and states, never a prompt or an answer. Webhooks get the same."
    >
      <Log key={families.join()} families={families} onFilter={setFamilies} />
    </Page>
  );
}

type LogProps = { readonly families: string[]; readonly onFilter: (families: string[]) => void };

function Log({ families, onFilter }: LogProps) {
  const query = families.length === 0 ? {} : { type: families.map((family) => `${family}.*`).join(',') };
  const [isPaused, setPaused] = useState(false);
  const [fresh, setFresh] = useState<readonly PlatformEvent[]>([]);
  const [opened, setOpened] = useState<string>();
  const types = useApi('GET /v1/events/types');
  const list = useApiList('GET /v1/events', { query });
  const state = useEvents(query, (event) => setFresh((held) => [event, ...held].slice(0, MaxHeld)), !isPaused);
  const known = new Set(fresh.map(({ id }) => id));
  const rows = list.rows && [...fresh, ...list.rows.filter(({ id }) => !known.has(id))];
  const names = [...new Set((types.data?.data ?? []).map(({ family }) => family))];
  return (
    <Stack>
      <Group justify="space-between" align="flex-end">
        <MultiSelect
          aria-label="Kinds of events"
          placeholder={families.length === 0 ? 'All kinds' : ''}
          data={names.map((value) => ({ value, label: toWords(value) }))}
          value={families}
          onChange={onFilter}
          clearable
          clearButtonProps={{ 'aria-label': 'All kinds' }}
          maw={420}
          flex={1}
        />
        <Group gap="md">
          <Status value={isPaused ? 'paused' : state} />
          <Button variant="default" size="xs" onClick={() => setPaused(!isPaused)}>
            {isPaused ? 'Go on' : 'Pause'}
          </Button>
        </Group>
      </Group>
      <ListTable
        label="Events"
        list={{ ...list, rows }}
        rowKey={({ id }) => id}
        columns={[
          {
            name: 'Event',
            cell: (event) => (
              <>
                <button
                  type="button"
                  className="fh-row-button"
                  aria-expanded={opened === event.id}
                  onClick={() => setOpened(opened === event.id ? undefined : event.id)}
                >
                  {event.type}
                </button>
                {opened === event.id && <Json value={event.data} label={`What ${event.type} says`} />}
              </>
            ),
          },
          { name: 'Id', cell: ({ id }) => <Id value={id} /> },
          { name: 'Environment', cell: ({ environment }) => environment ?? '–' },
          { name: 'When', cell: ({ timestamp }) => <Age at={timestamp} />, align: 'right' },
        ]}
        empty={
          <Empty icon="activity" title="Nothing has happened yet">
            Leave this page open: what happens shows here at once.
          </Empty>
        }
      />
    </Stack>
  );
}
