/**
 * Vectors of texts by a node's model. A model that answers with another number of vectors, other dimensions, or what is no
 * number is refused as a whole: nothing of it is used.
 */
import { embeddingResponse } from '../contracts/embeddings.ts';
import { err, ok, type Result } from '../core/result.ts';
import { runOnNode, type NodeCaller, type NodeWays } from './run-on-node.ts';

/** What a name has led to, with a vector for each text. */
export type Embedded = {
  /** The model's own id: the name of its embedding space. */
  readonly space: string;
  readonly semantic: boolean;
  readonly dimensions: number;
  readonly vectors: readonly Float32Array<ArrayBuffer>[];
};

/** The space that the vectors have to be of. */
export type WantedSpace = { readonly space: string; readonly dimensions: number };

/** `model`: the name that the model is asked by. `wanted`: where nothing is said, any space will do. */
export async function embedByModel(
  ways: NodeWays,
  caller: NodeCaller,
  model: string,
  texts: readonly string[],
  wanted?: WantedSpace,
): Promise<Result<Embedded>> {
  const inputBytes = texts.reduce((sum, text) => sum + Buffer.byteLength(text), 0);
  const answered = await runOnNode(ways, caller, {
    model,
    operation: 'embeddings',
    body: { input: texts, encoding_format: 'float' },
    bound: { inputBytes, messages: texts.length },
  });
  if (!answered.ok) return answered;
  const { id: space, semantic } = answered.value.model;
  if (wanted && space !== wanted.space) {
    return err(
      'conflict',
      `"${model}" now means the model "${space}"; the memories are in the space "${wanted.space}".`,
    );
  }
  const vectors = readVectors(answered.value.body, texts.length);
  if (!vectors.ok) return vectors;
  const dimensions = vectors.value[0]!.length;
  if (wanted && dimensions !== wanted.dimensions) {
    return err('upstream_invalid', `"${space}" answered ${dimensions} dimensions; its space has ${wanted.dimensions}.`);
  }
  return ok({ space, semantic, dimensions, vectors: vectors.value });
}

/** In the order of the texts, all of one length. */
function readVectors(body: unknown, count: number): Result<Float32Array<ArrayBuffer>[]> {
  const parsed = embeddingResponse.safeParse(body);
  if (!parsed.success) return err('upstream_invalid', 'The model answered with no embeddings.');
  const vectors = parsed.data.data
    .toSorted((a, b) => a.index - b.index)
    .map(({ embedding }) => (typeof embedding === 'string' ? new Float32Array(0) : Float32Array.from(embedding)));
  if (vectors.length !== count)
    return err('upstream_invalid', 'The model did not answer with one vector for each text.');
  const length = vectors[0]?.length ?? 0;
  const isWhole = vectors.every((vector) => vector.length === length && vector.every(Number.isFinite));
  return length > 0 && isWhole
    ? ok(vectors)
    : err('upstream_invalid', 'The model answered with vectors that are none.');
}
