/** Carries a node's embeddings to the caller, in the format that was asked for, once the receipt is in the journal. */
import { countInput } from './count-input.ts';
import type { JobRun } from './job-run.ts';
import { isJsonObject, type JsonObject } from './json-object.ts';
import { normaliseEmbeddings } from './normalise.ts';
import { NodeError, type InferenceNode } from './nodes/node.ts';

export async function answerEmbeddings(
  run: JobRun,
  node: InferenceNode,
  body: JsonObject,
  answer: unknown,
): Promise<void> {
  const dimensions = body['dimensions'];
  const result = normaliseEmbeddings(
    answer,
    {
      count: countInputs(body['input']),
      format: body['encoding_format'] === 'base64' ? 'base64' : 'float',
      dimensions: typeof dimensions === 'number' ? dimensions : undefined,
    },
    run.job.claims.model,
  );
  if (!result.ok) {
    throw new NodeError(result.failure.code === 'unsupported_parameter' ? 'rejected' : 'invalid', result.failure);
  }
  const { data, model, promptTokens } = result.value;
  const prompt = promptTokens ?? countInput('embeddings', body);
  if (promptTokens !== undefined) {
    run.meter.countNode({ prompt_tokens: prompt, completion_tokens: 0, total_tokens: prompt });
  }
  run.meter.markWhole();
  const usage = { prompt_tokens: prompt, total_tokens: prompt };
  await run.settleAndSend(node, { object: 'list', data, model, usage });
}

/** A text or one list of tokens is one input; any other list is one an item. */
function countInputs(input: unknown): number {
  if (!Array.isArray(input)) return 1;
  return input.every((each) => typeof each === 'string' || Array.isArray(each) || isJsonObject(each))
    ? input.length
    : 1;
}
