/**
 * What a model says, as a tree out of a closed set of elements: `marked` reads the Markdown, and what it calls HTML or an
 * image stays the text that it is. No HTML is written or parsed anywhere, so none can be smuggled in, and nothing is fetched
 * before somebody clicks it. Pure.
 */
import { Lexer, type Token, type Tokens } from 'marked';

export type Tag =
  | 'p'
  | 'br'
  | 'hr'
  | 'strong'
  | 'em'
  | 'del'
  | 'code'
  | 'pre'
  | 'a'
  | 'blockquote'
  | 'ul'
  | 'ol'
  | 'li'
  | 'table'
  | 'tr'
  | 'th'
  | 'td';
/** `label`: a code block's language, that a paragraph is a heading, a list's first number, a link's checked address. */
export type Element = { readonly tag: Tag; readonly label?: string; readonly children: readonly Node[] };
export type Node = string | Element;
export type Block = { readonly source: string; readonly node: Node };

const MaxUrlChars = 2_000;
/** A paragraph longer than this is shown as it is: no pattern in it can take long. */
const MaxParagraphChars = 8_000;
const MaxDepth = 12;

/** An address that a click may open: http or https, without credentials in it. */
export function safeHref(text: string): string | undefined {
  if (text.length > MaxUrlChars || !/^https?:\/\/[^\s\\"<>`]+$/i.test(text) || !URL.canParse(text)) return undefined;
  const url = new URL(text);
  const isWeb = url.protocol === 'https:' || url.protocol === 'http:';
  return isWeb && url.username === '' && url.password === '' ? url.href : undefined;
}

/** The text's blocks, each with what it was: one whose source is the same need not be made again. */
export function readBlocks(text: string): Block[] {
  // oxlint-disable-next-line no-control-regex -- what a terminal would obey is no part of a text
  const plain = text.replaceAll(/\r\n?/g, '\n').replaceAll(/[\0-\x08\x0b-\x1f\x7f]/g, '');
  const paragraphs = plain.split(/\n[ \t]*\n/);
  const isWild = paragraphs.some((paragraph) => paragraph.length > MaxParagraphChars);
  const pieces = isWild ? paragraphs : [plain];
  return pieces.flatMap((piece): Block[] => {
    if (piece.length > MaxParagraphChars && isWild) return [{ source: piece, node: element('p', [piece]) }];
    return Lexer.lex(piece, { gfm: true, breaks: true }).flatMap((token) => {
      const node = readBlock(token, 0);
      return node === undefined ? [] : [{ source: token.raw, node }];
    });
  });
}

function element(tag: Tag, children: readonly Node[], label?: string): Element {
  return label === undefined ? { tag, children } : { tag, children, label };
}

function readBlock(token: Token, depth: number): Node | undefined {
  if (depth > MaxDepth) return token.raw;
  switch (token.type) {
    case 'space':
    case 'def':
      return undefined;
    case 'hr':
      return element('hr', []);
    case 'heading':
      return element('p', readInline(token.tokens), 'heading');
    case 'code': {
      const { text, lang } = token as Tokens.Code;
      return element('pre', [text], /^[\w+#.-]{1,20}$/.exec(lang ?? '')?.[0] ?? '');
    }
    case 'blockquote':
      return element('blockquote', readBlocksOf(token.tokens, depth));
    case 'list': {
      const { ordered, start, items } = token as Tokens.List;
      const children = items.map((item) => element('li', readBlocksOf(item.tokens, depth)));
      return element(ordered ? 'ol' : 'ul', children, ordered ? String(Number(start) || 1) : undefined);
    }
    case 'table': {
      const { header, rows } = token as Tokens.Table;
      const row = (tag: 'th' | 'td', cells: readonly Tokens.TableCell[]) =>
        element(
          'tr',
          cells.map((cell) => element(tag, readInline(cell.tokens))),
        );
      return element('table', [row('th', header), ...rows.map((cells) => row('td', cells))]);
    }
    case 'paragraph':
      return element('p', readInline(token.tokens));
    default:
      return element('p', token.type === 'text' ? readInline([token]) : [token.raw.trim()]);
  }
}

/** An item's own text stands in it as it is, without a paragraph around it. */
function readBlocksOf(tokens: readonly Token[] | undefined, depth: number): Node[] {
  return (tokens ?? []).flatMap((token) => {
    if (token.type === 'text' || token.type === 'checkbox') return readInline([token]);
    return readBlock(token, depth + 1) ?? [];
  });
}

function readInline(tokens: readonly Token[] | undefined, depth = 0): Node[] {
  return (tokens ?? []).flatMap((token): Node[] => {
    const inner = 'tokens' in token ? token.tokens : undefined;
    const children = () => (depth > MaxDepth ? [token.raw] : readInline(inner, depth + 1));
    switch (token.type) {
      case 'strong':
      case 'em':
      case 'del':
        return [element(token.type, children())];
      case 'codespan':
        return [element('code', [(token as Tokens.Codespan).text])];
      case 'br':
        return [element('br', [])];
      case 'escape':
        return [(token as Tokens.Escape).text];
      case 'checkbox':
        return [(token as Tokens.Checkbox).checked ? '☑ ' : '☐ '];
      case 'link': {
        const href = safeHref((token as Tokens.Link).href);
        return href === undefined ? [token.raw] : [element('a', children(), href)];
      }
      case 'text':
        return inner ? children() : [decodeEntities((token as Tokens.Text).text)];
      default:
        return [token.raw];
    }
  });
}

const entities: Readonly<Record<string, string>> = {
  amp: '&',
  lt: '<',
  gt: '>',
  quot: '"',
  '#39': "'",
  apos: "'",
  nbsp: '\u00a0',
};

/** Becomes a text node, whatever it says. */
function decodeEntities(text: string): string {
  return text.replaceAll(/&(amp|lt|gt|quot|#39|apos|nbsp);/g, (all, name: string) => entities[name] ?? all);
}

/** `[2]` or `[1, 3]`, where all of these sources exist. */
export function findCitations(text: string, sources: number): { at: number; end: number; numbers: number[] }[] {
  const found: { at: number; end: number; numbers: number[] }[] = [];
  for (const match of text.matchAll(/\[(\d{1,2}(?:, ?\d{1,2}){0,9})\]/g)) {
    const numbers = (match[1] ?? '').split(',').map(Number);
    if (!numbers.every((number) => number >= 1 && number <= sources)) continue;
    found.push({ at: match.index, end: match.index + match[0].length, numbers });
  }
  return found;
}
