/** The items of a response as they begin and end, in the Responses API's form. Pure. */
import type {
  McpCall,
  McpListTools,
  MessageItem,
  OutputItem,
  StoredFunctionCall,
} from '../../shared/contracts/conversations.ts';
import type { ListedTools } from './toolbox.ts';

export type CallOutcome =
  | { readonly kind: 'output'; readonly text: string }
  | { readonly kind: 'error'; readonly text: string };

export function newMessage(id: string): MessageItem {
  return { id, type: 'message', status: 'in_progress', role: 'assistant', content: [] };
}

/** A message that was shown and does not count: it is `incomplete` and has no content. */
export function isTakenBack(item: OutputItem): boolean {
  return item.type === 'message' && item.status === 'incomplete' && item.content.length === 0;
}

export function newClientCall(id: string, callId: string, name: string): StoredFunctionCall {
  return { id, type: 'function_call', status: 'in_progress', call_id: callId, name, arguments: '' };
}

export function newServerCall(id: string, label: string, name: string): McpCall {
  return {
    id,
    type: 'mcp_call',
    status: 'in_progress',
    server_label: label,
    name: name.slice(0, 200),
    arguments: '',
    output: null,
    error: null,
    approval_request_id: null,
  };
}

export function settleCall(item: McpCall, { kind, text }: CallOutcome): McpCall {
  return kind === 'output'
    ? { ...item, status: 'completed', output: text, error: null }
    : { ...item, status: 'failed', output: null, error: executionError(text) };
}

export function abandonCall(item: McpCall): McpCall {
  return { ...item, status: 'incomplete', error: executionError('The turn ended before this call.') };
}

/** Tools that are held for review are not shown. */
export function newToolList(
  id: string,
  server: string,
  tools: ListedTools['tools'],
  error: string | null,
): McpListTools {
  const shown = tools.filter((tool) => !tool.held);
  return {
    id,
    type: 'mcp_list_tools',
    server_label: server,
    tools: shown.map(({ name, description, parameters }) => ({ name, description, input_schema: parameters })),
    error,
  };
}

export function outputText(text: string): {
  type: 'output_text';
  text: string;
  annotations: unknown[];
  logprobs: unknown[];
} {
  return { type: 'output_text', text, annotations: [], logprobs: [] };
}

function executionError(text: string): NonNullable<McpCall['error']> {
  return { type: 'mcp_tool_execution_error', content: [{ type: 'text', text }] };
}
