/**
 * `freehold/hash-char-768`: the embedder of a machine without a model. Feature-hashed character 3- and 4-grams, signed,
 * two probes a feature, L2-normalised. Lexical and typo-tolerant; it knows nothing of meaning (`semantic: false`),
 * and its vectors are never mixed with a model's.
 */
export const HashEmbeddingModel = 'freehold/hash-char-768';
export const HashEmbeddingDimensions = 768;

export function embedByHash(text: string): Float32Array<ArrayBuffer> {
  const vector = new Float32Array(HashEmbeddingDimensions);
  const padded = ` ${text
    .normalize('NFKC')
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}]+/gu, ' ')
    .trim()} `;
  for (const size of [3, 4]) {
    for (let start = 0; start + size <= padded.length; start++) addGram(vector, padded, start, size);
  }
  return normalise(vector);
}

function addGram(vector: Float32Array, text: string, start: number, size: number): void {
  let hash = 0x811c9dc5 ^ size;
  for (let at = start; at < start + size; at++) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193);
  for (let probe = 0; probe < 2; probe++) {
    hash = mix(hash + probe * 0x9e3779b9);
    const index = (hash >>> 1) % HashEmbeddingDimensions;
    vector[index] = vector[index]! + (hash & 1 ? 1 : -1);
  }
}

/** The finaliser of MurmurHash3: every input bit reaches every output bit. */
function mix(value: number): number {
  let hash = value | 0;
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}

function normalise(vector: Float32Array<ArrayBuffer>): Float32Array<ArrayBuffer> {
  let sum = 0;
  for (const value of vector) sum += value * value;
  if (sum === 0) return vector;
  const scale = 1 / Math.sqrt(sum);
  return vector.map((value) => value * scale);
}
