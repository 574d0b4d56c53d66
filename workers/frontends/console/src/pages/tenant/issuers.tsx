/** Identity providers whose tokens the tenant accepts. */
import { Button, Group, Stack } from '@mantine/core';
import { useState } from 'react';
import type { Issuer } from '../../../../../../shared/contracts/issuers.ts';
import { useApiList, useChange } from '../../api/queries.ts';
import { ConfirmButton } from '../../parts/confirm.tsx';
import { ListTable } from '../../parts/data-table.tsx';
import { FormDialog } from '../../parts/form-dialog.tsx';
import { Empty } from '../../parts/states.tsx';
import { Age } from '../../parts/values.tsx';

const stale = ['/v1/issuers', '/v1/members'];

export function Issuers() {
  const [isAdding, setAdding] = useState(false);
  const [changing, setChanging] = useState<Issuer>();
  const issuers = useApiList('GET /v1/issuers');
  const update = useChange('PATCH /v1/issuers/{issuer}', stale);
  const remove = useChange('DELETE /v1/issuers/{issuer}', stale);
  const add = <Button onClick={() => setAdding(true)}>Register a provider</Button>;
  return (
    <Stack>
      <Group justify="flex-end">{add}</Group>
      <ListTable
        label="Identity providers"
        list={issuers}
        rowKey={({ id }) => id}
        columns={[
          { name: 'Issuer', cell: ({ issuer }) => issuer },
          { name: 'Audience', cell: ({ audience }) => audience },
          { name: 'Roles by', cell: ({ role_mappings }) => describe(role_mappings) },
          { name: 'Client', cell: ({ client_id }) => client_id ?? '–' },
          { name: 'Since', cell: ({ created_at }) => <Age at={created_at} /> },
          {
            name: '',
            align: 'right',
            cell: (row) => (
              <Group gap="xs" justify="flex-end">
                <Button size="xs" variant="default" onClick={() => setChanging(row)}>
                  {row.client_id === null ? 'Add a client' : 'Change the client'}
                </Button>
                <ConfirmButton
                  label="Remove"
                  title={`Remove ${row.issuer}?`}
                  onConfirm={() => remove.mutateAsync({ params: { issuer: row.id } })}
                >
                  Tokens of this provider are refused from now on.
                </ConfirmButton>
              </Group>
            ),
          },
        ]}
        empty={
          <Empty icon="people" title="No identity provider yet" action={add}>
            Any OpenID Connect provider: its tokens are then accepted beside API keys.
          </Empty>
        }
      />
      {changing && (
        <FormDialog
          title="The client for signing in here"
          about={`A public client of ${changing.issuer}, sent back to ${location.origin}/console. Left open, nobody signs in by it here; its tokens are accepted as before.`}
          fields={[{ name: 'client_id', label: 'Client', kind: 'text' }]}
          initial={{ client_id: changing.client_id ?? '' }}
          submitLabel="Save"
          onSubmit={({ client_id }) =>
            update.mutateAsync({
              params: { issuer: changing.id },
              body: { client_id: client_id === '' ? null : client_id },
            })
          }
          onClose={() => setChanging(undefined)}
        />
      )}
      {isAdding && <NewIssuer onClose={() => setAdding(false)} />}
    </Stack>
  );
}

function describe(
  mappings: readonly { readonly claim: string; readonly value: string; readonly role: string }[],
): string {
  return mappings.length === 0
    ? 'Members only'
    : mappings.map(({ claim, value, role }) => `${claim} ${value}: ${role}`).join(', ');
}

function NewIssuer({ onClose }: { readonly onClose: () => void }) {
  const create = useChange('POST /v1/issuers', stale);
  return (
    <FormDialog
      title="Register an identity provider"
      fields={[
        { name: 'issuer', label: 'Issuer', kind: 'text', required: true, placeholder: 'https://login.example.com' },
        { name: 'audience', label: 'Audience', kind: 'text', required: true, about: 'What its tokens name as aud.' },
        {
          name: 'jwks_uri',
          label: 'Address of its keys',
          kind: 'text',
          about: 'Left open, its discovery document names it.',
        },
        {
          name: 'client_id',
          label: 'Client for signing in here',
          kind: 'text',
          about: `A public client of it, sent back to ${location.origin}/console. Left open, nobody signs in by it here.`,
        },
      ]}
      initial={{ issuer: '', audience: '', jwks_uri: '', client_id: '' }}
      submitLabel="Register"
      onSubmit={({ issuer, audience, jwks_uri, client_id }) =>
        create.mutateAsync({
          body: { issuer, audience, ...(jwks_uri !== '' && { jwks_uri }), ...(client_id !== '' && { client_id }) },
        })
      }
      onClose={onClose}
    />
  );
}
