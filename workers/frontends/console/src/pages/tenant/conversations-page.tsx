/** The conversations that the tenant's agents have had, the newest first. */
import { Link } from '@tanstack/react-router';
import { useApiList } from '../../api/queries.ts';
import { ListTable } from '../../parts/data-table.tsx';
import { Page } from '../../parts/page.tsx';
import { Empty } from '../../parts/states.tsx';
import { useAgents } from '../../parts/use-agents.tsx';
import { Age } from '../../parts/values.tsx';
import { LinkButton } from '../../parts/link-button.tsx';

export function ConversationsPage() {
  const conversations = useApiList('GET /v1/conversations');
  const agents = useAgents();
  const nameOf = (id: string | null) => agents.data?.data.find((agent) => agent.id === id)?.name ?? id ?? 'None';
  return (
    <Page title="Conversations" about="Each one is an object of its own, with its items, responses and events.">
      <ListTable
        label="Conversations"
        list={conversations}
        rowKey={({ id }) => id}
        columns={[
          {
            name: 'Conversation',
            cell: ({ id }) => (
              <Link className="fh-plain-link" to="/conversations/$conversation" params={{ conversation: id }}>
                {id}
              </Link>
            ),
          },
          { name: 'Agent', cell: ({ agent }) => nameOf(agent) },
          {
            name: 'Began',
            align: 'right',
            cell: ({ created_at }) => <Age at={new Date(created_at * 1_000).toISOString()} />,
          },
        ]}
        empty={
          <Empty
            icon="chat"
            title="Nobody has asked anything yet"
            action={<LinkButton to="/playground">Open the playground</LinkButton>}
          >
            Conversations of the chat page, of your applications and of the playground are listed here.
          </Empty>
        }
      />
    </Page>
  );
}
