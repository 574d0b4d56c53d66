/** The tenant's API keys: what each may do, when it was last used, and a new secret for the old one. */
import { Button, Group, Text } from '@mantine/core';
import { useState } from 'react';
import type { ApiKey, CreatedKey, Permission } from '../../../../../../shared/contracts/keys.ts';
import { useApiList, useChange } from '../../api/queries.ts';
import { ConfirmButton } from '../../parts/confirm.tsx';
import { ListTable } from '../../parts/data-table.tsx';
import { toIso } from '../../parts/fields.tsx';
import { FormDialog } from '../../parts/form-dialog.tsx';
import { Icon } from '../../parts/icon.tsx';
import { Page } from '../../parts/page.tsx';
import { permissionOptions } from '../../parts/permissions.ts';
import { SecretDialog } from '../../parts/secret-dialog.tsx';
import { Empty } from '../../parts/states.tsx';
import { useAgents } from '../../parts/use-agents.tsx';
import { Age, CopyField, Status } from '../../parts/values.tsx';

const stale = ['/v1/keys'];
const graces = [
  { value: '0', label: 'Not at all' },
  { value: '3600', label: 'For an hour' },
  { value: '86400', label: 'For a day' },
  { value: '604800', label: 'For a week' },
];

export function KeysPage() {
  const [isCreating, setCreating] = useState(false);
  const [rotating, setRotating] = useState<ApiKey>();
  const [created, setCreated] = useState<CreatedKey>();
  const keys = useApiList('GET /v1/keys');
  const revoke = useChange('POST /v1/keys/{key}/revoke', stale);
  const create = (
    <Button leftSection={<Icon name="plus" size={16} />} onClick={() => setCreating(true)}>
      New key
    </Button>
  );
  return (
    <Page title="API keys" about="A revoked key is refused everywhere within a second." actions={create}>
      <ListTable
        label="API keys"
        list={keys}
        rowKey={({ id }) => id}
        columns={[
          {
            name: 'Name',
            cell: ({ name, prefix }) => (
              <div>
                {name}
                <Text size="xs" c="dimmed" ff="monospace">
                  {prefix}…
                </Text>
              </div>
            ),
          },
          { name: 'May', cell: ({ permissions }) => describe(permissions) },
          { name: 'Only for', cell: ({ scope }) => scopeOf(scope) },
          { name: 'Status', cell: ({ status }) => <Status value={status} /> },
          { name: 'Last used', cell: ({ last_used_at }) => <Age at={last_used_at} /> },
          {
            name: '',
            align: 'right',
            cell: (key) =>
              key.status === 'active' && (
                <Group gap="xs" justify="flex-end" wrap="nowrap">
                  <Button
                    size="xs"
                    variant="default"
                    onClick={() => setRotating(key)}
                    aria-label={`Rotate ${key.name}`}
                  >
                    Rotate
                  </Button>
                  <ConfirmButton
                    label="Revoke"
                    ariaLabel={`Revoke ${key.name}`}
                    title={`Revoke ${key.name}?`}
                    onConfirm={() => revoke.mutateAsync({ params: { key: key.id } })}
                  >
                    Whoever uses it is refused from now on. This cannot be taken back.
                  </ConfirmButton>
                </Group>
              ),
          },
        ]}
        empty={<Empty icon="key" title="No keys" action={create} />}
      />
      {isCreating && <NewKey onClose={() => setCreating(false)} onCreated={setCreated} />}
      {rotating && <Rotate apiKey={rotating} onClose={() => setRotating(undefined)} onRotated={setCreated} />}
      {created && (
        <SecretDialog
          title={created.name}
          secrets={[{ label: 'API key', value: created.secret }]}
          onClose={() => setCreated(undefined)}
        >
          <CopyField label="Base URL for OpenAI clients" value={`${location.origin}/v1`} />
        </SecretDialog>
      )}
    </Page>
  );
}

function describe(permissions: readonly Permission[]): string {
  if (permissions.length === permissionOptions.length) return 'Everything';
  return permissions.length <= 2 ? permissions.join(', ') : `${permissions.length} permissions`;
}

function scopeOf(scope: ApiKey['scope']): string {
  const named = Object.entries(scope).flatMap(([name, value]) => (value === null ? [] : [`${name} ${value}`]));
  return named.length === 0 ? 'Any' : named.join(', ');
}

type NewKeyProps = { readonly onClose: () => void; readonly onCreated: (key: CreatedKey) => void };

function NewKey({ onClose, onCreated }: NewKeyProps) {
  const create = useChange('POST /v1/keys', stale);
  const agents = useAgents();
  return (
    <FormDialog
      title="New key"
      fields={[
        { name: 'name', label: 'Name', kind: 'text', required: true, placeholder: 'Website backend' },
        {
          name: 'permissions',
          label: 'It may',
          kind: 'many',
          options: permissionOptions,
          about: 'Everything, where nothing is chosen.',
        },
        {
          name: 'agent',
          label: 'Only for the agent',
          kind: 'select',
          options: (agents.data?.data ?? []).map(({ id, name }) => ({ value: id, label: name })),
          covers: ['scope.agent'],
        },
        {
          name: 'environment',
          label: 'Environment',
          kind: 'select',
          options: ['dev', 'staging', 'prod'],
          about: 'Which of the published versions it meets; prod, where none is named.',
          covers: ['scope.environment'],
        },
        {
          name: 'requests_per_minute',
          label: 'Requests a minute, at most',
          kind: 'number',
          min: 1,
          covers: ['rate_limit'],
        },
        { name: 'expires_at', label: 'Ends', kind: 'time' },
      ]}
      initial={{
        name: '',
        permissions: [] as readonly Permission[],
        agent: '',
        environment: '' as '' | 'dev' | 'staging' | 'prod',
        requests_per_minute: null as number | null,
        expires_at: '',
      }}
      submitLabel="Create key"
      onSubmit={async ({ name, permissions, agent, environment, requests_per_minute, expires_at }) =>
        onCreated(
          await create.mutateAsync({
            body: {
              name,
              permissions: permissions.length === 0 ? ['*'] : [...permissions],
              scope: { agent: agent || null, environment: environment || null },
              rate_limit: requests_per_minute === null ? null : { requests_per_minute },
              expires_at: toIso(expires_at),
            },
          }),
        )
      }
      onClose={onClose}
    />
  );
}

type RotateProps = {
  readonly apiKey: ApiKey;
  readonly onClose: () => void;
  readonly onRotated: (key: CreatedKey) => void;
};

function Rotate({ apiKey, onClose, onRotated }: RotateProps) {
  const rotate = useChange('POST /v1/keys/{key}/rotate', stale);
  return (
    <FormDialog
      title={`Rotate ${apiKey.name}`}
      about="The key gets a new secret and keeps everything else."
      fields={[
        {
          name: 'grace',
          label: 'The present secret works on',
          kind: 'select',
          required: true,
          options: graces,
          covers: ['grace_seconds'],
        },
      ]}
      initial={{ grace: '3600' }}
      submitLabel="Rotate"
      onSubmit={async ({ grace }) =>
        onRotated(await rotate.mutateAsync({ params: { key: apiKey.id }, body: { grace_seconds: Number(grace) } }))
      }
      onClose={onClose}
    />
  );
}
