/** The span and the measurements of a job, for the operator's collector. No text of a job is in them. */
import { parseTrace, spanIdOf } from '../shared/core/trace.ts';
import { inputTokensOf, type Receipt } from '../shared/contracts/inference.ts';
import { GenAi, GenAiMetric, genAiOperationOf, GenAiProvider } from '../shared/telemetry/gen-ai.ts';
import type { Measurement, Span } from '../shared/telemetry/otlp.ts';

export type TracedJob = { readonly span: Span; readonly measurements: readonly Measurement[] };

/** Undefined where the job came without a trace, or its trace is not wanted. */
export function traceJob(traceparent: string | undefined, receipt: Receipt): TracedJob | undefined {
  const caller = parseTrace(traceparent);
  if (!caller?.isSampled) return undefined;
  const { operation, model, outcome } = receipt;
  const seconds = Math.max(0, receipt.finished_at - receipt.started_at) / 1000;
  const firstToken = receipt.first_token_ms === undefined ? undefined : receipt.first_token_ms / 1000;
  const error = outcome === 'completed' ? undefined : outcome;
  const about = {
    [GenAi.operation]: genAiOperationOf(operation),
    [GenAi.provider]: GenAiProvider,
    [GenAi.requestModel]: model,
  };
  const tokens = (type: string, value: number): Measurement => ({
    name: GenAiMetric.tokenUsage,
    unit: '{token}',
    value,
    attributes: { ...about, [GenAi.tokenType]: type },
  });
  return {
    span: {
      traceId: caller.traceId,
      spanId: spanIdOf(receipt.run),
      parentSpanId: caller.spanId,
      name: `${genAiOperationOf(operation)} ${model}`,
      kind: 'server',
      startedAt: receipt.started_at,
      endedAt: receipt.finished_at,
      attributes: {
        ...about,
        [GenAi.responseModel]: model,
        [GenAi.inputTokens]: inputTokensOf(receipt),
        [GenAi.cachedInputTokens]: receipt.cached_input_tokens,
        [GenAi.outputTokens]: receipt.output_tokens,
        [GenAi.firstToken]: firstToken,
        'freehold.tenant.id': receipt.tenant,
        'freehold.run.id': receipt.run,
        'freehold.node': receipt.node,
      },
      ...(error === undefined ? {} : { error }),
    },
    measurements: [
      {
        name: GenAiMetric.operationDuration,
        unit: 's',
        value: seconds,
        attributes: { ...about, ...(error === undefined ? {} : { 'error.type': error }) },
      },
      tokens('input', inputTokensOf(receipt)),
      tokens('output', receipt.output_tokens),
      ...(firstToken === undefined
        ? []
        : [{ name: GenAiMetric.firstToken, unit: 's' as const, value: firstToken, attributes: about }]),
    ],
  };
}
