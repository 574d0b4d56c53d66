/** One webhook: its state, every attempt with what was sent and answered, and sending again. */
import { Alert, Button, Group, Modal, Stack } from '@mantine/core';
import { useNavigate, useParams } from '@tanstack/react-router';
import { useState } from 'react';
import type { Webhook, WebhookAttempt } from '../../../../../../shared/contracts/webhooks.ts';
import { useApi, useApiList, useChange } from '../../api/queries.ts';
import { ConfirmButton } from '../../parts/confirm.tsx';
import { ListTable } from '../../parts/data-table.tsx';
import { toIso } from '../../parts/fields.tsx';
import { FormDialog } from '../../parts/form-dialog.tsx';
import { formatMs, formatTime } from '../../parts/format.ts';
import { Page, Panel } from '../../parts/page.tsx';
import { SecretDialog } from '../../parts/secret-dialog.tsx';
import { Empty, FailureAlert, Loading } from '../../parts/states.tsx';
import { Age, Facts, Id, Json, Status } from '../../parts/values.tsx';

const LiveMs = 2_000;
const stale = ['/v1/webhooks'];

export function WebhookPage() {
  const { webhook: id = '' } = useParams({ strict: false });
  const webhooks = useApi('GET /v1/webhooks', { query: { limit: 100 } });
  const webhook = webhooks.data?.data.find((each) => each.id === id);
  return (
    <Page title="Webhook" about={webhook?.url} actions={webhook && <Actions webhook={webhook} />}>
      {webhooks.error && <FailureAlert error={webhooks.error} retry={webhooks.refetch} />}
      {!webhooks.data && !webhooks.error && <Loading />}
      {webhooks.data && !webhook && <Empty icon="webhook" title="There is no such webhook" />}
      {webhook && (
        <>
          {webhook.disabled_reason !== null && (
            <Alert role="alert" variant="default" className="fh-alert fh-alert-bad" title="It is disabled">
              {webhook.disabled_reason}
            </Alert>
          )}
          <Panel>
            <Facts
              of={[
                ['Status', <Status key="status" value={webhook.status} />],
                ['Events', webhook.events.join(', ')],
                ['Form', webhook.transform.kind === 'none' ? 'Standard Webhooks' : webhook.transform.kind],
                ['Order', webhook.ordered ? 'One after the other' : 'As they come'],
                ['Signature', webhook.signature === 'v1' ? 'HMAC-SHA256' : 'ed25519'],
                ['Id', <Id key="id" value={webhook.id} />],
              ]}
            />
          </Panel>
          <Attempts webhook={id} />
        </>
      )}
    </Page>
  );
}

