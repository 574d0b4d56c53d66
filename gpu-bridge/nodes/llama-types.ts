/** The names of node-llama-cpp's types that the gguf node uses. Types only: the package itself is optional. */
import type { ChatWrapper, Llama, LlamaContext, LlamaContextSequence, LlamaModel } from 'node-llama-cpp';

export type { ChatHistoryItem, Token } from 'node-llama-cpp';
export type LlamaRuntime = Llama;
export type LlamaChatWrapper = ChatWrapper;

export type LoadedModel = {
  readonly runtime: Llama;
  readonly model: LlamaModel;
  readonly context: LlamaContext;
  readonly sequence: LlamaContextSequence;
  readonly wrapper: ChatWrapper;
};
