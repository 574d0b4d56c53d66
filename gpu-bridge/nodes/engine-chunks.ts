/**
 * The chunks of an engine that runs inside the bridge, in OpenAI's shape. An engine always streams; the bridge puts the
 * pieces together for a caller who wants a body.
 */
import type { FinishReason, ToolCallDelta } from '../../shared/contracts/chat-completions.ts';

export class EngineChunks {
  readonly #names: { readonly id: string; readonly object: string; readonly created: number; readonly model: string };

  constructor(run: string, created: number, model: string) {
    this.#names = { id: `chatcmpl-${run}`, object: 'chat.completion.chunk', created, model };
  }

  #format(delta: object, finish: FinishReason | null): string {
    return JSON.stringify({ ...this.#names, choices: [{ index: 0, delta, finish_reason: finish, logprobs: null }] });
  }

  role(): string {
    return this.#format({ role: 'assistant', content: '' }, null);
  }

  text(content: string): string {
    return this.#format({ content }, null);
  }

  toolCall(call: ToolCallDelta): string {
    return this.#format({ tool_calls: [call] }, null);
  }

  /** The last chunks of a whole answer. */
  finish(reason: FinishReason, prompt: number, completion: number): string[] {
    return [this.#format({}, reason), this.usage(prompt, completion), '[DONE]'];
  }

  usage(prompt: number, completion: number): string {
    const usage = { prompt_tokens: prompt, completion_tokens: completion, total_tokens: prompt + completion };
    return JSON.stringify({ ...this.#names, choices: [], usage });
  }
}
