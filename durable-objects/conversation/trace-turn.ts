/** The span of a turn, for the operator's collector: what was asked of which agent, and what came of it. No text is in it. */
import { nestTrace, parseTrace, spanIdOf } from '../../shared/core/trace.ts';
import type { Response as ResponseBody } from '../../shared/contracts/responses.ts';
import type { TurnStart } from '../../shared/contracts/turn-start.ts';
import { GenAi, GenAiProvider, InvokeAgent } from '../../shared/telemetry/gen-ai.ts';
import type { Span } from '../../shared/telemetry/otlp.ts';

/** In which span of the trace a turn does what it does: its own, where it is an agent's. */
export function traceOfTurn({ traceparent, responseId, agent }: TurnStart): string {
  return agent ? nestTrace(traceparent, responseId) : traceparent;
}

/** Undefined where the turn is of no agent, or its trace is not wanted. */
export function toTurnSpan(start: TurnStart, response: ResponseBody, now: number): Span | undefined {
  const caller = parseTrace(start.traceparent);
  const { agent } = start;
  if (!caller?.isSampled || !agent) return undefined;
  return {
    traceId: caller.traceId,
    spanId: spanIdOf(start.responseId),
    parentSpanId: caller.spanId,
    name: `${InvokeAgent} ${agent.slug}`,
    kind: 'internal',
    startedAt: response.created_at * 1000,
    endedAt: now,
    attributes: {
      [GenAi.operation]: InvokeAgent,
      [GenAi.provider]: GenAiProvider,
      [GenAi.agentId]: agent.id,
      [GenAi.agentName]: agent.slug,
      [GenAi.conversation]: start.conversationId,
      [GenAi.responseId]: start.responseId,
      [GenAi.requestModel]: start.model,
      [GenAi.responseModel]: response.model,
      [GenAi.inputTokens]: response.usage?.input_tokens,
      [GenAi.outputTokens]: response.usage?.output_tokens,
      'freehold.tenant.id': start.tenantId,
    },
    ...(response.error ? { error: response.error.code } : {}),
  };
}
