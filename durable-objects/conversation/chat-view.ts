/**
 * A turn seen through the Chat Completions API: its events as chunks, its response as a completion. Pure.
 */
import { fail, toErrorObject, type FailureCode, failureKinds } from '../../shared/core/failure.ts';
import { err, ok, type Result } from '../../shared/core/result.ts';
import type {
  ChatCompletion,
  ChatCompletionChunk,
  CompletionUsage,
  FinishReason,
} from '../../shared/contracts/chat-completions.ts';
import type { Response, SequencedResponseEvent } from '../../shared/contracts/responses.ts';
import type { FrameEncoder } from './event-stream.ts';

export type ChatStreamOptions = { readonly id: string; readonly includeUsage: boolean };

/** Stateful: one encoder a stream. */
export function chatFrameEncoder(options: ChatStreamOptions): FrameEncoder {
  let created = 0;
  let model = '';
  const calls = new Map<number, number>();

  const chunk = (delta: ChatCompletionChunk['choices'][number]['delta'], finish: FinishReason | null = null): string =>
    line({ choices: [{ index: 0, delta, logprobs: null, finish_reason: finish }] });
  const line = (part: Pick<ChatCompletionChunk, 'choices' | 'usage'>): string => {
    const whole: ChatCompletionChunk = {
      id: options.id,
      object: 'chat.completion.chunk',
      created,
      model,
      ...(options.includeUsage ? { usage: null } : {}),
      ...part,
    };
    return `data: ${JSON.stringify(whole)}\n\n`;
  };

  return (frame) => {
    const event = JSON.parse(frame) as SequencedResponseEvent;
    switch (event.type) {
      case 'response.created':
        ({ created_at: created, model } = event.response);
        return chunk({ role: 'assistant', content: '', refusal: null });
      case 'response.output_text.delta':
        return chunk({ content: event.delta });
      case 'response.output_item.added': {
        if (event.item.type !== 'function_call') return '';
        const index = calls.size;
        calls.set(event.output_index, index);
        const { call_id: id, name } = event.item;
        return chunk({ tool_calls: [{ index, id, type: 'function', function: { name, arguments: '' } }] });
      }
      case 'response.function_call_arguments.delta':
        return chunk({
          tool_calls: [{ index: calls.get(event.output_index) ?? 0, function: { arguments: event.delta } }],
        });
      case 'response.completed':
      case 'response.incomplete': {
        // By now it is known on which model the turn ran.
        ({ model } = event.response);
        const usage = toCompletionUsage(event.response);
        return `${chunk({}, finishReasonOf(event.response))}${options.includeUsage ? line({ choices: [], usage }) : ''}data: [DONE]\n\n`;
      }
      case 'response.failed':
      case 'response.cancelled':
        return `data: ${JSON.stringify({ error: toErrorObject(failureOf(event.response)) })}\n\n`;
      default:
        return '';
    }
  };
}

export function toChatCompletion(id: string, response: Response): Result<ChatCompletion> {
  if (response.status === 'failed' || response.status === 'cancelled') {
    const failure = failureOf(response);
    return err(failure.code, failure.message);
  }
  const text = response.output.flatMap((item) =>
    item.type === 'message' ? item.content.map((part) => ('text' in part ? String(part.text) : '')) : [],
  );
  const calls = response.output.flatMap((item) =>
    item.type === 'function_call'
      ? [{ id: item.call_id, type: 'function' as const, function: { name: item.name, arguments: item.arguments } }]
      : [],
  );
  return ok({
    id,
    object: 'chat.completion',
    created: response.created_at,
    model: response.model,
    choices: [
      {
        index: 0,
        message: {
          role: 'assistant',
          content: text.length > 0 ? text.join('') : null,
          refusal: null,
          ...(calls.length > 0 ? { tool_calls: calls } : {}),
        },
        logprobs: null,
        finish_reason: finishReasonOf(response),
      },
    ],
    usage: toCompletionUsage(response),
  });
}

function finishReasonOf(response: Response): FinishReason {
  if (response.status === 'incomplete') {
    return response.incomplete_details?.reason === 'content_filter' ? 'content_filter' : 'length';
  }
  return response.output.some((item) => item.type === 'function_call') ? 'tool_calls' : 'stop';
}

function failureOf(response: Response) {
  const code = response.error?.code;
  if (code !== undefined && Object.hasOwn(failureKinds, code))
    return fail(code as FailureCode, response.error?.message);
  return response.status === 'cancelled'
    ? fail('conflict', 'The response was cancelled.')
    : fail('upstream_cut', response.error?.message);
}

function toCompletionUsage(response: Response): CompletionUsage {
  const usage = response.usage;
  return {
    prompt_tokens: usage?.input_tokens ?? 0,
    completion_tokens: usage?.output_tokens ?? 0,
    total_tokens: usage?.total_tokens ?? 0,
    prompt_tokens_details: { cached_tokens: usage?.input_tokens_details.cached_tokens ?? 0 },
    completion_tokens_details: { reasoning_tokens: usage?.output_tokens_details.reasoning_tokens ?? 0 },
  };
}
