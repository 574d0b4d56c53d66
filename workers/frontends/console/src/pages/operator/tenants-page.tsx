/** The platform's tenants, and a new one: created, handed over and branded in a minute. */
import { Button, Stack, Text } from '@mantine/core';
import { Link } from '@tanstack/react-router';
import { useState } from 'react';
import type { AnswerOf } from '../../api/operations.ts';
import { useApi, useApiList, useChange } from '../../api/queries.ts';
import { ListTable } from '../../parts/data-table.tsx';
import { FormDialog } from '../../parts/form-dialog.tsx';
import { Icon } from '../../parts/icon.tsx';
import { Page } from '../../parts/page.tsx';
import { SecretDialog } from '../../parts/secret-dialog.tsx';
import { Empty } from '../../parts/states.tsx';
import { Age, CopyField, Status } from '../../parts/values.tsx';

type Created = AnswerOf<'POST /operator/v1/tenants'>;

export function TenantsPage() {
  const [isCreating, setCreating] = useState(false);
  const [created, setCreated] = useState<Created>();
  const tenants = useApiList('GET /operator/v1/tenants');
  const plans = useApi('GET /operator/v1/plans', { query: { limit: 100 } });
  const create = (
    <Button leftSection={<Icon name="plus" size={16} />} onClick={() => setCreating(true)}>
      New tenant
    </Button>
  );
  return (
    <Page title="Tenants" about="Each has its own host, keys, agents, memories, budgets and books." actions={create}>
      <ListTable
        label="Tenants"
        list={tenants}
        rowKey={({ id }) => id}
        columns={[
          {
            name: 'Name',
            cell: ({ id, name }) => (
              <Link className="fh-plain-link" to="/tenants/$tenant" params={{ tenant: id }}>
                {name}
              </Link>
            ),
          },
          {
            name: 'Address',
            cell: ({ url }) => (
              <a className="fh-plain-link" href={url} target="_blank" rel="noopener">
                {new URL(url).host}
              </a>
            ),
          },
          { name: 'Plan', cell: ({ plan }) => plans.data?.data.find(({ id }) => id === plan)?.name ?? plan },
          { name: 'Status', cell: ({ status }) => <Status value={status} /> },
          { name: 'Created', cell: ({ created_at }) => <Age at={created_at} />, align: 'right' },
        ]}
        empty={
          <Empty icon="building" title="No tenants yet" action={create}>
            A name and a slug are enough. You get its address and its first key to hand over.
          </Empty>
        }
      />
      {isCreating && <NewTenant onClose={() => setCreating(false)} onCreated={setCreated} />}
      {created && <HandOver created={created} onClose={() => setCreated(undefined)} />}
    </Page>
  );
}

type NewProps = { readonly onClose: () => void; readonly onCreated: (created: Created) => void };

function NewTenant({ onClose, onCreated }: NewProps) {
  const create = useChange('POST /operator/v1/tenants', ['/operator/v1/tenants']);
  const plans = useApi('GET /operator/v1/plans', { query: { limit: 100 } });
  return (
    <FormDialog
      title="New tenant"
      fields={[
        { name: 'name', label: 'Name', kind: 'text', required: true, placeholder: 'Acme Ltd' },
        {
          name: 'slug',
          slugOf: 'name',
          label: 'Slug',
          kind: 'text',
          required: true,
          placeholder: 'acme',
          about: `Its host: slug.${location.host}`,
        },
        {
          name: 'plan',
          label: 'Plan',
          kind: 'select',
          required: true,
          options: (plans.data?.data ?? []).map(({ id, name }) => ({ value: id, label: name })),
        },
        {
          name: 'region',
          label: 'Where its data must stay',
          kind: 'select',
          options: [
            { value: 'eu', label: 'European Union' },
            { value: 'us', label: 'United States' },
          ],
        },
      ]}
      initial={{ name: '', slug: '', plan: 'standard', region: '' as '' | 'eu' | 'us' }}
      submitLabel="Create tenant"
      onSubmit={async ({ name, slug, plan, region }) =>
        onCreated(await create.mutateAsync({ body: { name, slug, plan, region: region === '' ? null : region } }))
      }
      onClose={onClose}
    />
  );
}

function HandOver({ created, onClose }: { readonly created: Created; readonly onClose: () => void }) {
  const consoleUrl = `${created.url.replace(/\/$/, '')}/console`;
  return (
    <SecretDialog
      title={`${created.name} is ready`}
      secrets={[{ label: 'First key, with all permissions', value: created.admin_key.secret }]}
      onClose={onClose}
    >
      <Stack gap="sm">
        <CopyField label="Address of the console" value={consoleUrl} />
        <CopyField label="Address of the chat" value={created.url} />
        <Text size="sm">Hand over both. Or brand it first: open its console, paste the key, and go to Branding.</Text>
        <Button component="a" href={`${consoleUrl}/branding`} target="_blank" rel="noopener" variant="default">
          Open its console
        </Button>
      </Stack>
    </SecretDialog>
  );
}
