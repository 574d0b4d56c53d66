/** The tenant's agents: which there are, where they are live, and a new one. */
import { Button } from '@mantine/core';
import { Link, useNavigate } from '@tanstack/react-router';
import { useState } from 'react';
import { useApiList, useChange } from '../../api/queries.ts';
import { ListTable } from '../../parts/data-table.tsx';
import { FormDialog } from '../../parts/form-dialog.tsx';
import { Icon } from '../../parts/icon.tsx';
import { Page } from '../../parts/page.tsx';
import { Empty } from '../../parts/states.tsx';
import { Age, Status } from '../../parts/values.tsx';

export function AgentsPage() {
  const [isCreating, setCreating] = useState(false);
  const agents = useApiList('GET /v1/agents');
  const create = (
    <Button leftSection={<Icon name="plus" size={16} />} onClick={() => setCreating(true)}>
      New agent
    </Button>
  );
  return (
    <Page title="Agents" about="An agent is a model to any OpenAI client: its slug goes into model." actions={create}>
      <ListTable
        label="Agents"
        list={agents}
        rowKey={({ id }) => id}
        columns={[
          {
            name: 'Name',
            cell: ({ name, slug }) => (
              <Link className="fh-plain-link" to="/agents/$agent" params={{ agent: slug }}>
                {name}
              </Link>
            ),
          },
          { name: 'Model', cell: ({ model }) => <code>{model}</code> },
          { name: 'Version', cell: ({ version }) => version },
          { name: 'Live', cell: ({ published }) => liveIn(published) },
          {
            name: 'State',
            cell: ({ suspended_at }) => <Status value={suspended_at === null ? 'active' : 'suspended'} />,
          },
          { name: 'Changed', cell: ({ updated_at }) => <Age at={updated_at} />, align: 'right' },
        ]}
        empty={
          <Empty icon="agent" title="No agents yet" action={create}>
            An agent has instructions, a memory of its own and tools. Make the first one; it answers at once in the chat
            of this host.
          </Empty>
        }
      />
      {isCreating && <NewAgent onClose={() => setCreating(false)} />}
    </Page>
  );
}

function liveIn(published: Readonly<Record<string, number | null>>): string {
  const live = Object.entries(published).filter(([, version]) => version !== null);
  return live.length === 0 ? 'Nowhere' : live.map(([where, version]) => `${where} v${version}`).join(', ');
}

function NewAgent({ onClose }: { readonly onClose: () => void }) {
  const navigate = useNavigate();
  const create = useChange('POST /v1/agents', ['/v1/agents']);
  return (
    <FormDialog
      title="New agent"
      fields={[
        { name: 'name', label: 'Name', kind: 'text', required: true, placeholder: 'Concierge' },
        {
          name: 'slug',
          slugOf: 'name',
          label: 'Slug',
          kind: 'text',
          required: true,
          placeholder: 'concierge',
          about: 'Lower-case letters, digits and hyphens. Clients say model: "agent/slug".',
        },
        {
          name: 'instructions',
          label: 'Instructions',
          kind: 'area',
          placeholder: 'You help the guests of our hotel. Be brief and friendly.',
          covers: ['definition'],
        },
        { name: 'greeting', label: 'Greeting', kind: 'text', placeholder: 'How can I help?' },
      ]}
      initial={{ name: '', slug: '', instructions: '', greeting: '' }}
      submitLabel="Create agent"
      onSubmit={async ({ name, slug, instructions, greeting }) => {
        const agent = await create.mutateAsync({ body: { name, slug, definition: { instructions, greeting } } });
        await navigate({ to: '/agents/$agent', params: { agent: agent.slug } });
      }}
      onClose={onClose}
    />
  );
}
