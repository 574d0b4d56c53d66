/**
 * Makes one call of a tool, at most once: checked before anything, approved where its definition says so, entered into the
 * ledger and on disk before it leaves, settled in the transaction that shows its result. What a dead isolate left as
 * dispatched is only repeated where the tool is declared idempotent, with the same key; otherwise it is unknown, and said.
 */
import { mintApprovalId, mintId } from '../../shared/core/ids.ts';
import { describeError } from '../../shared/core/log.ts';
import type { Principal } from '../../shared/core/principal.ts';
import type { Result } from '../../shared/core/result.ts';
import type { TurnStart } from '../../shared/contracts/turn-start.ts';
import {
  bindingOf,
  decideDispatch,
  judgeApproval,
  MaxDispatches,
  type Approval,
  type BoundTo,
  type Effect,
} from './effect.ts';
import { checkCall, type ServerTool, type Toolbox } from './toolbox.ts';
import { callBuiltin, type BuiltinWays, type TurnShare } from './tools/builtin-tools.ts';
import { callHttpTool } from './tools/http-tool.ts';
import { callMcpTool } from './tools/mcp-tool.ts';
import { notDone, type RevealSecret, type ToolResult } from './tools/tool-result.ts';
import { MaxRepeats, type ServerCall } from './turn-engine.ts';
import type { Clock } from '../../shared/core/clock.ts';
import type { TurnStore } from './turn-store.ts';

export type ToolWays = BuiltinWays & {
  reveal(start: TurnStart, ...secret: Parameters<RevealSecret>): ReturnType<RevealSecret>;
  /** Whether the caller may still act at all: asked before every effect. */
  checkStanding(start: TurnStart): Promise<Result<unknown>>;
  /** Puts an approval on the tenant's list, as it stands. */
  noteApproval(start: TurnStart, approval: Approval, by?: Principal): Promise<Result<unknown>>;
};

export type CallDeps = {
  readonly clock: Clock;
  readonly ways: ToolWays;
  readonly store: TurnStore;
  readonly start: TurnStart;
  readonly toolbox: Toolbox;
  readonly signal: AbortSignal;
  readonly share: () => TurnShare;
  /** Tells the tenant's listeners, in the transaction that makes the approval. */
  readonly announce: (approval: Approval) => void;
  /** Writes, in one transaction with the events that tell of it, and waits until it is on disk. */
  readonly commit: (
    what: { readonly begun?: string; readonly awaits?: [string, string] },
    write: () => void,
  ) => Promise<void>;
};

/** `approval`: it cannot go on before that was decided. */
export type CallProgress =
  | { readonly kind: 'settled'; readonly result: ToolResult }
  | { readonly kind: 'waiting'; readonly approval: Approval };

export async function runCall(deps: CallDeps, call: ServerCall): Promise<CallProgress> {
  const { store, start, toolbox, clock } = deps;
  const tool = toolbox.find(call.name);
  const effect = store.findEffect(start.responseId, call.id) ?? planEffect(deps, call, tool);
  if (effect.status === 'dispatched' && decideDispatch(effect) === 'lost') return settled(lostResult(effect));
  if (call.refusal !== null) return settled(notDone(explainRefusal(call)));
  const checked = checkCall(tool, call.name, call.arguments, start.principal);
  if (checked.kind === 'refused' || !tool) return settled(notDone(checked.kind === 'refused' ? checked.error : ''));
  if (checked.needsApproval && effect.status === 'planned') {
    const approval = store.approvalOf(start.responseId, call.id) ?? (await requestApproval(deps, call, tool));
    const verdict = judgeApproval(approval, boundTo(start, call), clock.now());
    if (verdict === 'wait') {
      await deps.ways.noteApproval(start, approval);
      return { kind: 'waiting', approval };
    }
    if (verdict !== 'use') return settled(notDone(await refuseApproval(deps, approval, verdict)));
    return dispatch(deps, call, tool, checked.args, effect, approval);
  }
  return dispatch(deps, call, tool, checked.args, effect, undefined);
}

async function dispatch(
  deps: CallDeps,
  call: ServerCall,
  tool: ServerTool,
  args: Readonly<Record<string, unknown>>,
  effect: Effect,
  approval: Approval | undefined,
): Promise<CallProgress> {
  const { store, start, clock } = deps;
  for (let attempts = effect.attempts + 1; ; attempts++) {
    const standing = await deps.ways.checkStanding(start);
    if (!standing.ok) return settled(notDone(standing.failure.message));
    if (deps.signal.aborted) return settled(notDone('The turn ended before this call.'));
    await deps.commit({ begun: call.id }, () => {
      const now = clock.now();
      store.dispatchEffect(effect.id, now);
      if (approval && attempts === 1) store.useApproval(approval.id, now);
    });
    const result = await execute(deps, tool, args, effect);
    const again = result.status === 'unknown' && tool.idempotent && attempts < MaxDispatches && !deps.signal.aborted;
    if (!again || attempts >= effect.attempts + 2) return settled(result);
  }
}

