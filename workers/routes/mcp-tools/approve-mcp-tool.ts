import { ok } from '../../../shared/core/result.ts';
import { approveMcpTool as approveMcpToolBody, mcpToolObject } from '../../../shared/contracts/mcp-tools.ts';
import { tenantRoute } from '../../http/define-route.ts';
import { json } from '../../http/reply.ts';
import { mcpToolParams } from '../params.ts';

export const approveMcpTool = tenantRoute(
  {
    method: 'POST',
    path: '/v1/mcp_tools/{mcp_tool}/approve',
    operation: 'approveMcpTool',
    summary: 'Approve the definition that an MCP server offers now, by its hash.',
    tag: 'MCP tools',
    surface: 'native',
    permission: 'agents:write',
    params: mcpToolParams,
    body: approveMcpToolBody,
    answer: { status: 200, schema: mcpToolObject },
  },
  async (call, { params, body }) => {
    const approved = await call.tenant.toolPins.approve(params.mcp_tool, body.hash, call.actor);
    return approved.ok ? ok(json(approved.value)) : approved;
  },
);
