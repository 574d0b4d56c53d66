/**
 * Tools of a remote MCP server: revision 2026-07-28, and 2025-11-25 where the server is older. What it lists is not
 * believed: a name that is no plain ASCII name, or too like another, a schema that is none, a description with characters
 * that nobody sees, are left out and told. Every request goes through the platform's egress.
 */
import { createHash } from 'node:crypto';
import { canonicalJson, type Json } from '../../../shared/core/canonical-json.ts';
import { findSchemaFault, type JsonSchema } from '../../../shared/core/json-schema.ts';
import { describeError } from '../../../shared/core/log.ts';
import { err, ok, type Result } from '../../../shared/core/result.ts';
import { foldName, MaxTools, toolName, type McpTool } from '../../../shared/contracts/tools.ts';
import type { ListedTool } from '../toolbox.ts';
import type { Client } from '@modelcontextprotocol/client';
import { addCredential, mayBeDone } from './http-tool.ts';
import {
  cutResult,
  done,
  MaxResultBytes,
  notDone,
  redact,
  type RevealSecret,
  type SafeFetch,
  type ToolCallContext,
  type ToolResult,
} from './tool-result.ts';

type Ways = { readonly egress: SafeFetch; readonly reveal: RevealSecret };
type Bounds = { readonly timeoutMs: number; readonly signal: AbortSignal; readonly effectId?: string };
type McpClient = Client;

const MaxDescriptionChars = 4_000;
/** Format, private and unassigned characters: what a reviewer does not see and a model reads. */
const unseen = /[\p{Cf}\p{Co}\p{Cn}\p{Cs}]/u;

export type RemoteTool = Omit<ListedTool, 'held'>;
export type RemoteList = { readonly tools: readonly RemoteTool[]; readonly refused: readonly string[] };
type Listed = { readonly name: string; readonly description?: string | undefined; readonly inputSchema: unknown };

/** What of a server's list can be offered at all, in an order that does not depend on the server. */
export function readList(listed: readonly Listed[]): RemoteList {
  const times = new Map<string, number>();
  for (const { name } of listed) times.set(foldName(name), (times.get(foldName(name)) ?? 0) + 1);
  const tools: RemoteTool[] = [];
  const refused: string[] = [];
  for (const tool of listed) {
    const fault = findListFault(tool, times.get(foldName(tool.name)) ?? 0);
    if (fault !== undefined) refused.push(`${JSON.stringify(tool.name.slice(0, 64))} ${fault}`);
    else
      tools.push({
        name: tool.name,
        description: tool.description ?? '',
        parameters: tool.inputSchema as JsonSchema,
        hash: hashDefinition(tool),
      });
  }
  tools.sort((a, b) => (a.name < b.name ? -1 : 1));
  return { tools: tools.slice(0, MaxTools), refused };
}

function findListFault({ name, description, inputSchema }: Listed, times: number): string | undefined {
  if (!toolName.safeParse(name).success) return 'is no name that a tool may have';
  if (times > 1) return 'is a name that another tool of the server has, or one too like it';
  if ((description ?? '').length > MaxDescriptionChars) return 'has too long a description';
  if (unseen.test(description ?? '')) return 'has a description with characters that cannot be seen';
  const fault = findSchemaFault(inputSchema);
  return fault === undefined ? undefined : `has no usable schema: ${fault}`;
}

/** Of everything that the server says of the tool: whatever changes, it is another one. */
export function hashDefinition(tool: object): string {
  return createHash('sha256')
    .update(canonicalJson(JSON.parse(JSON.stringify(tool)) as Json))
    .digest('hex');
}

export async function listMcpTools(ways: Ways, tool: McpTool, bounds: Bounds): Promise<Result<RemoteList>> {
  const client = await connect(ways, tool, bounds, []);
  if (!client.ok) return client;
  try {
    const { tools } = await client.value.listTools(undefined, { timeout: bounds.timeoutMs, signal: bounds.signal });
    return ok(readList(tools));
  } catch (error) {
    return err('service_unavailable', `The MCP server "${tool.server_label}" did not list its tools.`, {
      reason: describeError(error),
    });
  } finally {
    void client.value.close().catch(() => {});
  }
}

