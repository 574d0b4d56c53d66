import { ok } from '../../../shared/core/result.ts';
import { listOf } from '../../../shared/contracts/common.ts';
import { listMcpToolsQuery, mcpToolObject } from '../../../shared/contracts/mcp-tools.ts';
import { tenantRoute } from '../../http/define-route.ts';
import { json } from '../../http/reply.ts';

export const listMcpTools = tenantRoute(
  {
    method: 'GET',
    path: '/v1/mcp_tools',
    operation: 'listMcpTools',
    summary: 'List the tools of remote MCP servers: what was approved, and what is held for review.',
    tag: 'MCP tools',
    surface: 'native',
    permission: 'agents:read',
    query: listMcpToolsQuery,
    answer: { status: 200, schema: listOf(mcpToolObject) },
  },
  async (call, { query }) => {
    const tools = await call.tenant.toolPins.list(query);
    return tools.ok ? ok(json(tools.value)) : tools;
  },
);
