/** What a request puts into a model, counted by the bridge: what stands where the node does not tell. */
import type { JobOperation } from '../shared/contracts/inference.ts';
import { estimateAudioMs } from '../shared/core/audio-length.ts';
import { countPieces } from './extractive/pieces.ts';
import { findObject, findString, isJsonObject, type JsonObject } from './json-object.ts';

/** In what the operation is counted in: tokens (as pieces of text), milliseconds of audio, or characters. */
export function countInput(operation: JobOperation, body: JsonObject): number {
  switch (operation) {
    case 'chat':
      return countTexts(body['messages']) + countTexts(body['tools']);
    case 'completions':
      return countTexts(body['prompt']);
    case 'embeddings':
      return countTexts(body['input']);
    case 'rerank':
      return countRerank(body);
    case 'tokenize':
      return 0;
    case 'transcription':
      return estimateAudioMs(findString(findObject(body, 'file'), 'data') ?? '');
    case 'speech':
      return [...(findString(body, 'input') ?? '')].length;
  }
}

/** The query is read with each of the documents. */
function countRerank(body: JsonObject): number {
  const documents = Array.isArray(body['documents']) ? body['documents'] : [];
  return countTexts(documents) + countTexts(body['query']) * documents.length;
}

function countTexts(value: unknown): number {
  if (typeof value === 'string') return countPieces(value);
  if (typeof value === 'number') return 1;
  if (Array.isArray(value)) return value.reduce<number>((sum, each) => sum + countTexts(each), 0);
  if (!isJsonObject(value)) return 0;
  // An image or a file is not text; what it costs only the node can know.
  const skipped = new Set(['type', 'role', 'image_url', 'input_audio', 'file']);
  return Object.entries(value).reduce((sum, [key, each]) => (skipped.has(key) ? sum : sum + countTexts(each)), 0);
}
