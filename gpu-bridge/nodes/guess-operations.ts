/** What a model is for, by its name: nearly every one that does not chat says so in it. */
import type { JobOperation } from '../../shared/contracts/inference.ts';

const kinds: readonly (readonly [RegExp, readonly JobOperation[]])[] = [
  [/rerank/i, ['rerank']],
  [/embed|\b(?:bge|gte|e5|minilm)\b|[/_-](?:bge|gte|e5)[-_]/i, ['embeddings']],
  [/whisper|transcribe|parakeet|\basr\b/i, ['transcription']],
  [/\btts\b|[/_-]tts[-_]|kokoro|\bpiper\b/i, ['speech']],
];

export function guessOperations(id: string): readonly JobOperation[] {
  return kinds.find(([pattern]) => pattern.test(id))?.[1] ?? ['chat', 'completions'];
}
