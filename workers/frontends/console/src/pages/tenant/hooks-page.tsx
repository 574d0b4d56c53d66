/** Inbound hooks: whose requests become tasks of an agent. */
import { Button, Text } from '@mantine/core';
import { Link, useNavigate } from '@tanstack/react-router';
import { useState } from 'react';
import type { CreatedHook } from '../../../../../../shared/contracts/hooks.ts';
import { useApiList, useChange } from '../../api/queries.ts';
import { ListTable } from '../../parts/data-table.tsx';
import { FormDialog } from '../../parts/form-dialog.tsx';
import { Icon } from '../../parts/icon.tsx';
import { Page } from '../../parts/page.tsx';
import { SecretDialog } from '../../parts/secret-dialog.tsx';
import { Empty } from '../../parts/states.tsx';
import { useAgents } from '../../parts/use-agents.tsx';
import { Age, Status } from '../../parts/values.tsx';
import { hookFields, newHook, schemeLabels, toHook } from './hook-form.ts';

export const hookUrl = (path: string): string => location.origin + path;

export function HooksPage() {
  const [isCreating, setCreating] = useState(false);
  const [created, setCreated] = useState<CreatedHook>();
  const hooks = useApiList('GET /v1/hooks');
  const create = (
    <Button leftSection={<Icon name="plus" size={16} />} onClick={() => setCreating(true)}>
      New hook
    </Button>
  );
  return (
    <Page
      title="Inbound hooks"
      about="What another system sends here is verified, and becomes a task of an agent: each delivery once."
      actions={create}
    >
      <ListTable
        label="Inbound hooks"
        list={hooks}
        rowKey={({ id }) => id}
        columns={[
          {
            name: 'Hook',
            cell: ({ id, name, path }) => (
              <>
                <Link className="fh-plain-link" to="/hooks/$hook" params={{ hook: id }}>
                  {name}
                </Link>
                <Text size="xs" c="dimmed">
                  {path}
                </Text>
              </>
            ),
          },
          { name: 'From', cell: ({ verification }) => schemeLabels[verification.scheme] },
          { name: 'Agent', cell: ({ agent }) => agent },
          {
            name: 'State',
            cell: ({ enabled }) => <Status value={enabled ? 'active' : 'off'} />,
          },
          { name: 'Changed', cell: ({ updated_at }) => <Age at={updated_at} />, align: 'right' },
        ]}
        empty={
          <Empty icon="hook" title="No inbound hooks yet" action={create}>
            GitHub, Stripe, Slack or your own system sends an event; an agent deals with it. Say whose signature to
            expect and what the agent is asked.
          </Empty>
        }
      />
      {isCreating && <NewHook onClose={() => setCreating(false)} onCreated={setCreated} />}
      {created && (
        <SecretDialog
          title={`${created.name} listens`}
          secrets={[
            { label: 'Secret, for the sender', value: created.secret ?? '' },
            { label: 'Address to send to', value: hookUrl(created.path) },
          ]}
          onClose={() => setCreated(undefined)}
        />
      )}
    </Page>
  );
}

type NewProps = { readonly onClose: () => void; readonly onCreated: (hook: CreatedHook) => void };

function NewHook({ onClose, onCreated }: NewProps) {
  const agents = useAgents();
  const navigate = useNavigate();
  const create = useChange('POST /v1/hooks', ['/v1/hooks']);
  return (
    <FormDialog
      title="New inbound hook"
      fields={hookFields(agents.data?.data ?? [])}
      initial={newHook}
      submitLabel="Create hook"
      onSubmit={async (values) => {
        const hook = await create.mutateAsync({ body: toHook(values) });
        if (hook.secret === null) await navigate({ to: '/hooks/$hook', params: { hook: hook.id } });
        else onCreated(hook);
      }}
      onClose={onClose}
    />
  );
}
