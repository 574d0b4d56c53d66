/** The part of a text where the words that were looked for are. Pure. */
import { parseTerms } from './search-terms.ts';

const ExcerptChars = 200;

/** Around the first of them; the beginning where the index found another form of the word. */
export function excerptAround(text: string, query: string): string {
  const flat = text.replaceAll(/\s+/g, ' ').trim();
  if (flat.length <= ExcerptChars) return flat;
  const lower = flat.toLowerCase();
  const places = parseTerms(query).flatMap((term) => {
    const at = lower.indexOf(term);
    return at < 0 ? [] : [at];
  });
  const first = places.length === 0 ? 0 : Math.min(...places);
  const start = Math.max(0, Math.min(first - ExcerptChars / 4, flat.length - ExcerptChars));
  const end = start + ExcerptChars;
  return `${start > 0 ? '…' : ''}${flat.slice(start, end)}${end < flat.length ? '…' : ''}`;
}
