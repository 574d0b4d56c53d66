/** From a request of either API, or a task, to the start of a turn. */
import { toUnixSeconds, type Clock } from '../core/clock.ts';
import { conversationOfResponse, type ResponseId, type TenantId } from '../core/ids.ts';
import type { Principal } from '../core/principal.ts';
import type { LiveAgent } from '../contracts/admission.ts';
import type { ChatCompletionRequest } from '../contracts/chat-completions.ts';
import type { Response, ResponseTool, TurnRequest } from '../contracts/responses.ts';
import { DefaultMaxOutputTokens, MaxTimeoutMs } from './reservation.ts';
import { agentLimits, type AgentLimits } from '../contracts/agents.ts';
import type { Lane } from '../contracts/tasks.ts';
import type { TurnLimits, TurnStart } from '../contracts/turn-start.ts';

/** Who begins a turn, and for which agent. */
export type TurnCaller = {
  readonly tenantId: TenantId;
  readonly principal: Principal;
  readonly agent: LiveAgent | null;
  readonly clock: Clock;
  /** Of the task whose turn it is. */
  readonly lane?: Lane;
  readonly requestId: string;
  readonly traceparent: string;
};

export function startResponseTurn(
  call: TurnCaller,
  body: TurnRequest,
  responseId: ResponseId,
  context: TurnStart['context'],
): TurnStart {
  const { agent } = call;
  const response: Response = {
    ...blankResponse(call, responseId, body.model),
    status: body.background ? 'queued' : 'in_progress',
    background: body.background ?? false,
    instructions: body.instructions ?? null,
    max_output_tokens: body.max_output_tokens ?? null,
    metadata: body.metadata ?? {},
    parallel_tool_calls: body.parallel_tool_calls ?? true,
    previous_response_id: body.previous_response_id ?? null,
    conversation: context.kind === 'thread' ? { id: conversationOfResponse(responseId) } : null,
    store: body.store ?? true,
    temperature: body.temperature ?? null,
    text: { ...body.text, format: body.text?.format ?? { type: 'text' } },
    tool_choice: body.tool_choice ?? 'auto',
    tools: body.tools ?? [],
    top_p: body.top_p ?? null,
    truncation: body.truncation ?? 'disabled',
    user: body.user ?? null,
  };
  const format = body.text?.format;
  return {
    ...common(call, responseId, body.model, agent, body.max_output_tokens),
    input: { kind: 'items', input: body.input },
    context,
    sampling: defined({
      temperature: body.temperature,
      top_p: body.top_p,
      tools: body.tools?.length ? toChatTools(body.tools) : undefined,
      tool_choice:
        typeof body.tool_choice === 'object' && body.tool_choice !== null
          ? { type: 'function', function: { name: body.tool_choice.name } }
          : body.tools?.length
            ? body.tool_choice
            : undefined,
      parallel_tool_calls: body.tools?.length ? body.parallel_tool_calls : undefined,
      response_format: format && format.type !== 'text' ? toResponseFormat(format) : undefined,
    }),
    response,
  };
}

export function startChatTurn(
  call: TurnCaller,
  agent: LiveAgent,
  body: ChatCompletionRequest,
  responseId: ResponseId,
): TurnStart {
  return {
    ...common(call, responseId, body.model, agent, body.max_completion_tokens ?? body.max_tokens),
    input: { kind: 'messages', messages: body.messages },
    context: { kind: 'none' },
    ...(body.stream ? { isIrrevocable: true } : {}),
    sampling: defined({
      temperature: body.temperature,
      top_p: body.top_p,
      stop: body.stop,
      seed: body.seed,
      tools: body.tools?.length ? body.tools : undefined,
      tool_choice: body.tool_choice,
      parallel_tool_calls: body.parallel_tool_calls,
      response_format: body.response_format,
    }),
    response: { ...blankResponse(call, responseId, body.model), status: 'in_progress', store: false },
  };
}

function common(
  call: TurnCaller,
  responseId: ResponseId,
  model: string,
  agent: LiveAgent | null,
  asked: number | null | undefined,
): Omit<TurnStart, 'input' | 'context' | 'sampling' | 'response'> {
  const limits = agent && agentLimits.parse(agent.definition.limits);
  const ceiling = limits?.max_output_tokens ?? Number.MAX_SAFE_INTEGER;
  return {
    tenantId: call.tenantId,
    conversationId: conversationOfResponse(responseId),
    responseId,
    principal: call.principal,
    agent,
    model: agent?.definition.model ?? model,
    maxOutputTokens: Math.min(asked ?? limits?.max_output_tokens ?? DefaultMaxOutputTokens, ceiling),
    recallLimit: limits?.recall ?? 0,
    timeoutMs: limits ? limits.timeout_seconds * 1_000 : MaxTimeoutMs,
    ...(limits ? { limits: toTurnLimits(limits) } : {}),
    allowExternal: agent?.definition.sovereignty === 'external_allowed',
    ...(call.lane ? { lane: call.lane } : {}),
    requestId: call.requestId,
    traceparent: call.traceparent,
  };
}

function toTurnLimits(limits: AgentLimits): TurnLimits {
  return {
    maxSteps: limits.max_steps,
    maxToolCalls: limits.max_tool_calls,
    maxTokens: limits.max_tokens,
    maxCostMicros: limits.max_cost_micros,
    approvalMs: limits.approval_timeout_seconds * 1_000,
  };
}

export function blankResponse(call: Pick<TurnCaller, 'clock'>, id: ResponseId, model: string): Response {
  return {
    id,
    object: 'response',
    created_at: toUnixSeconds(call.clock.now()),
    completed_at: null,
    status: 'queued',
    background: false,
    error: null,
    incomplete_details: null,
    instructions: null,
    max_output_tokens: null,
    metadata: {},
    model,
    output: [],
    parallel_tool_calls: true,
    previous_response_id: null,
    conversation: null,
    store: true,
    temperature: null,
    text: { format: { type: 'text' } },
    tool_choice: 'auto',
    tools: [],
    top_p: null,
    truncation: 'disabled',
    usage: null,
    user: null,
    recalled_memories: [],
  };
}

/** Responses put a schema's members beside `type`; the chat API nests them. */
function toResponseFormat(format: { readonly type: string }): unknown {
  if (format.type !== 'json_schema') return format;
  const { type, ...schema } = format;
  return { type, json_schema: schema };
}

function defined(members: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined && value !== null));
}

/** Responses put a function's members beside `type`; the chat API nests them. */
function toChatTools(tools: readonly ResponseTool[]): unknown[] {
  return tools.map(({ name, description, parameters, strict }) => ({
    type: 'function',
    function: {
      name,
      ...(description ? { description } : {}),
      ...(parameters ? { parameters } : {}),
      ...(strict === null || strict === undefined ? {} : { strict }),
    },
  }));
}
