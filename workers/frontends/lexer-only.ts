/**
 * The chat reads Markdown with `marked`'s lexer alone. What makes HTML of it would come along, because the module makes an
 * instance of it as it is loaded and hangs its parts on the function `marked`: without that, a bundler leaves the rest out.
 */
import { parseSync, type ESTree } from 'vite';

/** @throws where the module is no longer made so that its instance can be left out. */
export function withoutInstance(code: string): string {
  const { body } = parseSync('marked.js', code).program;
  const marked = localName(body, 'marked');
  const edits = body.flatMap((statement) => editsOf(statement, marked));
  if (!edits.some(({ text }) => text === '') || !edits.some(({ text }) => text === Pure))
    throw new Error('marked has no instance to leave out: see what of it is in the script now');
  return edits.toReversed().reduce((rest, { at, end, text }) => rest.slice(0, at) + text + rest.slice(end), code);
}

type Edit = { readonly at: number; readonly end: number; readonly text: string };
const Pure = '/* @__PURE__ */ ';

function localName(body: readonly ESTree.Statement[], exported: string): string | undefined {
  const specifiers = body.flatMap((each) => (each.type === 'ExportNamedDeclaration' ? each.specifiers : []));
  const found = specifiers.find((each) => each.exported.type === 'Identifier' && each.exported.name === exported);
  return found?.local.type === 'Identifier' ? found.local.name : undefined;
}

/** `marked.parse = …` goes; `new Marked()` may go where nobody uses it. */
function editsOf(statement: ESTree.Statement, marked: string | undefined): Edit[] {
  if (statement.type === 'ExpressionStatement' && statement.expression.type === 'AssignmentExpression') {
    const { left } = statement.expression;
    const isOwn = left.type === 'MemberExpression' && left.object.type === 'Identifier' && left.object.name === marked;
    return isOwn ? [{ at: statement.start, end: statement.end, text: '' }] : [];
  }
  if (statement.type !== 'VariableDeclaration') return [];
  return statement.declarations.flatMap(({ init }) =>
    init?.type === 'NewExpression' ? [{ at: init.start, end: init.start, text: Pure }] : [],
  );
}
