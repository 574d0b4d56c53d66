/** What an answer's text becomes: a closed set of elements, whatever it holds, in time that grows with its length. */
import { describe, expect, test } from 'vitest';
import {
  findCitations,
  readBlocks,
  safeHref,
  type Element,
  type Node,
} from '../../../../workers/frontends/chat/markdown.ts';
import { hostileOutputs } from '../../../support/hostile-outputs.ts';

/** As HTML that a reader of the test can read; what is text in it shows its brackets as ‹ and ›. */
function write(node: Node): string {
  if (typeof node === 'string') return node.replaceAll('<', '‹').replaceAll('>', '›');
  const label = node.label === undefined ? '' : ` ${node.label}`;
  return `<${node.tag}${label}>${node.children.map(write).join('')}</${node.tag}>`;
}
const render = (text: string) =>
  readBlocks(text)
    .map(({ node }) => write(node))
    .join('');

function* all(node: Node): Generator<Element> {
  if (typeof node === 'string') return;
  yield node;
  for (const child of node.children) yield* all(child);
}

const tags = ['p', 'br', 'hr', 'strong', 'em', 'del', 'code', 'pre', 'a', 'blockquote', 'ul', 'ol', 'li'];
const safeTags = [...tags, 'table', 'tr', 'th', 'td'];

describe('hostile text', () => {
  test.each(hostileOutputs)('makes no element beyond the safe ones, and no address that is none: %j', (text) => {
    for (const { tag, label } of readBlocks(text).flatMap(({ node }) => [...all(node)])) {
      expect(safeTags).toContain(tag);
      if (tag === 'a') expect(label).toMatch(/^https?:\/\/[^\s"'<>@]+$/);
      else expect(label ?? '').toMatch(/^[\w+#.-]{0,20}$/);
    }
  });

  test.each([
    'javascript:alert(1)',
    'data:text/html,x',
    'https://a@b.example',
    '//b.example',
    'https://b .example',
    'ftp://b.example',
    '',
  ])('no link leads to %j', (url) => expect(safeHref(url)).toBeUndefined());

  test.each([
    '**a ',
    '`',
    '[a](',
    '[',
    '![',
    '- ',
    '```\n',
    '  - x\n',
    'https://',
    '((',
    '#',
    '> ',
    '|a',
    '_a*',
    '<a ',
    '\n- a\n',
  ])('a hundred thousand characters of %j take no more than their length', (piece) => {
    const begun = performance.now();
    render(piece.repeat(Math.ceil(100_000 / piece.length)));
    expect(performance.now() - begun).toBeLessThan(4_000);
  });
});

describe('what an answer may hold is rendered', () => {
  test.each([
    ['one\ntwo\n\nthree', '<p>one<br></br>two</p><p>three</p>'],
    ['a **b** `c*d`', '<p>a <strong>b</strong> <code>c*d</code></p>'],
    ['**open and `open', '<p>**open and `open</p>'],
    ['## Title', '<p heading>Title</p>'],
    ['a\n\n---\n\nb', '<p>a</p><hr></hr><p>b</p>'],
    ['```js\nlet a;\n\n**b**\n```\nafter', '<pre js>let a;\n\n**b**</pre><p>after</p>'],
    ['```\nstill streaming', '<pre >still streaming</pre>'],
    ['- a\n- b\n  - c\n- d', '<ul><li>a</li><li>b<ul><li>c</li></ul></li><li>d</li></ul>'],
    ['3. a\n4. b', '<ol 3><li>a</li><li>b</li></ol>'],
    ['- [x] a', '<ul><li>☑ a</li></ul>'],
    ['|a|b|\n|-|-|\n|1|2|', '<table><tr><th>a</th><th>b</th></tr><tr><td>1</td><td>2</td></tr></table>'],
    ['a\\*b &lt;i&gt;', '<p>a*b ‹i›</p>'],
    ['<script>alert(1)</script>', '<p>‹script›alert(1)‹/script›</p>'],
    ['![alt](https://a.example/?q=1)', '<p>![alt](https://a.example/?q=1)</p>'],
    ['[x](javascript:alert)', '<p>[x](javascript:alert)</p>'],
    ['מה **שלומך**', '<p>מה <strong>שלומך</strong></p>'],
    ['', ''],
  ])('%j', (text, expected) => expect(render(text)).toBe(expected));

  test('a link leads where it says, with its own text', () => {
    expect(render('[the docs](https://a.example/b?d=1&e=2)')).toBe(
      '<p><a https://a.example/b?d=1&e=2>the docs</a></p>',
    );
  });

  test('a citation refers to a source that exists, and is text otherwise', () => {
    const numbers = findCitations('so [1][2], but [3], and [1, 2].', 2).map((each) => each.numbers);
    expect(numbers).toEqual([[1], [2], [1, 2]]);
    expect(findCitations('so [1]', 0)).toEqual([]);
  });

  test('a text that grows keeps the blocks that it had', () => {
    const [before, after] = [readBlocks('one\n\ntwo'), readBlocks('one\n\ntwo and more\n\nthree')];
    expect(after[0]).toEqual(before[0]);
    expect(after.length).toBe(3);
  });
});
