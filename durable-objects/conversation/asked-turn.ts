/**
 * The turn that answers another agent's question: for the same caller, out of what the asking turn has left, and by the
 * effect's own ids, so that a question that is asked again finds the same turn. Pure.
 */
import { idOfEffect, responseIdOfEffect, type AgentId, type EffectId } from '../../shared/core/ids.ts';
import { err, ok, type Result } from '../../shared/core/result.ts';
import type { LiveAgent } from '../../shared/contracts/admission.ts';
import { agentLimits } from '../../shared/contracts/agents.ts';
import { AgentModelPrefix } from '../../shared/contracts/models.ts';
import type { EndedTurn, TurnStart } from '../../shared/contracts/turn-start.ts';
import type { AskedAgent, TurnShare } from './tools/builtin-tools.ts';

export type Asked = {
  readonly askedBy: readonly AgentId[];
  readonly text: string;
  readonly share: TurnShare;
  readonly effectId: EffectId;
};

export function makeAskedTurn(parent: TurnStart, agent: LiveAgent, asked: Asked): TurnStart {
  const { definition } = agent;
  const limits = agentLimits.parse(definition.limits);
  const responseId = responseIdOfEffect(asked.effectId);
  const least = (own: number | null, shared: number | null) =>
    own === null ? shared : shared === null ? own : Math.min(own, shared);
  const { share } = asked;
  return {
    ...parent,
    conversationId: idOfEffect('conversation', asked.effectId),
    responseId,
    agent,
    model: definition.model,
    input: { kind: 'items', input: asked.text },
    context: { kind: 'none' },
    sampling: {},
    maxOutputTokens: limits.max_output_tokens,
    recallLimit: limits.recall,
    timeoutMs: Math.min(limits.timeout_seconds * 1_000, share.timeMs),
    // Only where both agents may leave the operator's own hardware.
    allowExternal: parent.allowExternal && definition.sovereignty === 'external_allowed',
    askedBy: asked.askedBy,
    limits: {
      maxSteps: limits.max_steps,
      maxToolCalls: Math.min(limits.max_tool_calls, share.toolCalls),
      maxTokens: least(limits.max_tokens, share.tokens),
      maxCostMicros: least(limits.max_cost_micros, share.costMicros),
      approvalMs: limits.approval_timeout_seconds * 1_000,
    },
    response: {
      ...parent.response,
      id: responseId,
      status: 'queued',
      background: true,
      instructions: null,
      max_output_tokens: null,
      metadata: {},
      model: `${AgentModelPrefix}${agent.slug}`,
      output: [],
      previous_response_id: null,
      conversation: null,
      text: { format: { type: 'text' } },
      tool_choice: 'auto',
      tools: [],
      recalled_memories: [],
    },
  };
}

export function toAnswer({ response, costMicros, toolCalls }: EndedTurn, agent: string): Result<AskedAgent> {
  const text = response.output
    .flatMap((item) =>
      item.type === 'message' && item.status === 'completed'
        ? item.content.map((part) => ('text' in part ? String(part.text) : ''))
        : [],
    )
    .join('\n');
  if (response.status !== 'completed' && text === '')
    return err('conflict', `The agent "${agent}" gave no answer: ${response.error?.message ?? response.status}.`);
  return ok({ text, tokens: response.usage?.total_tokens ?? 0, costMicros, toolCalls });
}
