/**
 * The built-in tools. Who wrote a memory, and for which agent, is set here and never taken from arguments; every effect has
 * an id of its own, so that making it again changes nothing.
 */
import { idOfEffect, isId, type EffectId, type MemoryId } from '../../../shared/core/ids.ts';
import { z } from 'zod';
import type { Result } from '../../../shared/core/result.ts';
import type { UpdateGoal } from '../../../shared/contracts/agent-state.ts';
import { ownWorkOrder, type OwnWorkOrder } from '../../../shared/contracts/tasks.ts';
import type { RecalledReference } from '../../../shared/contracts/responses.ts';
import type { BuiltinTool } from '../../../shared/contracts/tools.ts';
import type { TurnStart } from '../../../shared/contracts/turn-start.ts';
import { readToolAnswer } from './http-tool.ts';
import { cutResult, done, notDone, type SafeFetch, type ToolCallContext, type ToolResult } from './tool-result.ts';

/** Agents that ask agents that ask agents. */
export const MaxAskDepth = 4;

/** What a turn has left, shared out among the calls of one step. */
export type TurnShare = {
  readonly toolCalls: number;
  readonly tokens: number | null;
  readonly costMicros: number | null;
  readonly timeMs: number;
};

export type AskedAgent = {
  readonly text: string;
  readonly tokens: number;
  readonly costMicros: number;
  readonly toolCalls: number;
};

/** The arguments of the tool `goals`, as its schema lets them through. */
export type GoalOrder = UpdateGoal & { readonly action: 'list' | 'add' | 'update'; readonly id?: string };

export type BuiltinWays = {
  readonly egress: SafeFetch;
  recall(start: TurnStart, query: string, limit: number): Promise<Result<readonly RecalledReference[]>>;
  writeMemory(
    start: TurnStart,
    id: MemoryId,
    text: string,
    kind: 'fact' | 'event' | 'summary',
  ): Promise<Result<unknown>>;
  forgetMemory(start: TurnStart, id: MemoryId): Promise<Result<unknown>>;
  /** What the goals are, or what has become of the one that the order is about. */
  changeGoals(start: TurnStart, order: GoalOrder, effectId: EffectId): Promise<Result<unknown>>;
  giveOwnWork(start: TurnStart, order: OwnWorkOrder, effectId: EffectId): Promise<Result<unknown>>;
  askAgent(
    start: TurnStart,
    question: { readonly agent: string; readonly text: string; readonly share: TurnShare },
    context: ToolCallContext,
  ): Promise<Result<AskedAgent>>;
};

export type BuiltinContext = ToolCallContext & { readonly start: TurnStart; readonly share: TurnShare };

export async function callBuiltin(
  ways: BuiltinWays,
  tool: BuiltinTool,
  args: Readonly<Record<string, unknown>>,
  context: BuiltinContext,
): Promise<ToolResult> {
  const { start } = context;
  const text = (name: string) => String(args[name] ?? '');
  if (tool.name === 'http_fetch') return fetchText(ways.egress, tool, text('url'), context);
  if (tool.name === 'ask_agent') return askAgent(ways, tool, text('agent'), text('question'), context);
  if (!start.agent) return notDone('Only an agent has memories, goals and tasks.');
  switch (tool.name) {
    case 'memory_search': {
      const found = await ways.recall(start, text('query'), Number(args['limit'] ?? 8));
      return toResult(found, (hits) => JSON.stringify(hits.map(({ id, text: said }) => ({ id, text: said }))));
    }
    case 'memory_write': {
      const id = idOfEffect('memory', context.effectId);
      const kind = (args['kind'] ?? 'fact') as 'fact' | 'event' | 'summary';
      return toResult(await ways.writeMemory(start, id, text('text'), kind), () =>
        JSON.stringify({ id, remembered: true }),
      );
    }
    case 'memory_forget': {
      const id = text('id');
      if (!isId('memory', id)) return notDone('There is no such memory.');
      const gone = await ways.forgetMemory(start, id);
      return !gone.ok && gone.failure.code === 'not_found'
        ? notDone('There is no such memory.')
        : toResult(gone, () => JSON.stringify({ id, forgotten: true }));
    }
    case 'goals':
      return toResult(await ways.changeGoals(start, args as GoalOrder, context.effectId), JSON.stringify);
    case 'schedule_task': {
      const order = ownWorkOrder.safeParse(args);
      if (!order.success) return notDone(z.prettifyError(order.error));
      return toResult(await ways.giveOwnWork(start, order.data, context.effectId), JSON.stringify);
    }
  }
}

function toResult<T>(result: Result<T>, show: (value: T) => string): ToolResult {
  if (result.ok) return done(cutResult(show(result.value)));
  return result.failure.code === 'service_unavailable'
    ? { status: 'unknown', isError: true, text: result.failure.message }
    : notDone(result.failure.message);
}

async function fetchText(
  egress: SafeFetch,
  tool: BuiltinTool,
  address: string,
  context: ToolCallContext,
): Promise<ToolResult> {
  const url = URL.parse(address);
  if (!url) return notDone('That is no address.');
  if (!tool.allow.some((allowed) => isHost(url, allowed)))
    return notDone(`The host "${url.host.slice(0, 100)}" is not one that may be read.`);
  const request = { url: url.href, headers: { accept: 'text/*, application/json;q=0.9' } };
  return readToolAnswer(egress, request, { ...context, answers: 'text', result: null, secrets: [] });
}

function isHost(url: URL, allowed: string): boolean {
  const name = allowed.includes(':') ? url.host : url.hostname;
  return allowed.startsWith('*.') ? name.endsWith(allowed.slice(1)) : name === allowed;
}

async function askAgent(
  ways: BuiltinWays,
  tool: BuiltinTool,
  agent: string,
  question: string,
  context: BuiltinContext,
): Promise<ToolResult> {
  if (!tool.allow.includes(agent)) return notDone(`The agent "${agent.slice(0, 40)}" is not one that may be asked.`);
  if ((context.start.askedBy?.length ?? 0) + 1 >= MaxAskDepth)
    return notDone(`Agents may ask one another at most ${MaxAskDepth} deep.`);
  const asked = await ways.askAgent(context.start, { agent, text: question, share: context.share }, context);
  if (!asked.ok) return toResult(asked, () => '');
  const { text, tokens, costMicros, toolCalls } = asked.value;
  return { ...done(cutResult(text)), tokens, costMicros, toolCalls };
}
