/** The words of a text, as a full-text index is asked for them. Pure. */

const MaxTerms = 32;
const MaxTermChars = 64;

/** The distinct words of a text: letters, digits and marks, so nothing in them can be an operator of FTS5. */
export function parseTerms(text: string): readonly string[] {
  const words =
    text
      .normalize('NFKC')
      .toLowerCase()
      .match(/[\p{L}\p{N}][\p{L}\p{N}\p{M}]*/gu) ?? [];
  return [...new Set(words.filter((word) => word.length <= MaxTermChars))].slice(0, MaxTerms);
}

/** An FTS5 expression that matches any of the terms. Each is a quoted string and can hold no quote. */
export function formatMatchExpression(terms: readonly string[]): string {
  return terms.map((term) => `"${term}"`).join(' OR ');
}

/** One that matches all of them. */
export function formatMatchAll(terms: readonly string[]): string {
  return terms.map((term) => `"${term}"`).join(' AND ');
}
