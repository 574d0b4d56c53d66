/**
 * The names of OpenTelemetry's semantic conventions for generative AI that Freehold uses. They are still in development
 * upstream and change there: this is the one place that knows them.
 */
export const GenAi = {
  operation: 'gen_ai.operation.name',
  provider: 'gen_ai.provider.name',
  requestModel: 'gen_ai.request.model',
  responseModel: 'gen_ai.response.model',
  responseId: 'gen_ai.response.id',
  conversation: 'gen_ai.conversation.id',
  agentId: 'gen_ai.agent.id',
  agentName: 'gen_ai.agent.name',
  inputTokens: 'gen_ai.usage.input_tokens',
  outputTokens: 'gen_ai.usage.output_tokens',
  cachedInputTokens: 'gen_ai.usage.cache_read.input_tokens',
  firstToken: 'gen_ai.response.time_to_first_chunk',
  tokenType: 'gen_ai.token.type',
} as const;

export const InvokeAgent = 'invoke_agent';

/** What a bridge's operation is called; those that the conventions do not know keep their own names. */
export function genAiOperationOf(operation: string): string {
  return operation === 'completions' ? 'text_completion' : operation;
}

export const GenAiMetric = {
  operationDuration: 'gen_ai.client.operation.duration',
  tokenUsage: 'gen_ai.client.token.usage',
  firstToken: 'gen_ai.server.time_to_first_token',
} as const;

export const GenAiProvider = 'freehold';
