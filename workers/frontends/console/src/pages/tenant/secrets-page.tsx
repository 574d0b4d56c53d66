/** The tenant's secrets by their names. A value goes in and is never shown again, here or anywhere. */
import { Button, Group } from '@mantine/core';
import { useState } from 'react';
import { useApiList, useChange } from '../../api/queries.ts';
import { ConfirmButton } from '../../parts/confirm.tsx';
import { ListTable } from '../../parts/data-table.tsx';
import { FormDialog } from '../../parts/form-dialog.tsx';
import { Icon } from '../../parts/icon.tsx';
import { Page } from '../../parts/page.tsx';
import { Empty } from '../../parts/states.tsx';
import { Age } from '../../parts/values.tsx';

const stale = ['/v1/secrets'];

export function SecretsPage() {
  const [asks, setAsks] = useState<{ readonly rotate?: string }>();
  const secrets = useApiList('GET /v1/secrets');
  const create = useChange('POST /v1/secrets', stale);
  const rotate = useChange('POST /v1/secrets/{secret}/rotate', stale);
  const remove = useChange('DELETE /v1/secrets/{secret}', stale);
  const add = (
    <Button leftSection={<Icon name="plus" size={16} />} onClick={() => setAsks({})}>
      New secret
    </Button>
  );
  return (
    <Page
      title="Secrets"
      about="A tool names a secret; its value is put in where the request leaves, and no model sees it."
      actions={add}
    >
      <ListTable
        label="Secrets"
        list={secrets}
        rowKey={({ name }) => name}
        columns={[
          { name: 'Name', cell: ({ name }) => <code>{name}</code> },
          { name: 'Version', cell: ({ version }) => version },
          { name: 'Changed', cell: ({ updated_at }) => <Age at={updated_at} /> },
          { name: 'Last used', cell: ({ last_accessed_at }) => <Age at={last_accessed_at} /> },
          {
            name: '',
            align: 'right',
            cell: ({ name }) => (
              <Group gap="xs" justify="flex-end" wrap="nowrap">
                <Button
                  size="xs"
                  variant="default"
                  onClick={() => setAsks({ rotate: name })}
                  aria-label={`Replace ${name}`}
                >
                  Replace
                </Button>
                <ConfirmButton
                  label="Delete"
                  ariaLabel={`Delete ${name}`}
                  title={`Delete ${name}?`}
                  onConfirm={() => remove.mutateAsync({ params: { secret: name } })}
                >
                  Tools that name it fail from now on. Its versions are destroyed.
                </ConfirmButton>
              </Group>
            ),
          },
        ]}
        empty={
          <Empty icon="lock" title="No secrets yet" action={add}>
            Credentials of the services that your agents' tools call.
          </Empty>
        }
      />
      {asks?.rotate !== undefined && (
        <FormDialog
          title={`Replace ${asks.rotate}`}
          fields={[{ name: 'value', label: 'New value', kind: 'secret', required: true }]}
          initial={{ value: '' }}
          submitLabel="Replace"
          onSubmit={({ value }) => rotate.mutateAsync({ params: { secret: asks.rotate! }, body: { value } })}
          onClose={() => setAsks(undefined)}
        />
      )}
      {asks && asks.rotate === undefined && (
        <FormDialog
          title="New secret"
          fields={[
            {
              name: 'name',
              label: 'Name',
              kind: 'text',
              required: true,
              about: 'Lower-case letters, digits, _ and -.',
            },
            { name: 'value', label: 'Value', kind: 'secret', required: true },
          ]}
          initial={{ name: '', value: '' }}
          submitLabel="Create secret"
          onSubmit={(body) => create.mutateAsync({ body })}
          onClose={() => setAsks(undefined)}
        />
      )}
    </Page>
  );
}
