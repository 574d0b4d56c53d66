/** What the build takes out of `marked`: its instance, and nothing that the lexer needs. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Lexer } from 'marked';
import { expect, test } from 'vitest';
import { withoutInstance } from '../../../../workers/frontends/lexer-only.ts';
import { hostileOutputs } from '../../../support/hostile-outputs.ts';

const options = { gfm: true, breaks: true };
const code = withoutInstance(readFileSync(fileURLToPath(import.meta.resolve('marked')), 'utf8'));

test('the lexer that stays reads every text as before', async () => {
  const left = (await import(`data:text/javascript,${encodeURIComponent(code)}`)) as { Lexer: typeof Lexer };
  const table = '| a | b |\n|:--|--:|\n| `x` | **y** |\n\n1. one\n   - [x] two\n\n> quoted\n\n```ts\nlet a;\n```';
  for (const text of [table, ...hostileOutputs]) {
    expect(left.Lexer.lex(text, options)).toEqual(Lexer.lex(text, options));
  }
});

test.each(['export class Lexer {}', 'class Marked {} const a = new Marked(); export { a as marked };', ''])(
  'a module of another make is refused, not shipped whole: %j',
  (other) => expect(() => withoutInstance(other)).toThrow('no instance to leave out'),
);
