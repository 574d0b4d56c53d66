/** An agent's schedules: what it does again and again, and when next. */
import { Button, Group, Stack, Switch } from '@mantine/core';
import { useState } from 'react';
import type { Lane } from '../../../../../../shared/contracts/tasks.ts';
import { useApiList, useChange } from '../../api/queries.ts';
import { ConfirmButton } from '../../parts/confirm.tsx';
import { ListTable } from '../../parts/data-table.tsx';
import { FormDialog } from '../../parts/form-dialog.tsx';
import { Empty } from '../../parts/states.tsx';
import { Age } from '../../parts/values.tsx';
import { laneOptions } from './lane-options.ts';

const stale = ['/v1/agents/{agent}/schedules'];

export function Schedules({ agent }: { readonly agent: string }) {
  const [isAdding, setAdding] = useState(false);
  const schedules = useApiList('GET /v1/agents/{agent}/schedules', { params: { agent } });
  const update = useChange('PATCH /v1/agents/{agent}/schedules/{schedule}', stale);
  const remove = useChange('DELETE /v1/agents/{agent}/schedules/{schedule}', stale);
  const add = <Button onClick={() => setAdding(true)}>New schedule</Button>;
  return (
    <Stack>
      <Group justify="flex-end">{add}</Group>
      <ListTable
        label="Schedules"
        list={schedules}
        rowKey={({ id }) => id}
        columns={[
          { name: 'Name', cell: ({ name }) => name },
          { name: 'When', cell: ({ cron, timezone }) => `${cron} (${timezone})` },
          { name: 'Next', cell: ({ next_run_at }) => <Age at={next_run_at} none="Not planned" /> },
          { name: 'Last', cell: ({ last_run_at }) => <Age at={last_run_at} /> },
          {
            name: 'On',
            cell: ({ id, name, enabled }) => (
              <Switch
                aria-label={`${name} is on`}
                checked={enabled}
                onChange={() => update.mutate({ params: { agent, schedule: id }, body: { enabled: !enabled } })}
              />
            ),
          },
          {
            name: '',
            align: 'right',
            cell: ({ id, name }) => (
              <ConfirmButton
                label="Delete"
                title={`Delete ${name}?`}
                onConfirm={() => remove.mutateAsync({ params: { agent, schedule: id } })}
              >
                It gives no more tasks. Tasks that it gave before stay.
              </ConfirmButton>
            ),
          },
        ]}
        empty={
          <Empty icon="clock" title="No schedules yet" action={add}>
            A schedule gives the agent a task at set times: a report every morning, a check every hour.
          </Empty>
        }
      />
      {isAdding && <NewSchedule agent={agent} onClose={() => setAdding(false)} />}
    </Stack>
  );
}

function NewSchedule({ agent, onClose }: { readonly agent: string; readonly onClose: () => void }) {
  const create = useChange('POST /v1/agents/{agent}/schedules', stale);
  return (
    <FormDialog
      title="New schedule"
      fields={[
        { name: 'name', label: 'Name', kind: 'text', required: true },
        {
          name: 'cron',
          label: 'When',
          kind: 'text',
          required: true,
          placeholder: '0 8 * * 1-5',
          about: 'Minute, hour, day of month, month, day of week.',
        },
        { name: 'timezone', label: 'Time zone', kind: 'text', required: true },
        { name: 'input', label: 'What it should do', kind: 'area', required: true },
        { name: 'lane', label: 'Lane', kind: 'select', required: true, options: laneOptions },
      ]}
      initial={{
        name: '',
        cron: '',
        timezone: Intl.DateTimeFormat().resolvedOptions().timeZone,
        input: '',
        lane: 'standard' as Lane,
      }}
      submitLabel="Create schedule"
      onSubmit={(body) => create.mutateAsync({ params: { agent }, body })}
      onClose={onClose}
    />
  );
}
