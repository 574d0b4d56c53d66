/** How well texts answer a query, by a node's model that reads both together. */
import { rerankResponse } from '../contracts/rerank.ts';
import { err, ok, type Result } from '../core/result.ts';
import { listServable } from './resolve-route.ts';
import { runOnNode, type NodeCaller, type NodeWays } from './run-on-node.ts';

/** A score for each text, in their order. `model`: where none is named, the first that the tenant may use. */
export async function rerankByModel(
  ways: NodeWays,
  caller: NodeCaller,
  model: string | undefined,
  query: string,
  texts: readonly string[],
): Promise<Result<readonly number[]>> {
  const named = model === undefined ? await findReranker(ways) : ok(model);
  if (!named.ok) return named;
  const bytes = texts.reduce((sum, text) => sum + Buffer.byteLength(text), 0);
  const answered = await runOnNode(ways, caller, {
    model: named.value,
    operation: 'rerank',
    body: { query, documents: texts },
    // The model reads the query anew with each of the texts.
    bound: { inputBytes: bytes + Buffer.byteLength(query) * texts.length, messages: texts.length },
  });
  if (!answered.ok) return answered;
  const parsed = rerankResponse.safeParse(answered.value.body);
  if (!parsed.success) return err('upstream_invalid', 'The model answered with no order.');
  const scores = new Map(parsed.data.results.map(({ index, relevance_score: score }) => [index, score]));
  return scores.size === texts.length && texts.every((_, at) => scores.has(at))
    ? ok(texts.map((_, at) => scores.get(at)!))
    : err('upstream_invalid', 'The model did not judge every text.');
}

async function findReranker(ways: NodeWays): Promise<Result<string>> {
  const view = await ways.catalog();
  if (!view.ok) return view;
  const model = listServable(view.value, false).find(({ operations }) => operations.includes('rerank'));
  return model ? ok(model.id) : err('model_not_found', 'No node has a model that compares texts.');
}
