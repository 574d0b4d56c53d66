/**
 * Carries to the caller what a node answers with one body of its own kind: scores, tokens, a transcript.
 * What is not a valid answer is refused, never passed on; the receipt is in the journal before the answer goes out.
 */
import { isTextFormat, TextMedia, type CarriedAnswer } from '../shared/contracts/audio.ts';
import { fail } from '../shared/core/failure.ts';
import type { JobRun } from './job-run.ts';
import { findCount, findObject, findString, isJsonObject, parseJson, type JsonObject } from './json-object.ts';
import { NodeError, type ForwardedAnswer, type ForwardedOperation, type InferenceNode } from './nodes/node.ts';

const decoder = new TextDecoder();

/** `counted`: what the node says that it has read, in what the operation counts. */
type Read = { readonly answer: JsonObject | CarriedAnswer; readonly counted?: number | undefined };

export async function answerForwarded(
  run: JobRun,
  node: InferenceNode,
  body: JsonObject,
  { operation, value }: { readonly operation: ForwardedOperation; readonly value: ForwardedAnswer },
): Promise<void> {
  const { answer, counted } = readAnswer(operation, body, value, run);
  if (counted !== undefined) {
    run.meter.countNode({ prompt_tokens: counted, completion_tokens: 0, total_tokens: counted });
  }
  run.meter.markWhole();
  const { prompt_tokens: prompt } = run.meter.usage;
  const told =
    operation === 'rerank'
      ? { usage: { prompt_tokens: prompt, total_tokens: prompt } }
      : operation === 'transcription' && !('media' in answer)
        ? { usage: { type: 'duration', seconds: prompt / 1000 } }
        : {};
  await run.settleAndSend(node, { ...answer, ...told });
}

function readAnswer(operation: ForwardedOperation, body: JsonObject, given: ForwardedAnswer, run: JobRun): Read {
  const { jti: id, model } = run.job.claims;
  switch (operation) {
    case 'rerank':
      return readScores(readObject(given), body, { id: `rerank-${id}`, model });
    case 'tokenize':
      return readTokens(readObject(given), model);
    case 'transcription':
      return isTextFormat(body['response_format']) ? readText(given) : readTranscript(readObject(given));
  }
}

function invalid(reason: string): NodeError {
  return new NodeError('invalid', fail('upstream_invalid', undefined, { reason }));
}

function readObject({ bytes }: ForwardedAnswer): JsonObject {
  const parsed = parseJson(decoder.decode(bytes))?.value;
  if (!isJsonObject(parsed)) throw invalid('the answer is not a JSON object');
  if (parsed['error'] !== undefined && parsed['error'] !== null) throw invalid('the answer is an error');
  return parsed;
}

function readScores(
  answer: JsonObject,
  body: JsonObject,
  names: { readonly id: string; readonly model: string },
): Read {
  const documents: readonly unknown[] = Array.isArray(body['documents']) ? body['documents'] : [];
  const given = Array.isArray(answer['results']) ? answer['results'] : [];
  const most = Math.min(findCount(body, 'top_n') ?? documents.length, documents.length);
  const seen = new Set<number>();
  const results = given.map((item) => {
    const index = findCount(item, 'index');
    const score: unknown = isJsonObject(item) ? item['relevance_score'] : undefined;
    if (index === undefined || index >= documents.length || seen.has(index)) throw invalid('a score is of no document');
    if (typeof score !== 'number' || !Number.isFinite(score)) throw invalid('a score is not a number');
    seen.add(index);
    const document = body['return_documents'] === true ? { document: { text: documents[index] } } : {};
    return { index, relevance_score: score, ...document };
  });
  if (results.length < most) throw invalid('a document has no score');
  results.sort((one, other) => other.relevance_score - one.relevance_score || one.index - other.index);
  const usage = findObject(answer, 'usage');
  return {
    answer: { object: 'rerank', ...names, results: results.slice(0, most) },
    counted: findCount(usage, 'prompt_tokens') ?? findCount(usage, 'total_tokens'),
  };
}

function readTokens(answer: JsonObject, model: string): Read {
  const tokens: readonly unknown[] = Array.isArray(answer['tokens']) ? answer['tokens'] : [];
  const count = findCount(answer, 'count');
  if (count !== tokens.length || !tokens.every(Number.isSafeInteger))
    throw invalid('the tokens are not a list of numbers');
  return {
    answer: { object: 'tokens', model, count, max_model_len: findCount(answer, 'max_model_len') ?? null, tokens },
  };
}

function readTranscript(answer: JsonObject): Read {
  const text = findString(answer, 'text');
  if (text === undefined) throw invalid('the transcript has no text');
  const { usage: _, ...rest } = answer;
  const seconds = Number(findObject(answer, 'usage')?.['seconds'] ?? answer['duration'] ?? Number.NaN);
  const counted = Number.isFinite(seconds) && seconds >= 0 ? Math.ceil(seconds * 1000) : undefined;
  return { answer: { ...rest, text }, counted };
}

function readText({ type, bytes }: ForwardedAnswer): Read {
  if (/html/i.test(type)) throw invalid(`a transcript of type ${type}`);
  return { answer: { media: TextMedia, data: Buffer.from(bytes).toString('base64') } };
}
