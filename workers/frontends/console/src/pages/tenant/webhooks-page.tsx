/** Where the tenant's events are sent. */
import { Button, Text } from '@mantine/core';
import { Link } from '@tanstack/react-router';
import { useState } from 'react';
import { useApiList, useChange } from '../../api/queries.ts';
import { ListTable } from '../../parts/data-table.tsx';
import { FormDialog } from '../../parts/form-dialog.tsx';
import { Icon } from '../../parts/icon.tsx';
import { Page } from '../../parts/page.tsx';
import { SecretDialog } from '../../parts/secret-dialog.tsx';
import { Empty } from '../../parts/states.tsx';
import { Age, Status } from '../../parts/values.tsx';

type Created = { readonly url: string; readonly secret: string | null; readonly public_key: string | null };
type Kind = 'none' | 'slack' | 'discord';

export function WebhooksPage() {
  const [isCreating, setCreating] = useState(false);
  const [created, setCreated] = useState<Created>();
  const webhooks = useApiList('GET /v1/webhooks', {}, { refetchInterval: 5_000 });
  const create = (
    <Button leftSection={<Icon name="plus" size={16} />} onClick={() => setCreating(true)}>
      New webhook
    </Button>
  );
  return (
    <Page
      title="Webhooks"
      about="Signed as Standard Webhooks has it, delivered at least once, with sixteen attempts over several days."
      actions={create}
    >
      <ListTable
        label="Webhooks"
        list={webhooks}
        rowKey={({ id }) => id}
        columns={[
          {
            name: 'Address',
            cell: ({ id, url, description }) => (
              <>
                <Link className="fh-plain-link" to="/webhooks/$webhook" params={{ webhook: id }}>
                  {url}
                </Link>
                {description !== '' && (
                  <Text size="xs" c="dimmed">
                    {description}
                  </Text>
                )}
              </>
            ),
          },
          { name: 'Events', cell: ({ events }) => events.join(', ') },
          { name: 'Status', cell: ({ status }) => <Status value={status} /> },
          { name: 'Changed', cell: ({ updated_at }) => <Age at={updated_at} />, align: 'right' },
        ]}
        empty={
          <Empty icon="webhook" title="No webhooks yet" action={create}>
            Name an address and the kinds of events: your own system then hears of answers, tasks, budgets and
            approvals.
          </Empty>
        }
      />
      {isCreating && <NewWebhook onClose={() => setCreating(false)} onCreated={setCreated} />}
      {created && (
        <SecretDialog
          title={created.url}
          secrets={[
            { label: 'Secret to verify the signatures with', value: created.secret ?? created.public_key ?? '' },
          ]}
          onClose={() => setCreated(undefined)}
        />
      )}
    </Page>
  );
}

type NewProps = { readonly onClose: () => void; readonly onCreated: (created: Created) => void };

function NewWebhook({ onClose, onCreated }: NewProps) {
  const create = useChange('POST /v1/webhooks', ['/v1/webhooks']);
  return (
    <FormDialog
      title="New webhook"
      fields={[
        {
          name: 'url',
          label: 'Address',
          kind: 'text',
          required: true,
          placeholder: 'https://example.com/hooks/freehold',
        },
        { name: 'description', label: 'Description', kind: 'text' },
        {
          name: 'events',
          label: 'Events',
          kind: 'tags',
          options: ['*', 'response.*', 'task.*', 'approval.*', 'budget.*', 'agent.*', 'memory.*', 'key.*'],
          about: 'Types, families such as task.*, or * for all.',
        },
        {
          name: 'kind',
          label: 'Form',
          kind: 'select',
          required: true,
          options: [
            { value: 'none', label: 'Standard Webhooks' },
            { value: 'slack', label: 'Slack' },
            { value: 'discord', label: 'Discord' },
          ],
          covers: ['transform'],
        },
        {
          name: 'ordered',
          label: 'One after the other',
          kind: 'switch',
          about: 'A failing event then holds up what follows.',
        },
      ]}
      initial={{ url: '', description: '', events: ['*'] as readonly string[], kind: 'none' as Kind, ordered: false }}
      submitLabel="Create webhook"
      onSubmit={async ({ url, description, events, kind, ordered }) =>
        onCreated(
          await create.mutateAsync({ body: { url, description, events: [...events], ordered, transform: { kind } } }),
        )
      }
      onClose={onClose}
    />
  );
}
