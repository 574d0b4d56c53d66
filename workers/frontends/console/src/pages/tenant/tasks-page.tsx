/** What an agent was given to do, and the schedules that give it work again and again. */
import { Button, Group, Modal, Select, Stack, Text } from '@mantine/core';
import { Link } from '@tanstack/react-router';
import { useState } from 'react';
import type { Lane, Task, TaskStatus } from '../../../../../../shared/contracts/tasks.ts';
import { useApi, useApiList, useChange } from '../../api/queries.ts';
import { ListTable } from '../../parts/data-table.tsx';
import { toIso } from '../../parts/fields.tsx';
import { FormDialog } from '../../parts/form-dialog.tsx';
import { formatTime, toWords } from '../../parts/format.ts';
import { Page } from '../../parts/page.tsx';
import { PageTabs } from '../../parts/page-tabs.tsx';
import { Empty, FailureAlert, Loaded } from '../../parts/states.tsx';
import { AgentPicker, useChosenAgent } from '../../parts/use-agents.tsx';
import { Age, Facts, Id, Json, Status } from '../../parts/values.tsx';
import { laneOptions } from './lane-options.ts';
import { Schedules } from './schedules.tsx';
import { LinkButton } from '../../parts/link-button.tsx';

const LiveMs = 2_000;
const stale = ['/v1/agents/{agent}/tasks', '/v1/tasks'];
const statuses = [
  'queued',
  'scheduled',
  'running',
  'waiting_approval',
  'succeeded',
  'failed',
  'dead',
  'cancelled',
] as const satisfies readonly TaskStatus[];
const over: readonly TaskStatus[] = ['succeeded', 'failed', 'dead', 'cancelled'];

export function TasksPage() {
  const { agents, agent } = useChosenAgent();
  return (
    <Page
      title="Tasks"
      about="Work that an agent does by itself: retried where it fails, and finished even if the machine goes down meanwhile."
      actions={<AgentPicker agents={agents.data?.data ?? []} agent={agent} />}
    >
      <Loaded reading={agents}>
        {() =>
          agent ? (
            <PageTabs
              tabs={[
                { value: 'tasks', label: 'Tasks', content: <TaskList key={agent.id} agent={agent.slug} /> },
                { value: 'schedules', label: 'Schedules', content: <Schedules key={agent.id} agent={agent.slug} /> },
              ]}
            />
          ) : (
            <Empty
              icon="tasks"
              title="Tasks are given to an agent"
              action={<LinkButton to="/agents">Make an agent</LinkButton>}
            />
          )
        }
      </Loaded>
    </Page>
  );
}

function TaskList({ agent }: { readonly agent: string }) {
  const [status, setStatus] = useState<string | null>(null);
  const [isAdding, setAdding] = useState(false);
  const [opened, setOpened] = useState<string>();
  const tasks = useApiList(
    'GET /v1/agents/{agent}/tasks',
    { params: { agent }, query: { status } },
    { refetchInterval: LiveMs },
  );
  const add = <Button onClick={() => setAdding(true)}>Give a task</Button>;
  return (
    <Stack>
      <Group justify="space-between">
        <Select
          aria-label="Status"
          placeholder="Any status"
          clearable
          clearButtonProps={{ 'aria-label': 'Any status' }}
          data={statuses.map((value) => ({ value, label: toWords(value) }))}
          value={status}
          onChange={setStatus}
          w={200}
        />
        {add}
      </Group>
      <ListTable
        label="Tasks"
        list={tasks}
        rowKey={({ id }) => id}
        columns={[
          {
            name: 'Task',
            cell: (task) => (
              <button type="button" className="fh-row-button fh-clamp" onClick={() => setOpened(task.id)}>
                {titleOf(task)}
              </button>
            ),
          },
          { name: 'Status', cell: (task) => <Status value={task.status} /> },
          { name: 'Lane', cell: (task) => toWords(task.lane) },
          { name: 'Attempts', cell: (task) => `${task.attempts} of ${task.max_attempts}` },
          { name: 'Given', cell: (task) => <Age at={task.created_at} />, align: 'right' },
        ]}
        empty={
          <Empty
            icon="tasks"
            title={status === null ? 'Nothing was given to it yet' : 'No task has this status'}
            action={add}
          >
            A task runs in a conversation of its own, at once or when you say.
          </Empty>
        }
      />
      {isAdding && <NewTask agent={agent} onClose={() => setAdding(false)} />}
      {opened !== undefined && <TaskDialog id={opened} onClose={() => setOpened(undefined)} />}
    </Stack>
  );
}

