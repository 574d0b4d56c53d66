/** Tools of remote MCP servers: one that is new, or has changed, is no agent's until its definition was read. */
import { useApiList, useChange } from '../../api/queries.ts';
import { ConfirmButton } from '../../parts/confirm.tsx';
import { ListTable } from '../../parts/data-table.tsx';
import { Empty } from '../../parts/states.tsx';
import { Age, Json, Status } from '../../parts/values.tsx';

export function HeldTools() {
  const tools = useApiList('GET /v1/mcp_tools');
  const approve = useChange('POST /v1/mcp_tools/{mcp_tool}/approve', ['/v1/mcp_tools']);
  return (
    <ListTable
      label="Remote tools"
      list={tools}
      rowKey={({ id }) => id}
      columns={[
        { name: 'Server', cell: ({ server }) => server },
        { name: 'Tool', cell: ({ name }) => name },
        { name: 'Status', cell: ({ status }) => <Status value={status} /> },
        { name: 'Changed', cell: ({ updated_at }) => <Age at={updated_at} /> },
        {
          name: '',
          align: 'right',
          cell: ({ id, name, status, offered, approved }) =>
            status === 'held' && (
              <ConfirmButton
                label="Read and approve"
                title={`Approve ${name}?`}
                onConfirm={() => approve.mutateAsync({ params: { mcp_tool: id }, body: { hash: offered.hash } })}
              >
                {approved && <Json value={approved.definition} label="What was approved before" />}
                <Json value={offered.definition} label="What the server offers" />
              </ConfirmButton>
            ),
        },
      ]}
      empty={
        <Empty icon="tool" title="No remote tools">
          An agent whose definition names an MCP server brings that server's tools here.
        </Empty>
      }
    />
  );
}
