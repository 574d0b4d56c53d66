/** The bridges beside the GPUs: which there are, and how a machine becomes one. */
import { Button, Text } from '@mantine/core';
import { useState } from 'react';
import type { AnswerOf } from '../../api/operations.ts';
import { useApi, useChange } from '../../api/queries.ts';
import { ConfirmButton } from '../../parts/confirm.tsx';
import { DataTable } from '../../parts/data-table.tsx';
import { FormDialog } from '../../parts/form-dialog.tsx';
import { Icon } from '../../parts/icon.tsx';
import { Page, Panel } from '../../parts/page.tsx';
import { SecretDialog } from '../../parts/secret-dialog.tsx';
import { Empty, Loaded } from '../../parts/states.tsx';
import { Age, Status } from '../../parts/values.tsx';

const LiveMs = 2_000;
const stale = ['/operator/v1/bridges', '/operator/v1/nodes'];
type Enrolment = AnswerOf<'POST /operator/v1/bridges'>;

export function BridgesPage() {
  const [isEnrolling, setEnrolling] = useState(false);
  const [created, setCreated] = useState<Enrolment>();
  const bridges = useApi('GET /operator/v1/bridges', {}, { refetchInterval: LiveMs });
  const enrolments = useApi('GET /operator/v1/bridges/enrolments', {}, { refetchInterval: LiveMs });
  const revoke = useChange('POST /operator/v1/bridges/{bridge}/revoke', stale);
  const enrol = (
    <Button leftSection={<Icon name="plus" size={16} />} onClick={() => setEnrolling(true)}>
      Enrol a bridge
    </Button>
  );
  return (
    <Page title="Bridges" about="A bridge dials out to the platform: the GPU machine opens no port." actions={enrol}>
      <Loaded reading={bridges}>
        {({ data }) =>
          data.length === 0 ? (
            <Empty icon="server" title="No bridges yet" action={enrol}>
              Enrol the machine beside your GPUs with one command; its token works once.
            </Empty>
          ) : (
            <div className="fh-panel fh-flush">
              <DataTable
                label="Bridges"
                rows={data}
                rowKey={({ id }) => id}
                columns={[
                  { name: 'Name', cell: ({ name }) => name },
                  { name: 'Status', cell: ({ status }) => <Status value={status} /> },
                  { name: 'Through', cell: ({ transport, url }) => (transport === 'tunnel' ? 'Tunnel' : url) },
                  { name: 'Models', cell: ({ models }) => (models.length === 0 ? 'None' : models.join(', ')) },
                  { name: 'Heard', cell: ({ last_seen_at }) => <Age at={last_seen_at} /> },
                  {
                    name: '',
                    align: 'right',
                    cell: ({ id, name, status }) =>
                      status !== 'revoked' && (
                        <ConfirmButton
                          label="Revoke"
                          ariaLabel={`Revoke ${name}`}
                          title={`Revoke ${name}?`}
                          onConfirm={() => revoke.mutateAsync({ params: { bridge: id } })}
                        >
                          Its connection is cut and it gets no more jobs. This cannot be taken back; enrol it anew
                          instead.
                        </ConfirmButton>
                      ),
                  },
                ]}
              />
            </div>
          )
        }
      </Loaded>
      <Panel title="Enrolments" about="A token works once, and only until it ends.">
        <Loaded reading={enrolments} lines={2}>
          {({ data }) =>
            data.length === 0 ? (
              <Text size="sm" c="dimmed">
                None was made yet.
              </Text>
            ) : (
              <DataTable
                label="Enrolments"
                rows={data}
                rowKey={({ id }) => id}
                columns={[
                  { name: 'For', cell: ({ name }) => name },
                  { name: 'Status', cell: ({ status }) => <Status value={status} /> },
                  {
                    name: 'Refused',
                    cell: ({ refusals, last_refusal }) => (refusals === 0 ? 'Never' : `${refusals}: ${last_refusal}`),
                  },
                  { name: 'Ends', cell: ({ expires_at }) => <Age at={expires_at} />, align: 'right' },
                ]}
              />
            )
          }
        </Loaded>
      </Panel>
      {isEnrolling && <Enrol onClose={() => setEnrolling(false)} onCreated={setCreated} />}
      {created && (
        <SecretDialog
          title={`Enrol ${created.name}`}
          secrets={[
            { label: 'Run this on the GPU machine', value: created.command },
            { label: 'Or give it the token alone', value: created.token },
          ]}
          onClose={() => setCreated(undefined)}
        />
      )}
    </Page>
  );
}

type EnrolProps = { readonly onClose: () => void; readonly onCreated: (created: Enrolment) => void };

function Enrol({ onClose, onCreated }: EnrolProps) {
  const create = useChange('POST /operator/v1/bridges', stale);
  return (
    <FormDialog
      title="Enrol a bridge"
      fields={[
        { name: 'name', label: 'Name', kind: 'text', required: true, placeholder: 'gpu-1' },
        {
          name: 'transport',
          label: 'How jobs reach it',
          kind: 'select',
          required: true,
          options: [
            { value: 'tunnel', label: 'Through a tunnel that it dials' },
            { value: 'http', label: 'The platform calls its address' },
          ],
        },
        {
          name: 'url',
          label: 'Its address',
          kind: 'text',
          about: 'Only for the second way; else it says so when it enrols.',
        },
      ]}
      initial={{ name: '', transport: 'tunnel' as 'tunnel' | 'http', url: '' }}
      submitLabel="Make the token"
      onSubmit={async ({ name, transport, url }) =>
        onCreated(await create.mutateAsync({ body: { name, transport, ...(url !== '' && { url }) } }))
      }
      onClose={onClose}
    />
  );
}
