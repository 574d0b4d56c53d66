/** Runs of consolidation: what was put together out of what, and taking one back. */
import { Alert, Button, Group, Stack, Text } from '@mantine/core';
import type { Consolidation } from '../../../../../../shared/contracts/memories.ts';
import { useApiList, useChange } from '../../api/queries.ts';
import { ConfirmButton } from '../../parts/confirm.tsx';
import { ListTable } from '../../parts/data-table.tsx';
import { formatNumber } from '../../parts/format.ts';
import { Empty, FailureAlert } from '../../parts/states.tsx';
import { useNames } from '../../parts/use-names.ts';
import { Age, Status } from '../../parts/values.tsx';

const stale = ['/v1/agents/{agent}/memories'];

export function Consolidations({ agent }: { readonly agent: string }) {
  const params = { agent };
  const nameOf = useNames();
  const runs = useApiList('GET /v1/agents/{agent}/memories/consolidations', { params });
  const consolidate = useChange('POST /v1/agents/{agent}/memories/consolidate', stale);
  const undo = useChange('POST /v1/agents/{agent}/memories/consolidations/{consolidation}/undo', stale);
  const run = (
    <Button loading={consolidate.isPending} onClick={() => consolidate.mutate({ params })}>
      Consolidate now
    </Button>
  );
  return (
    <Stack>
      <Group justify="space-between">
        <Text size="sm" c="dimmed" maw={620}>
          Memories that say the same become one, what happened long ago a summary. The sources stay, closed and linked,
          and a run can be taken back.
        </Text>
        {run}
      </Group>
      {consolidate.error && <FailureAlert error={consolidate.error} />}
      {consolidate.data && (
        <Alert role="status" variant="default" className="fh-alert" title={summaryOf(consolidate.data)}>
          {consolidate.data.whole ? 'There is nothing left to put together now.' : 'There is more: run it again.'}
        </Alert>
      )}
      <ListTable
        label="Consolidations"
        list={runs}
        rowKey={({ id }) => id}
        columns={[
          { name: 'When', cell: ({ created_at }) => <Age at={created_at} /> },
          { name: 'By', cell: ({ author }) => nameOf(author) },
          { name: 'Duplicates', cell: ({ near_duplicates }) => formatNumber(near_duplicates), align: 'right' },
          { name: 'Episodes', cell: ({ episodes }) => formatNumber(episodes), align: 'right' },
          { name: 'Faded', cell: ({ decayed }) => formatNumber(decayed), align: 'right' },
          { name: 'Closed', cell: ({ closed }) => formatNumber(closed), align: 'right' },
          {
            name: 'State',
            cell: ({ undone_at }) =>
              undone_at === null ? <Status value="active" label="Holds" /> : <Status value="closed" label="Undone" />,
          },
          {
            name: '',
            align: 'right',
            cell: ({ id, undone_at, closed }) =>
              undone_at === null && (
                <ConfirmButton
                  label="Undo"
                  title="Undo this run?"
                  onConfirm={() => undo.mutateAsync({ params: { ...params, consolidation: id } })}
                >
                  What it made is forgotten, and {formatNumber(closed)} sources hold again.
                </ConfirmButton>
              ),
          },
        ]}
        empty={
          <Empty icon="memory" title="Nothing was put together yet" action={run}>
            An agent whose definition says so does it by itself; here you do it by hand.
          </Empty>
        }
      />
    </Stack>
  );
}

function summaryOf({ near_duplicates, episodes, decayed, closed }: Consolidation): string {
  const made = near_duplicates + episodes + decayed;
  return made === 0
    ? 'Nothing was alike or long past'
    : `${formatNumber(made)} made out of ${formatNumber(closed)} that are closed now`;
}
