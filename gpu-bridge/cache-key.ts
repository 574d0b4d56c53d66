/**
 * Which jobs have the same answer: those of one tenant, for one model in one version, with the same body. Pure. A job
 * without a key is never answered from the cache, nor kept there.
 */
import { createHash } from 'node:crypto';
import type { JobClaims } from '../shared/contracts/inference.ts';
import type { JsonObject } from './json-object.ts';

/** `digests`: of the model's files, by the nodes that have it. */
export function makeCacheKey(claims: JobClaims, body: JsonObject, digests: readonly string[]): string | undefined {
  if (!claims.cache || !isRepeatable(claims, body)) return undefined;
  const { tenant, operation, model, node, allow_external: allowExternal } = claims;
  // Further inside, the order of members may matter to a model (of a schema's properties, for one).
  const members = Object.entries(body).toSorted(([one], [other]) => (one < other ? -1 : 1));
  const asked = JSON.stringify([tenant, operation, model, digests, node ?? null, allowExternal, members]);
  return createHash('sha256').update(asked).digest('base64url');
}

/** Whether the same question would be answered alike again. */
function isRepeatable({ operation }: JobClaims, body: JsonObject): boolean {
  switch (operation) {
    case 'chat':
    case 'completions':
      return body['temperature'] === 0 || Number.isInteger(body['seed']);
    case 'embeddings':
    case 'rerank':
      return true;
    case 'tokenize':
    case 'transcription':
    case 'speech':
      return false;
  }
}
