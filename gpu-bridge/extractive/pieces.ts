/**
 * The extractive engine's tokens: a run of letters, a run of digits, or one other character that is not white space.
 * Also what the bridge counts an input by where the node did not. Deterministic.
 */
const pieces = /\p{L}[\p{L}\p{M}]*|\p{N}+|[^\s\p{L}\p{N}]/gu;

export function countPieces(text: string): number {
  let count = 0;
  pieces.lastIndex = 0;
  while (pieces.exec(text)) count++;
  return count;
}

/** The longest start of the text that holds no more than `limit` pieces, and how many it holds. */
export function takePieces(text: string, limit: number): { readonly text: string; readonly count: number } {
  let count = 0;
  pieces.lastIndex = 0;
  for (let match = pieces.exec(text); match; match = pieces.exec(text)) {
    if (count === limit) return { text: text.slice(0, match.index).trimEnd(), count };
    count++;
  }
  return { text, count };
}
