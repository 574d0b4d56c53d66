/**
 * Puts an answer's text into an element, by `createElement` and text nodes alone; what did not change since the last time
 * keeps its elements.
 */
import { noChange } from 'lit';
import { Directive, directive, type ElementPart } from 'lit/directive.js';
import { findCitations, readBlocks, type Node as Tree } from './markdown.ts';
import type { Texts } from './texts/texts.ts';

class ShowMarkdown extends Directive {
  #shown: string[] = [];

  override render(_text: string, _sources: number, _texts: Texts): unknown {
    return noChange;
  }

  override update({ element }: ElementPart, [text, sources, texts]: Parameters<this['render']>): unknown {
    const blocks = readBlocks(text);
    for (const [at, { source, node: tree }] of blocks.entries()) {
      const key = `${sources}:${source}`;
      if (key === this.#shown[at]) continue;
      this.#shown[at] = key;
      const node = makeBlock(tree, sources, texts);
      const old = element.children[at];
      if (old) old.replaceWith(node);
      else element.append(node);
    }
    while (element.children.length > blocks.length) element.lastElementChild?.remove();
    this.#shown.length = blocks.length;
    return noChange;
  }
}

export const showMarkdown = directive(ShowMarkdown);

/** One element a block, always. */
function makeBlock(tree: Tree, sources: number, texts: Texts): HTMLElement {
  const block = document.createElement('div');
  block.className = 'block';
  block.dir = 'auto';
  block.append(...makeNodes(tree, sources, texts));
  return block;
}

function makeNodes(tree: Tree, sources: number, texts: Texts): Node[] {
  if (typeof tree === 'string') return makeText(tree, sources, texts);
  const { tag, label } = tree;
  if (tag === 'pre') return [makeCode(String(tree.children[0]), label ?? '', texts)];
  const made = document.createElement(tag);
  if (tag === 'a' && label !== undefined) {
    made.setAttribute('href', label);
    made.setAttribute('rel', 'noopener noreferrer nofollow');
    made.setAttribute('target', '_blank');
  }
  // To the eye alone: the levels of an answer's headings are not those of the page.
  if (tag === 'p' && label !== undefined) made.className = 'heading';
  if (tag === 'ol' && label !== '1') made.setAttribute('start', label ?? '1');
  if (tag === 'table') made.tabIndex = 0;
  const cited = tag === 'code' || tag === 'a' ? 0 : sources;
  made.append(...tree.children.flatMap((child) => makeNodes(child, cited, texts)));
  return [made];
}

function makeText(text: string, sources: number, texts: Texts): Node[] {
  const nodes: Node[] = [];
  let from = 0;
  for (const { at, end, numbers } of sources > 0 ? findCitations(text, sources) : []) {
    nodes.push(document.createTextNode(text.slice(from, at)), ...numbers.map((number) => citation(number, texts)));
    from = end;
  }
  nodes.push(document.createTextNode(text.slice(from)));
  return nodes;
}

function makeCode(text: string, language: string, texts: Texts): HTMLElement {
  const box = make('div', 'code');
  const copy = make('button', 'copy', texts.copy);
  copy.type = 'button';
  copy.addEventListener('click', () => {
    void copyText(text).then((isCopied) => {
      copy.textContent = isCopied ? texts.copied : texts.copyFailed;
    });
  });
  const pre = make('pre', '');
  pre.tabIndex = 0;
  pre.append(make('code', '', text));
  box.append(make('span', 'lang', language), copy, pre);
  return box;
}

/** Whether it was: a page that is framed or not secure may not be let. */
async function copyText(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return false;
  }
}

function make<T extends keyof HTMLElementTagNameMap>(tag: T, className: string, text = ''): HTMLElementTagNameMap[T] {
  const made = document.createElement(tag);
  made.className = className;
  made.textContent = text;
  return made;
}

function citation(number: number, texts: Texts): HTMLElement {
  const button = document.createElement('button');
  button.type = 'button';
  button.className = 'cite';
  button.dataset['source'] = String(number);
  button.setAttribute('aria-label', texts.source(number));
  button.textContent = String(number);
  return button;
}