async function execute(
  deps: CallDeps,
  tool: ServerTool,
  args: Readonly<Record<string, unknown>>,
  effect: Effect,
): Promise<ToolResult> {
  const { ways, start, signal } = deps;
  const share = deps.share();
  const context = { effectId: effect.id, timeoutMs: Math.min(tool.timeoutMs, share.timeMs), signal };
  const reveal: RevealSecret = (name, purpose) => ways.reveal(start, name, purpose);
  const { source } = tool;
  try {
    switch (source.kind) {
      case 'http':
        return await callHttpTool({ egress: ways.egress, reveal }, source.tool, args, context);
      case 'mcp':
        return await callMcpTool({ egress: ways.egress, reveal }, source.tool, source.remoteName, args, context);
      case 'builtin':
        return await callBuiltin(ways, source.tool, args, { ...context, start, share });
    }
  } catch (error) {
    console.error(
      JSON.stringify({ level: 'error', event: 'tool_failed', tool: tool.name, reason: describeError(error) }),
    );
    return { status: 'unknown', isError: true, text: 'The platform failed while it called this tool.' };
  }
}

function planEffect(deps: CallDeps, call: ServerCall, tool: ServerTool | undefined): Effect {
  const effect = newEffect(deps.start, call, tool, deps.clock.now());
  deps.store.planEffect(effect);
  return effect;
}

export function newEffect(start: TurnStart, call: ServerCall, tool: ServerTool | undefined, now: number): Effect {
  return {
    id: mintId('effect', now),
    responseId: start.responseId,
    callId: call.id,
    tool: call.name,
    arguments: call.arguments,
    idempotent: tool?.idempotent ?? false,
    status: 'planned',
    attempts: 0,
    error: null,
    plannedAt: now,
    dispatchedAt: null,
    settledAt: null,
  };
}

function boundTo({ agent, principal }: TurnStart, call: ServerCall): BoundTo {
  return {
    tool: call.name,
    arguments: call.arguments,
    agent: agent?.id ?? null,
    agentVersion: agent?.version ?? null,
    principalKind: principal.kind,
    principalId: principal.id,
  };
}

async function requestApproval(deps: CallDeps, call: ServerCall, tool: ServerTool): Promise<Approval> {
  const { start, clock, store } = deps;
  const now = clock.now();
  const bound = boundTo(start, call);
  const approval: Approval = {
    id: mintApprovalId(start.conversationId, now),
    responseId: start.responseId,
    callId: call.id,
    serverLabel: tool.label,
    boundTo: bound,
    binding: bindingOf(bound),
    status: 'pending',
    createdAt: now,
    expiresAt: now + approvalMs(start),
    decidedAt: null,
    decidedBy: null,
    reason: null,
    usedAt: null,
  };
  await deps.commit({ awaits: [call.id, approval.id] }, () => {
    store.addApproval(approval);
    deps.announce(approval);
  });
  return approval;
}

async function refuseApproval(
  deps: CallDeps,
  approval: Approval,
  verdict: 'denied' | 'expired' | 'void',
): Promise<string> {
  if (verdict === 'void') return 'The approval is not for this call. Nothing was done.';
  if (verdict === 'denied')
    return `A person has refused this call${approval.reason ? `: ${approval.reason}` : ''}. Nothing was done.`;
  if (approval.status === 'pending') {
    const now = deps.clock.now();
    deps.store.settleApproval(approval.id, 'expired', null, null, now);
    await deps.ways.noteApproval(deps.start, { ...approval, status: 'expired', decidedAt: now });
  }
  return 'Nobody approved this call in time. Nothing was done.';
}

function approvalMs(start: TurnStart): number {
  return start.limits?.approvalMs ?? 24 * 60 * 60_000;
}

function explainRefusal(call: ServerCall): string {
  return call.refusal === 'repeated'
    ? `This very call was made ${MaxRepeats} times already; its result stands above. Answer with what you have.`
    : 'This turn may call no more tools. Answer with what you have.';
}

function lostResult(effect: Effect): ToolResult {
  return {
    status: 'unknown',
    isError: true,
    text: `The platform was interrupted while "${effect.tool}" was being called. Whether it took effect is not known; it was not tried again. Do not repeat it without checking.`,
  };
}

function settled(result: ToolResult): CallProgress {
  return { kind: 'settled', result };
}
