/** What an agent does on named moments: it is instructed, given a task, or an event is raised. */
import { Button, Group, Stack, Switch, Text } from '@mantine/core';
import { useState } from 'react';
import type { HookAction, Moment, ProtocolHook } from '../../../../../../shared/contracts/agent-state.ts';
import { useApiList, useChange } from '../../api/queries.ts';
import { ConfirmButton } from '../../parts/confirm.tsx';
import { ListTable } from '../../parts/data-table.tsx';
import type { Field } from '../../parts/fields.tsx';
import { FormDialog } from '../../parts/form-dialog.tsx';
import { formatNumber, toWords } from '../../parts/format.ts';
import { Empty, FailureAlert } from '../../parts/states.tsx';
import { Age } from '../../parts/values.tsx';

const stale = ['/v1/agents/{agent}/protocol_hooks', '/v1/agents/{agent}/state_changes'];
const momentLabels = {
  before_turn: 'Before a turn',
  after_turn: 'After a turn',
  on_tool_called: 'A tool was called',
  on_task_succeeded: 'A task succeeded',
  on_task_failed: 'A task failed',
  on_memory_written: 'A memory was written',
} satisfies Record<Moment, string>;
const actionLabels = {
  instruct: 'Instruct it',
  task: 'Give it a task',
  event: 'Raise an event',
} satisfies Record<HookAction['type'], string>;

const common: readonly Field<'name' | 'when' | 'text' | 'max_per_hour'>[] = [
  { name: 'name', label: 'Name', kind: 'text', required: true },
  {
    name: 'when',
    label: 'Only when',
    kind: 'text',
    placeholder: 'status = "failed" and attempts > 1',
    about: "A condition over the event's data. Left open: always.",
  },
  {
    name: 'text',
    label: 'What it is told',
    kind: 'area',
    required: true,
    covers: ['action.text', 'action.input'],
    when: ({ type }) => type !== 'event',
  },
  { name: 'max_per_hour', label: 'At most so often an hour', kind: 'number', required: true, min: 1, max: 1_000 },
];

const newHook = {
  name: '',
  moment: 'on_task_failed' as Moment,
  when: '',
  type: 'task' as HookAction['type'],
  text: '',
  max_per_hour: 60 as number | null,
};

export function ProtocolHooks({ agent }: { readonly agent: string }) {
  const params = { agent };
  const [asks, setAsks] = useState<'new' | ProtocolHook>();
  const hooks = useApiList('GET /v1/agents/{agent}/protocol_hooks', { params });
  const create = useChange('POST /v1/agents/{agent}/protocol_hooks', stale);
  const update = useChange('PATCH /v1/agents/{agent}/protocol_hooks/{protocol_hook}', stale);
  const remove = useChange('DELETE /v1/agents/{agent}/protocol_hooks/{protocol_hook}', stale);
  const add = <Button onClick={() => setAsks('new')}>New protocol hook</Button>;
  return (
    <Stack>
      <Group justify="space-between">
        <Text size="sm" c="dimmed" maw={620}>
          On a moment of its own work the agent is instructed, given a task, or an event is raised. A hook acts as
          whoever changed it last.
        </Text>
        {add}
      </Group>
      {update.error && asks === undefined && <FailureAlert error={update.error} />}
      <ListTable
        label="Protocol hooks"
        list={hooks}
        rowKey={({ id }) => id}
        columns={[
          {
            name: 'Hook',
            cell: (hook) => (
              <button type="button" className="fh-row-button" onClick={() => setAsks(hook)}>
                {hook.name}
              </button>
            ),
          },
          { name: 'Moment', cell: ({ moment }) => momentLabels[moment] },
          { name: 'When', cell: ({ when }) => (when === null ? 'Always' : <code>{when}</code>) },
          { name: 'Does', cell: ({ action }) => actionLabels[action.type] },
          {
            name: 'Fired',
            cell: ({ fired, held_back }) =>
              held_back === 0 ? formatNumber(fired) : `${formatNumber(fired)}, ${formatNumber(held_back)} held back`,
          },
          { name: 'Last', cell: ({ last_fired_at }) => <Age at={last_fired_at} /> },
          {
            name: 'On',
            cell: ({ id, name, enabled }) => (
              <Switch
                aria-label={`${name} is on`}
                checked={enabled}
                onChange={() =>
                  update.mutate({ params: { ...params, protocol_hook: id }, body: { enabled: !enabled } })
                }
              />
            ),
          },
          {
            name: '',
            align: 'right',
            cell: ({ id, name }) => (
              <ConfirmButton
                label="Delete"
                ariaLabel={`Delete ${name}`}
                title={`Delete ${name}?`}
                onConfirm={() => remove.mutateAsync({ params: { ...params, protocol_hook: id } })}
              >
                The tasks that it gave stay.
              </ConfirmButton>
            ),
          },
        ]}
        empty={
          <Empty icon="hook" title="No protocol hooks yet" action={add}>
            Such as: when a task has failed twice, look into it; before each turn of a visitor, be brief.
          </Empty>
        }
      />
      {asks === 'new' && (
        <FormDialog
          title="New protocol hook"
          fields={[
            common[0]!,
            { name: 'moment', label: 'Moment', kind: 'select', required: true, options: labelled(momentLabels) },
            {
              name: 'type',
              label: 'What happens',
              kind: 'select',
              required: true,
              options: labelled(actionLabels),
              covers: ['action'],
            },
            ...common.slice(1),
          ]}
          initial={newHook}
          submitLabel="Create hook"
          onSubmit={({ name, moment, when, type, text, max_per_hour }) =>
            create.mutateAsync({
              params,
              body: { name, moment, when: orNull(when), action: toAction(type, text), max_per_hour: max_per_hour ?? 0 },
            })
          }
          onClose={() => setAsks(undefined)}
        />
      )}
      {typeof asks === 'object' && (
        <FormDialog
          title={`Change ${asks.name}`}
          about={`${momentLabels[asks.moment]}: ${actionLabels[asks.action.type].toLowerCase()}.`}
          fields={asks.action.type === 'event' ? common.filter(({ name }) => name !== 'text') : common}
          initial={{
            name: asks.name,
            when: asks.when ?? '',
            text: textOf(asks.action),
            max_per_hour: asks.max_per_hour as number | null,
          }}
          submitLabel="Save"
          onSubmit={({ name, when, text, max_per_hour }) =>
            update.mutateAsync({
              params: { ...params, protocol_hook: asks.id },
              body: {
                name,
                when: orNull(when),
                max_per_hour: max_per_hour ?? 0,
                action: withText(asks.action, text),
              },
            })
          }
          onClose={() => setAsks(undefined)}
        />
      )}
    </Stack>
  );
}

const labelled = (labels: Readonly<Record<string, string>>) =>
  Object.entries(labels).map(([value, label]) => ({ value, label: toWords(label) }));
const orNull = (text: string): string | null => (text.trim() === '' ? null : text);

function toAction(type: HookAction['type'], text: string) {
  return type === 'instruct' ? { type, text } : type === 'task' ? { type, input: text } : { type };
}

function textOf(action: HookAction): string {
  return action.type === 'instruct' ? action.text : action.type === 'task' ? action.input : '';
}

/** A task keeps its lane and its priority. */
function withText(action: HookAction, text: string): HookAction {
  return action.type === 'instruct'
    ? { ...action, text }
    : action.type === 'task'
      ? { ...action, input: text }
      : action;
}
