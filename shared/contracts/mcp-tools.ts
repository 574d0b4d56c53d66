/** Tools of remote MCP servers as a tenant knows them: what was approved, and what the server offers now. */
import { z } from 'zod';
import { isoTime, pageQuery } from './common.ts';

const definition = z.object({ hash: z.string(), definition: z.unknown() });

export const mcpToolObject = z.object({
  object: z.literal('mcp_tool'),
  id: z.string(),
  server: z.string(),
  name: z.string(),
  status: z.enum(['approved', 'held']).describe('held: new or changed since it was approved; no agent has it.'),
  approved: definition.nullable(),
  offered: definition,
  created_at: isoTime,
  updated_at: isoTime,
});
export type McpToolObject = z.infer<typeof mcpToolObject>;

export const listMcpToolsQuery = pageQuery.extend({ status: z.enum(['approved', 'held']).optional() });
export type McpToolsQuery = z.infer<typeof listMcpToolsQuery>;

export const approveMcpTool = z.strictObject({
  /** Of the definition that was read: `offered.hash`. */
  hash: z.string().min(1).max(100),
});

export type OfferedTool = { readonly name: string; readonly hash: string; readonly definition: string };
