/** What the chat page makes of an answer's text: a closed set of elements, whatever the text holds; and what it makes of a stream. */
import { describe, expect, test } from 'vitest';

type Tree = { readonly tag: string; readonly [member: string]: unknown };
type Turn = { readonly status: string; readonly sequence: number; readonly parts: readonly { text: string }[] };
type Client = {
  safeHref(text: string): string | undefined;
  parseMarkdown(text: string, sources?: number): Tree[];
  buildNode(document: unknown, node: Tree): FakeNode;
  EventReader: new () => { push(text: string): unknown[] };
  newTurn(conversation?: string): Turn;
  applyEvent(turn: Turn, event: object): Turn;
  textOf(turn: Turn): string;
  describeEnd(turn: Turn): string;
  planRetry(items: readonly object[], text: string): { kind: string; remove: string[] };
  backoffMs(attempt: number, random?: number): number;
};
const address = new URL('../../../workers/frontends/chat.client.js', import.meta.url).href;
const client = (await import(/* @vite-ignore */ address)) as Client;

/** As much of a document as the renderer may use: anything else it reached for would fail. */
class FakeNode {
  readonly children: FakeNode[] = [];
  readonly attributes = new Map<string, string>();
  #text = '';
  readonly tag: string;
  constructor(tag: string, text = '') {
    this.tag = tag;
    this.#text = text;
  }
  get textContent(): string {
    return this.#text + this.children.map((child) => child.textContent).join('');
  }
  set textContent(text: string) {
    this.#text = text;
  }
  setAttribute(name: string, value: string): void {
    this.attributes.set(name, value);
  }
  append(...nodes: FakeNode[]): void {
    this.children.push(...nodes);
  }
  *all(): Generator<FakeNode> {
    yield this;
    for (const child of this.children) yield* child.all();
  }
}
const fakeDocument = {
  createElement: (tag: string) => Object.preventExtensions(new FakeNode(tag)),
  createTextNode: (text: string) => new FakeNode('#text', text),
};

function render(text: string, sources = 0): FakeNode[] {
  return client.parseMarkdown(text, sources).map((block) => client.buildNode(fakeDocument, block));
}
function nodesOf(text: string, sources = 0): FakeNode[] {
  return render(text, sources).flatMap((node) => [...node.all()]);
}
/** `<p>a<strong>b</strong></p>`, attributes left out. */
function outline(text: string, sources = 0): string {
  const write = (node: FakeNode): string => {
    if (node.tag === '#text') return node.textContent;
    const inner = node.children.length > 0 ? node.children.map(write).join('') : node.textContent;
    return node.tag === 'br' ? '<br>' : `<${node.tag}>${inner}</${node.tag}>`;
  };
  return render(text, sources).map(write).join('');
}

const SafeTags = new Set(['#text', 'p', 'br', 'code', 'pre', 'strong', 'ul', 'ol', 'li', 'a', 'button']);
const SafeAttributes = new Set([
  'href',
  'rel',
  'target',
  'start',
  'tabindex',
  'type',
  'class',
  'data-source',
  'aria-label',
]);