const titleOf = ({ input }: Pick<Task, 'input'>): string => (typeof input === 'string' ? input : JSON.stringify(input));

function NewTask({ agent, onClose }: { readonly agent: string; readonly onClose: () => void }) {
  const create = useChange('POST /v1/agents/{agent}/tasks', stale);
  return (
    <FormDialog
      title="Give a task"
      fields={[
        { name: 'input', label: 'What it should do', kind: 'area', required: true },
        { name: 'lane', label: 'Lane', kind: 'select', required: true, options: laneOptions },
        { name: 'run_at', label: 'Not before', kind: 'time', about: 'At once where it is left open.' },
        { name: 'max_attempts', label: 'Attempts', kind: 'number', min: 1, max: 20 },
      ]}
      initial={{ input: '', lane: 'standard' as Lane, run_at: '', max_attempts: 3 as number | null }}
      submitLabel="Give"
      onSubmit={({ input, lane, run_at, max_attempts }) =>
        create.mutateAsync({
          params: { agent },
          body: { input, lane, run_at: toIso(run_at), max_attempts: max_attempts ?? 3 },
        })
      }
      onClose={onClose}
    />
  );
}

function TaskDialog({ id, onClose }: { readonly id: string; readonly onClose: () => void }) {
  const params = { task: id };
  const reading = useApi('GET /v1/tasks/{task}', { params }, { refetchInterval: LiveMs });
  const cancel = useChange('POST /v1/tasks/{task}/cancel', stale);
  const retry = useChange('POST /v1/tasks/{task}/retry', stale);
  const fault = cancel.error ?? retry.error;
  return (
    <Modal opened onClose={onClose} title="Task" size="lg" closeButtonProps={{ 'aria-label': 'Close' }}>
      <Loaded reading={reading}>
        {(task) => (
          <Stack>
            {fault && <FailureAlert error={fault} />}
            <Json value={task.input} label="What it should do" />
            {task.output !== null && (
              <div>
                <Text size="sm" fw={560} mb={4}>
                  Answer
                </Text>
                <Text className="fh-text" size="sm">
                  {task.output}
                </Text>
              </div>
            )}
            <Facts
              of={[
                ['Status', <Status key="status" value={task.status} />],
                ['Attempts', `${task.attempts} of ${task.max_attempts}`],
                ['Lane', toWords(task.lane)],
                ['Given', formatTime(task.created_at)],
                ['Due', formatTime(task.run_at)],
                ['Ended', task.finished_at === null ? 'Not yet' : formatTime(task.finished_at)],
                ['Error', task.error?.message ?? 'None'],
                [
                  'Conversation',
                  <Link
                    key="conversation"
                    className="fh-plain-link"
                    to="/conversations/$conversation"
                    params={{ conversation: task.conversation }}
                  >
                    Open
                  </Link>,
                ],
                ['Id', <Id key="id" value={task.id} />],
              ]}
            />
            <Group justify="flex-end">
              {!over.includes(task.status) && (
                <Button variant="default" loading={cancel.isPending} onClick={() => cancel.mutate({ params })}>
                  Cancel the task
                </Button>
              )}
              {over.includes(task.status) && task.status !== 'succeeded' && (
                <Button loading={retry.isPending} onClick={() => retry.mutate({ params })}>
                  Try again
                </Button>
              )}
            </Group>
          </Stack>
        )}
      </Loaded>
    </Modal>
  );
}
