/**
 * Asks a node for one token, as a job would, and believes nothing less than a token: a node that lists its models, or
 * answers with status 200, may still have an engine that stands. Canaries belong to no tenant and are billed to nobody.
 */
import { findObject, isJsonObject, parseJson } from './json-object.ts';
import { parseFinishReason } from './normalise.ts';
import type { AnnouncedModel } from '../shared/contracts/inference.ts';
import type { InferenceNode, NodeCall } from './nodes/node.ts';

/** Begins the `x-request-id` of every canary, so that a node's own log tells them apart. */
export const CanaryPrefix = 'canary-';

export async function sendCanary(node: InferenceNode, model: AnnouncedModel, call: NodeCall): Promise<void> {
  if (model.operations.includes('chat')) await askForToken(node, model.id, call);
  else if (model.operations.includes('embeddings')) {
    const answer = await node.embed({ model: model.id, input: ['ping'] }, call);
    if (!holdsVector(answer)) throw new Error('the canary was answered with no vector');
  } else if (model.operations.includes('rerank')) {
    const body = { model: model.id, query: 'ping', documents: ['pong'] };
    const answer = await node.forward?.('rerank', body, call);
    if (!holdsScore(answer && parseJson(new TextDecoder().decode(answer.bytes))?.value))
      throw new Error('the canary was answered with no score');
  }
}

/** Whether there is a small question for what the model does. */
export function hasCanary({ operations }: AnnouncedModel): boolean {
  return operations.some((each) => each === 'chat' || each === 'embeddings' || each === 'rerank');
}

async function askForToken(node: InferenceNode, model: string, call: NodeCall): Promise<void> {
  const messages = [{ role: 'user', content: 'ping' }];
  const answer = await node.chat({ model, messages, max_tokens: 1, temperature: 0, stream: false }, call);
  if (answer.kind === 'body') {
    if (!holdsChoice(answer.body)) throw new Error('the canary was answered with no token');
    return;
  }
  for await (const batch of answer.batches) {
    if (batch.some((data) => holdsChoice(parseJson(data)?.value))) return;
  }
  throw new Error('the canary was answered with no token');
}

/** A finish reason or text: an empty first chunk is sent by engines that have not begun. */
function holdsChoice(body: unknown): boolean {
  if (!isJsonObject(body) || !Array.isArray(body['choices'])) return false;
  return body['choices'].some((choice: unknown) => {
    if (!isJsonObject(choice)) return false;
    if (parseFinishReason(choice['finish_reason'])) return true;
    const said = findObject(choice, 'delta') ?? findObject(choice, 'message');
    return Object.entries(said ?? {}).some(([key, value]) => key !== 'role' && value !== null && value !== '');
  });
}

function holdsScore(body: unknown): boolean {
  const results = isJsonObject(body) ? body['results'] : undefined;
  return Array.isArray(results) && results.length === 1;
}

function holdsVector(body: unknown): boolean {
  const data = isJsonObject(body) ? body['data'] : undefined;
  return Array.isArray(data) && isJsonObject(data[0]) && data[0]['embedding'] !== undefined;
}
