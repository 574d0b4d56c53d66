/** One inbound hook: where to send to, how it is verified, and what became of each delivery. */
import { Alert, Button } from '@mantine/core';
import { useNavigate, useParams } from '@tanstack/react-router';
import { useState } from 'react';
import type { Hook } from '../../../../../../shared/contracts/hooks.ts';
import { useApi, useApiList, useChange } from '../../api/queries.ts';
import { ConfirmButton } from '../../parts/confirm.tsx';
import { ListTable } from '../../parts/data-table.tsx';
import { FormDialog } from '../../parts/form-dialog.tsx';
import { formatTime, toWords } from '../../parts/format.ts';
import { LinkButton } from '../../parts/link-button.tsx';
import { Page, Panel } from '../../parts/page.tsx';
import { Empty, FailureAlert, Loaded } from '../../parts/states.tsx';
import { Age, CopyField, Facts, Id, Json, Status } from '../../parts/values.tsx';
import { schemeLabels } from './hook-form.ts';
import { hookUrl } from './hooks-page.tsx';
import { laneOptions } from './lane-options.ts';

const LiveMs = 2_000;
const stale = ['/v1/hooks'];

export function HookPage() {
  const { hook: id = '' } = useParams({ strict: false });
  const reading = useApi('GET /v1/hooks/{hook}', { params: { hook: id } });
  return (
    <Page title={reading.data?.name ?? 'Inbound hook'} actions={reading.data && <Actions hook={reading.data} />}>
      <Loaded reading={reading}>
        {(hook) => (
          <>
            {hook.last_refusal !== null && (
              <Alert
                role="status"
                variant="default"
                className="fh-alert fh-alert-warn"
                title="A request was not signed as expected"
              >
                {hook.last_refusal.reason} ({formatTime(hook.last_refusal.at)})
              </Alert>
            )}
            <Panel>
              <CopyField label="Address to send to" value={hookUrl(hook.path)} />
              <div style={{ marginTop: 20 }}>
                <Facts of={factsOf(hook)} />
              </div>
            </Panel>
            <Panel title="What the agent is asked">
              <Json value={hook.template} label="Template" />
            </Panel>
            <Deliveries hook={id} />
          </>
        )}
      </Loaded>
    </Page>
  );
}

function factsOf(hook: Hook): readonly (readonly [string, React.ReactNode])[] {
  const { verification: how } = hook;
  return [
    ['State', <Status key="state" value={hook.enabled ? 'active' : 'off'} />],
    ['From', schemeLabels[how.scheme]],
    ...(how.scheme === 'hmac'
      ? [['Signature', `${how.header}: ${how.prefix}${how.algorithm}, ${how.encoding}`] as const]
      : []),
    ['Agent', hook.agent],
    ['How soon', toWords(hook.lane)],
    ['Attempts of a task', hook.max_attempts],
    ['Id', <Id key="id" value={hook.id} />],
  ];
}

function Actions({ hook }: { readonly hook: Hook }) {
  const params = { hook: hook.id };
  const navigate = useNavigate();
  const [asks, setAsks] = useState<'change' | 'secret'>();
  const update = useChange('PATCH /v1/hooks/{hook}', stale);
  const remove = useChange('DELETE /v1/hooks/{hook}', stale);
  return (
    <>
      <Button variant="default" onClick={() => setAsks('change')}>
        Change
      </Button>
      <Button variant="default" onClick={() => setAsks('secret')}>
        New secret
      </Button>
      <Button
        variant="default"
        loading={update.isPending}
        onClick={() => update.mutate({ params, body: { enabled: !hook.enabled } })}
      >
        {hook.enabled ? 'Turn off' : 'Turn on'}
      </Button>
      <ConfirmButton
        size="sm"
        label="Delete"
        title={`Delete ${hook.name}?`}
        onConfirm={async () => {
          await navigate({ to: '/hooks' });
          await remove.mutateAsync({ params });
        }}
      >
        Its address answers no more, and what waits to be handed over is dropped.
      </ConfirmButton>
      {update.error && asks === undefined && <FailureAlert error={update.error} />}
      {asks === 'change' && (
        <FormDialog
          title={`Change ${hook.name}`}
          about="From then on it acts for you."
          fields={[
            { name: 'name', label: 'Name', kind: 'text', required: true },
            { name: 'template', label: 'What the agent is asked', kind: 'area', required: true },
            { name: 'lane', label: 'How soon', kind: 'select', required: true, options: laneOptions },
          ]}
          initial={{ name: hook.name, template: hook.template, lane: hook.lane }}
          submitLabel="Save"
          onSubmit={(body) => update.mutateAsync({ params, body })}
          onClose={() => setAsks(undefined)}
        />
      )}
      {asks === 'secret' && (
        <FormDialog
          title="New secret"
          about="From then on requests that are signed with the present one are refused."
          fields={[{ name: 'secret', label: 'Secret', kind: 'secret', required: true }]}
          initial={{ secret: '' }}
          submitLabel="Set the secret"
          onSubmit={(body) => update.mutateAsync({ params, body })}
          onClose={() => setAsks(undefined)}
        />
      )}
    </>
  );
}

function Deliveries({ hook }: { readonly hook: string }) {
  const deliveries = useApiList('GET /v1/hooks/{hook}/deliveries', { params: { hook } }, { refetchInterval: LiveMs });
  return (
    <ListTable
      label="Deliveries"
      list={deliveries}
      rowKey={({ id }) => id}
      columns={[
        { name: 'Event', cell: ({ event, delivery_id, id }) => event ?? delivery_id ?? id },
        { name: 'State', cell: ({ status }) => <Status value={status} /> },
        { name: 'Tried', cell: ({ attempts }) => attempts },
        { name: 'Error', cell: ({ error }) => error ?? '–' },
        { name: 'Arrived', cell: ({ received_at }) => <Age at={received_at} /> },
        {
          name: '',
          align: 'right',
          cell: ({ conversation }) =>
            conversation !== null && (
              <LinkButton to="/conversations/$conversation" params={{ conversation }} size="xs" variant="default">
                Conversation
              </LinkButton>
            ),
        },
      ]}
      empty={
        <Empty icon="hook" title="Nothing has arrived yet">
          Give the address and the secret to the sender. Each delivery then stands here with what became of it.
        </Empty>
      }
    />
  );
}