describe('hostile text makes no element and no attribute beyond the safe ones', () => {
  const hostile = [
    '<script>alert(1)</script>',
    '<img src=x onerror=alert(1)>',
    '<a href="javascript:alert(1)" onclick="alert(1)">x</a>',
    '<svg/onload=alert(1)><iframe srcdoc="<script>1</script>"></iframe>',
    '[x](javascript:alert(1))',
    '[x](JaVaScRiPt:alert(1))',
    '[x](java\tscript:alert(1))',
    '[x]( javascript:alert(1))',
    '[x](data:text/html,<script>alert(1)</script>)',
    '[x](vbscript:msgbox(1))',
    '[x](//evil.example/a)',
    '[x](https://good.example@evil.example/)',
    '[x](https:\\\\evil.example)',
    '[x](https://a.example" onmouseover="alert(1))',
    '[<img src=x onerror=alert(1)>](https://a.example)',
    '![secret](https://evil.example/?q=secret)',
    '[![x](https://evil.example/p.png)](javascript:alert(1))',
    '**<b onclick=alert(1)>x</b>**',
    '`<script>alert(1)</script>`',
    '```html onload=alert(1)\n<script>alert(1)</script>\n```',
    '1. <script>alert(1)</script>\n   - [x](javascript:1)',
    'https://a.example/<script>alert(1)</script>',
    '# <script>alert(1)</script>',
    '99999999999. <style>*{background:url(//evil.example)}</style>',
    '[1](javascript:alert(1)) [1]',
  ];
  test.each(hostile)('%s', (text) => {
    for (const node of nodesOf(text, 2)) {
      expect(SafeTags).toContain(node.tag);
      for (const [name, value] of node.attributes) {
        expect(SafeAttributes).toContain(name);
        if (name === 'href') expect(value).toMatch(/^https?:\/\/[^\s"'<>@]+$/);
        if (name === 'class') expect(value).toBe('cite');
        if (name === 'start') expect(value).toMatch(/^\d{1,9}$/);
      }
    }
  });

  test('a script is shown, not run', () => {
    expect(outline('<script>alert(1)</script>')).toBe('<p><script>alert(1)</script></p>');
    expect(nodesOf('<script>alert(1)</script>').map((node) => node.tag)).toEqual(['p', '#text']);
  });

  test('an image is never fetched: its markdown stays text', () => {
    const nodes = nodesOf('![alt](https://evil.example/?q=1)');
    expect(nodes.map((node) => node.tag)).toEqual(['p', '#text']);
    expect(nodes[0]!.textContent).toBe('![alt](https://evil.example/?q=1)');
  });

  test.each([
    'javascript:alert(1)',
    'data:text/html,x',
    'https://a@b.example',
    '//b.example',
    'https://b .example',
    'ftp://b.example',
    '',
  ])('no link leads to %j', (url) => expect(client.safeHref(url)).toBeUndefined());
});

describe('what an answer may hold is rendered', () => {
  test.each([
    ['one\ntwo\n\nthree', '<p>one<br>two</p><p>three</p>'],
    ['a **b** `c*d`', '<p>a <strong>b</strong> <code>c*d</code></p>'],
    ['**open and `open', '<p>**open and `open</p>'],
    ['## Title\ntext', '<p><strong>Title</strong></p><p>text</p>'],
    ['a\n\n---\n\nb', '<p>a</p><p>b</p>'],
    ['- a\n- b\n  - c\n- d', '<ul><li>a</li><li>b<ul><li>c</li></ul></li><li>d</li></ul>'],
    ['1. a\n\n2. b\nafter', '<ol><li>a</li><li>b<br>after</li></ol>'],
    ['- a\n\nafter', '<ul><li>a</li></ul><p>after</p>'],
    ['- a\n1. b', '<ul><li>a</li></ul><ol><li>b</li></ol>'],
    ['```js\nlet a;\n\n**b**\n```\nafter', '<pre><code>let a;\n\n**b**</code></pre><p>after</p>'],
    ['```\nstill streaming', '<pre><code>still streaming</code></pre>'],
    ['1. a\n   ```\n   x\n   ```\n2. b', '<ol><li>a</li></ol><pre><code>x</code></pre><ol><li>b</li></ol>'],
    ['a\\*b \\`c\\`', '<p>a*b `c`</p>'],
    ['מה **שלומך**', '<p>מה <strong>שלומך</strong></p>'],
    ['', ''],
  ])('%j', (text, expected) => expect(outline(text)).toBe(expected));

  test('a web link opens beside the page and tells it nothing', () => {
    const [link] = nodesOf('see [the docs](https://a.example/b_(c)?d=1).').filter((node) => node.tag === 'a');
    expect(Object.fromEntries(link!.attributes)).toEqual({
      href: 'https://a.example/b_(c)?d=1',
      rel: 'noopener noreferrer nofollow',
      target: '_blank',
    });
    expect(link!.textContent).toBe('the docs');
  });

  test('a bare address ends before the sentence does', () => {
    const links = nodesOf('(https://a.example/x), **https://b.example/y**').filter((node) => node.tag === 'a');
    expect(links.map((node) => node.attributes.get('href'))).toEqual(['https://a.example/x', 'https://b.example/y']);
  });

  test('a citation refers to a source that exists, and is text otherwise', () => {
    const cites = nodesOf('so [1][2], but [3], and [1, 2].', 2).filter((node) => node.tag === 'button');
    expect(cites.map((node) => node.attributes.get('data-source'))).toEqual(['1', '2', '1', '2']);
    expect(outline('so [1]')).toBe('<p>so [1]</p>');
    expect(outline('[3] and [x](https://a.example)', 2)).toBe('<p>[3] and <a>x</a></p>');
  });

  test.each(['**a ', '`', '[a](', '[', '![', '- ', '```\n', '  - x\n', 'https://', '((', '#'])(
    'a hundred thousand characters of %j take no more than their length',
    (piece) => {
      const begun = performance.now();
      render(piece.repeat(Math.ceil(100_000 / piece.length)));
      expect(performance.now() - begun).toBeLessThan(2_000);
    },
  );
});

describe('a turn', () => {
  const response = (status: string, change: object = {}) => ({
    id: 'resp_1',
    status,
    output: [],
    recalled_memories: [],
    error: null,
    incomplete_details: null,
    ...change,
  });
  const delta = (sequence: number, text: string) => ({
    type: 'response.output_text.delta',
    sequence_number: sequence,
    item_id: 'msg_1',
    delta: text,
  });
  const begun = [
    { type: 'response.created', sequence_number: 0, response: response('queued') },
    delta(1, 'Hel'),
    delta(2, 'lo'),
  ];
  const after = (events: readonly object[]) =>
    events.reduce<Turn>((turn, event) => client.applyEvent(turn, event), client.newTurn());

  test('an event that comes twice counts once', () => {
    expect(client.textOf(after([...begun, ...begun, delta(3, '!')]))).toBe('Hello!');
  });

  test('the last event has the last word, and nothing follows it', () => {
    const output = [
      { id: 'msg_1', type: 'message', role: 'assistant', content: [{ type: 'output_text', text: 'Hello.' }] },
    ];
    const done = { type: 'response.completed', sequence_number: 3, response: response('completed', { output }) };
    const turn = after([...begun, done, delta(4, 'late')]);
    expect(client.textOf(turn)).toBe('Hello.');
    expect(client.describeEnd(turn)).toBe('');
  });

  test.each([
    ['failed', { error: { code: 'upstream_cut', message: 'It broke.' } }, 'It broke.'],
    ['cancelled', {}, 'Stopped'],
    ['incomplete', { incomplete_details: { reason: 'max_output_tokens' } }, 'length limit'],
    ['incomplete', { incomplete_details: { reason: 'content_filter' } }, 'content filter'],
  ])('one that is %s says so', (status, change, expected) => {
    const turn = after([
      ...begun,
      { type: `response.${status}`, sequence_number: 3, response: response(status, change) },
    ]);
    expect(client.describeEnd(turn)).toContain(expected);
  });

  test('frames arrive in any slices', () => {
    const text = begun
      .map((event) => `event: ${event.type}\r\ndata: ${JSON.stringify(event)}\r\n\r\n`)
      .join(': keep-alive\n\n');
    for (const size of [1, 2, 7, text.length]) {
      const reader = new client.EventReader();
      const slices = Array.from({ length: Math.ceil(text.length / size) }, (_, at) =>
        text.slice(at * size, (at + 1) * size),
      );
      expect(slices.flatMap((slice) => reader.push(slice))).toEqual(begun);
    }
  });

  test('a wait grows to fifteen seconds and no further', () => {
    expect([0, 1, 2, 20].map((attempt) => client.backoffMs(attempt, 1))).toEqual([500, 1_000, 2_000, 15_000]);
    expect(client.backoffMs(20, 0)).toBe(7_500);
  });
});

describe('asking again', () => {
  const message = (id: string, role: string, text: string, status = 'completed') => ({
    id,
    type: 'message',
    role,
    status,
    content: [{ type: role === 'user' ? 'input_text' : 'output_text', text }],
  });
  const hi = message('m1', 'user', 'hi');

  test('sends a message that never arrived', () => {
    expect(client.planRetry([], 'hi')).toEqual({ kind: 'send', remove: [] });
    expect(client.planRetry([hi, message('m2', 'assistant', 'yes')], 'more')).toEqual({ kind: 'send', remove: [] });
  });
  test('does not say a message twice that has arrived', () => {
    expect(client.planRetry([hi], 'hi')).toEqual({ kind: 'again', remove: [] });
  });
  test('lets the part of an answer go', () => {
    const part = message('m2', 'assistant', 'ye', 'incomplete');
    expect(client.planRetry([hi, part], 'hi')).toEqual({ kind: 'again', remove: ['m2'] });
  });
  test('asks nothing where the answer is there', () => {
    expect(client.planRetry([hi, message('m2', 'assistant', 'yes')], 'hi')).toEqual({ kind: 'answered', remove: [] });
  });
});