export async function callMcpTool(
  ways: Ways,
  tool: McpTool,
  name: string,
  args: Readonly<Record<string, unknown>>,
  context: ToolCallContext,
): Promise<ToolResult> {
  const secrets: string[] = [];
  const client = await connect(ways, tool, context, secrets);
  if (!client.ok) return notDone(client.failure.message);
  try {
    const result = await client.value.callTool(
      { name, arguments: { ...args } },
      { timeout: context.timeoutMs, signal: context.signal },
    );
    const text = cutResult(redact(toText(result), secrets));
    return result.isError === true ? notDone(text === '' ? 'The tool reported an error.' : text) : done(text);
  } catch (error) {
    const { ProtocolError } = await import('@modelcontextprotocol/client');
    if (error instanceof ProtocolError)
      return notDone(redact(`The tool refused: ${error.message}`, secrets).slice(0, 2_000));
    return mayBeDone('The MCP server did not answer, or not as it should.', false);
  } finally {
    void client.value.close().catch(() => {});
  }
}

function toText(result: { readonly content?: unknown; readonly structuredContent?: unknown }): string {
  const parts = (Array.isArray(result.content) ? result.content : []) as readonly Record<string, unknown>[];
  const texts = parts.map((part) =>
    part['type'] === 'text' ? String(part['text']) : `[${String(part['type'])} left out]`,
  );
  if (texts.length > 0) return texts.join('\n');
  return result.structuredContent === undefined ? '' : JSON.stringify(result.structuredContent);
}

/** The library is loaded at the first use: most turns need none of it. */
async function connect(ways: Ways, tool: McpTool, bounds: Bounds, secrets: string[]): Promise<Result<McpClient>> {
  const headers: Record<string, string> = bounds.effectId === undefined ? {} : { 'idempotency-key': bounds.effectId };
  if (tool.credential) {
    const added = await addCredential(
      ways.reveal,
      tool.credential,
      `MCP server ${tool.server_label}`,
      headers,
      secrets,
    );
    if (!added.ok) return added;
  }
  const { Client, StreamableHTTPClientTransport } = await import('@modelcontextprotocol/client');
  const client = new Client(
    { name: 'freehold', version: '1' },
    { capabilities: {}, versionNegotiation: { mode: 'auto', probe: { timeoutMs: bounds.timeoutMs } } },
  );
  const transport = new StreamableHTTPClientTransport(new URL(tool.server_url), {
    requestInit: { headers },
    // The library itself would wait on for an answer that can no longer come.
    fetch: (url, init) => fetchThrough(ways.egress, url, init, bounds, () => void client.close().catch(() => {})),
  });
  try {
    await client.connect(transport, { timeout: bounds.timeoutMs, signal: bounds.signal });
    return ok(client);
  } catch (error) {
    void client.close().catch(() => {});
    return err('service_unavailable', `The MCP server "${tool.server_label}" could not be reached.`, {
      reason: redact(describeError(error), secrets),
    });
  }
}

/**
 * A stream of the server's own (GET) is not listened to: a tool's answer comes with its request, at once or as an event
 * among others (SSE), after which the client closes.
 */
async function fetchThrough(
  egress: SafeFetch,
  url: string | URL,
  init: RequestInit | undefined,
  { timeoutMs, signal }: Bounds,
  onBroken: () => void,
): Promise<Response> {
  const method = init?.method ?? 'GET';
  if (method === 'GET') return new Response(null, { status: 405 });
  const signals = init?.signal ? [signal, init.signal] : [signal];
  const answer = await egress.open(
    {
      url: String(url),
      method,
      headers: Object.fromEntries(new Headers(init?.headers)),
      ...(typeof init?.body === 'string' ? { body: init.body } : {}),
    },
    { timeoutMs, maxBytes: MaxResultBytes * 4, signal: AbortSignal.any(signals) },
    onBroken,
  );
  if (!answer.ok) throw new TypeError(answer.failure.reason ?? answer.failure.message);
  const { status, headers, body } = answer.value;
  return new Response([101, 204, 205, 304].includes(status) ? null : body, { status, headers });
}
