/**
 * The tools that a turn has, by the names that its model knows them by: what the agent's definition declares, what its MCP
 * servers offered when the turn began, and what the request brings for its client to execute. Pure. What is not in here is
 * never executed.
 */
import { parseCondition, holds } from '../../shared/core/condition.ts';
import type { JsonSchema } from '../../shared/core/json-schema.ts';
import type { Principal } from '../../shared/core/principal.ts';
import type { AgentDefinition } from '../../shared/contracts/agents.ts';
import type { Approval, BuiltinTool, HttpTool, McpTool } from '../../shared/contracts/tools.ts';
import { findArgumentFaults } from '../../shared/tools/validate.ts';
import { builtinSpecs } from './tools/builtin-specs.ts';

/** An MCP tool as its server describes it; `held`: it changed since it was approved, and is not offered. */
export type ListedTool = {
  readonly name: string;
  readonly description: string;
  readonly parameters: JsonSchema;
  readonly hash: string;
  readonly held: boolean;
};
export type ListedTools = {
  readonly server: string;
  readonly tools: readonly ListedTool[];
  readonly error: string | null;
};

export type ServerTool = {
  readonly name: string;
  readonly label: string;
  readonly description: string;
  readonly parameters: JsonSchema;
  readonly approval: Approval;
  readonly requires: readonly string[];
  readonly idempotent: boolean;
  readonly timeoutMs: number;
  readonly source:
    | { readonly kind: 'http'; readonly tool: HttpTool }
    | { readonly kind: 'mcp'; readonly tool: McpTool; readonly remoteName: string }
    | { readonly kind: 'builtin'; readonly tool: BuiltinTool };
};

export type ChatTool = { readonly type: 'function'; readonly function: Readonly<Record<string, unknown>> };

/** Between a server's label and its tool's name. */
export const LabelSeparator = '__';
export const UnknownLabel = 'unknown';

export class Toolbox {
  readonly #server = new Map<string, ServerTool>();
  readonly #client = new Map<string, ChatTool>();

  /** `brought`: the request's own function tools, in the chat API's form. */
  constructor(definition: AgentDefinition | null, listed: readonly ListedTools[], brought: unknown) {
    for (const tool of definition?.tools ?? []) {
      switch (tool.type) {
        case 'function': {
          const { name, description, parameters } = tool;
          this.#client.set(name, { type: 'function', function: { name, description, parameters } });
          break;
        }
        case 'http':
          this.#server.set(tool.name, {
            ...common(tool),
            name: tool.name,
            label: 'http',
            description: tool.description,
            parameters: tool.parameters,
            idempotent: tool.idempotent || tool.method === 'GET',
            source: { kind: 'http', tool },
          });
          break;
        case 'mcp':
          this.#addServer(tool, listed.find((each) => each.server === tool.server_label)?.tools ?? []);
          break;
        case 'builtin': {
          const spec = builtinSpecs[tool.name];
          this.#server.set(tool.name, {
            ...common(tool),
            name: tool.name,
            label: 'builtin',
            description: spec.describe(tool),
            parameters: spec.parameters,
            requires: [...new Set([...spec.requires, ...tool.requires])],
            idempotent: true,
            source: { kind: 'builtin', tool },
          });
          break;
        }
        case 'openapi':
          // Became `http` tools when the version was made.
          break;
      }
    }
    for (const tool of Array.isArray(brought) ? (brought as ChatTool[]) : []) {
      const name = String(tool.function?.['name'] ?? '');
      if (!this.#server.has(name)) this.#client.set(name, tool);
    }
  }

  get isEmpty(): boolean {
    return this.#server.size === 0 && this.#client.size === 0;
  }

  find(name: string): ServerTool | undefined {
    return this.#server.get(name);
  }

  isClients(name: string): boolean {
    return this.#client.has(name);
  }

  /** Who executes a call: the client, or the server that the label names. A name that nobody knows is nobody's. */
  labelOf(name: string): string | null {
    return this.isClients(name) ? null : (this.#server.get(name)?.label ?? UnknownLabel);
  }

  /** For the model, always in the same order. */
  offered(): ChatTool[] {
    const own = [...this.#server.values()].map(({ name, description, parameters }): ChatTool => ({
      type: 'function',
      function: { name, ...(description === '' ? {} : { description }), parameters },
    }));
    return [...own, ...this.#client.values()];
  }

  #addServer(tool: McpTool, listed: readonly ListedTool[]): void {
    for (const { name: remoteName, description, parameters, held } of listed) {
      const name = `${tool.server_label}${LabelSeparator}${remoteName}`;
      if (held || (tool.allowed_tools !== null && !tool.allowed_tools.includes(remoteName)) || name.length > 64)
        continue;
      this.#server.set(name, {
        ...common(tool),
        name,
        label: tool.server_label,
        description,
        parameters,
        idempotent: tool.idempotent_tools.includes(remoteName),
        source: { kind: 'mcp', tool, remoteName },
      });
    }
  }
}

function common(tool: HttpTool | McpTool | BuiltinTool): Pick<ServerTool, 'approval' | 'requires' | 'timeoutMs'> {
  return { approval: tool.approval, requires: tool.requires, timeoutMs: tool.timeout_seconds * 1_000 };
}

export type CheckedCall =
  | { readonly kind: 'refused'; readonly error: string }
  | { readonly kind: 'good'; readonly args: Readonly<Record<string, unknown>>; readonly needsApproval: boolean };

/** Whether this call may be made at all, by this caller, with these arguments. */
export function checkCall(tool: ServerTool | undefined, name: string, text: string, principal: Principal): CheckedCall {
  if (!tool) return refused(`There is no tool named "${name.slice(0, 64)}". Use only the tools that you were given.`);
  const missing = tool.requires.find((permission) => !principal.permissions.includes(permission));
  if (missing !== undefined)
    return refused(`Whoever you speak with lacks the permission "${missing}" that this tool needs.`);
  let args: unknown;
  try {
    args = JSON.parse(text === '' ? '{}' : text);
  } catch {
    return refused('The arguments are not valid JSON. Nothing was done.');
  }
  if (typeof args !== 'object' || args === null || Array.isArray(args))
    return refused('The arguments must be a JSON object. Nothing was done.');
  const faults = findArgumentFaults(tool.parameters, args);
  if (faults.length > 0)
    return refused(`The arguments do not fit the tool's schema: ${faults.join('; ')}. Nothing was done.`);
  return { kind: 'good', args: args as Record<string, unknown>, needsApproval: needsApproval(tool.approval, args) };
}

function needsApproval(approval: Approval, args: unknown): boolean {
  if (approval === 'never') return false;
  if (approval === 'always') return true;
  const condition = parseCondition(approval.when);
  return condition === undefined || holds(condition, args);
}

function refused(error: string): CheckedCall {
  return { kind: 'refused', error };
}