function Actions({ webhook }: { readonly webhook: Webhook }) {
  const params = { webhook: webhook.id };
  const navigate = useNavigate();
  const [isReplaying, setReplaying] = useState(false);
  const [secret, setSecret] = useState<string>();
  const test = useChange('POST /v1/webhooks/{webhook}/test', stale);
  const replay = useChange('POST /v1/webhooks/{webhook}/replay', stale);
  const update = useChange('PATCH /v1/webhooks/{webhook}', stale);
  const rotate = useChange('POST /v1/webhooks/{webhook}/rotate_secret', stale);
  const remove = useChange('DELETE /v1/webhooks/{webhook}', stale);
  const fault = test.error ?? update.error;
  return (
    <>
      <Button loading={test.isPending} onClick={() => test.mutate({ params })}>
        Send a test
      </Button>
      <Button variant="default" onClick={() => setReplaying(true)}>
        Replay
      </Button>
      {webhook.status === 'disabled' && (
        <Button variant="default" onClick={() => update.mutate({ params, body: { enabled: true } })}>
          Enable
        </Button>
      )}
      {webhook.signature === 'v1' && (
        <ConfirmButton
          size="sm"
          label="New secret"
          title="Make a new secret?"
          onConfirm={async () => setSecret((await rotate.mutateAsync({ params, body: {} })).secret ?? undefined)}
        >
          For a day the present secret signs as well, so that the receiver can change over.
        </ConfirmButton>
      )}
      <ConfirmButton
        size="sm"
        label="Delete"
        title="Delete this webhook?"
        onConfirm={async () => {
          await remove.mutateAsync({ params });
          await navigate({ to: '/webhooks' });
        }}
      >
        What waits to be sent is dropped. This cannot be taken back.
      </ConfirmButton>
      {fault && <FailureAlert error={fault} />}
      {isReplaying && (
        <FormDialog
          title="Send events again"
          about="One event by its id, or all of a time."
          fields={[
            { name: 'event', label: 'Event', kind: 'text', placeholder: 'evt_…' },
            { name: 'since', label: 'Or all since', kind: 'time' },
            { name: 'until', label: 'Until', kind: 'time' },
          ]}
          initial={{ event: '', since: '', until: '' }}
          submitLabel="Replay"
          onSubmit={({ event, since, until }) => {
            const [from, to] = [toIso(since), toIso(until)];
            const range = { ...(from !== null && { since: from }), ...(to !== null && { until: to }) };
            return replay.mutateAsync({ params, body: event === '' ? range : { event } });
          }}
          onClose={() => setReplaying(false)}
        />
      )}
      {secret !== undefined && (
        <SecretDialog
          title="New secret"
          secrets={[{ label: 'Secret to verify the signatures with', value: secret }]}
          onClose={() => setSecret(undefined)}
        />
      )}
    </>
  );
}

function Attempts({ webhook }: { readonly webhook: string }) {
  const [opened, setOpened] = useState<WebhookAttempt>();
  const params = { webhook };
  const attempts = useApiList('GET /v1/webhooks/{webhook}/attempts', { params }, { refetchInterval: LiveMs });
  const replay = useChange('POST /v1/webhooks/{webhook}/replay', stale);
  return (
    <>
      {replay.error && <FailureAlert error={replay.error} />}
      <ListTable
        label="Attempts"
        list={attempts}
        rowKey={({ id }) => id}
        columns={[
          {
            name: 'Event',
            cell: (attempt) => (
              <button type="button" className="fh-row-button" onClick={() => setOpened(attempt)}>
                {attempt.type}
              </button>
            ),
          },
          { name: 'Attempt', cell: ({ number }) => `${number} of 16` },
          { name: 'Outcome', cell: ({ outcome }) => <Status value={outcome} /> },
          { name: 'Answer', cell: ({ response, fault }) => response?.status ?? fault },
          { name: 'Took', cell: ({ duration_ms }) => formatMs(duration_ms) },
          { name: 'When', cell: ({ at }) => <Age at={at} /> },
          {
            name: '',
            align: 'right',
            cell: ({ event, type }) => (
              <Button
                size="xs"
                variant="default"
                aria-label={`Send ${type} again`}
                onClick={() => replay.mutate({ params, body: { event } })}
              >
                Send again
              </Button>
            ),
          },
        ]}
        empty={
          <Empty icon="webhook" title="Nothing was sent yet">
            Send a test to see what arrives.
          </Empty>
        }
      />
      {opened && (
        <Modal
          opened
          onClose={() => setOpened(undefined)}
          title={opened.type}
          size="xl"
          closeButtonProps={{ 'aria-label': 'Close' }}
        >
          <Stack>
            <Facts
              of={[
                ['Outcome', <Status key="outcome" value={opened.outcome} />],
                ['At', formatTime(opened.at)],
                ['Next attempt', opened.next_attempt_at === null ? 'None' : formatTime(opened.next_attempt_at)],
                ['Fault', opened.fault ?? 'None'],
              ]}
            />
            <Json value={opened.request.headers} label="Headers that were sent" />
            <Json value={opened.request.body} label="Body that was sent" />
            {opened.response && (
              <Group gap="xs" align="stretch" grow>
                <Json
                  value={opened.response.body === '' ? '(an empty answer)' : opened.response.body}
                  label={`Answer ${opened.response.status}`}
                />
              </Group>
            )}
          </Stack>
        </Modal>
      )}
    </>
  );
}
