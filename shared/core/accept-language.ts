/** `Accept-Language` by preference (RFC 9110, 12.5.4); what is refused by q=0, and `*`, name no language. */
export function readAcceptLanguage(header: string | null): string[] {
  return (header ?? '')
    .slice(0, 1_000)
    .split(',')
    .map((part) => {
      const [tag = '', ...parameters] = part.split(';').map((piece) => piece.trim());
      const weight = parameters.find((each) => each.startsWith('q='))?.slice(2);
      return { tag, quality: weight === undefined ? 1 : Number(weight) };
    })
    .filter(({ tag, quality }) => /^[a-zA-Z][a-zA-Z0-9-]*$/.test(tag) && quality > 0)
    .toSorted((a, b) => b.quality - a.quality)
    .map(({ tag }) => tag);
}
