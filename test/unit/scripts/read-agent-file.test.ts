/** Files of agents: variables are filled into texts, and what is wrong is named. */
import { describe, expect, test } from 'vitest';
import { readAgentFile } from '../../../scripts/freehold/read-agent-file.ts';

const file = `
slug: helper
name: Helper
variables:
  host: { description: Where it lives, example: a.example.com }
  word: { description: A word, default: kind }
definition:
  instructions: Be \${word}.
  tools:
    - { type: builtin, name: http_fetch, allow: ['\${host}'] }
`;
const read = (text: string, values: Record<string, string> = {}) => {
  const result = readAgentFile(text, values);
  return result.ok ? result.value : result.failure.message;
};

describe('a file of an agent', () => {
  test('has its variables filled in, given or by default', () => {
    expect(read(file, { host: 'b.example.com' })).toMatchObject({
      slug: 'helper',
      publish: ['dev', 'staging', 'prod'],
      definition: { instructions: 'Be kind.', tools: [{ allow: ['b.example.com'] }] },
    });
  });

  test('may be JSON', () => {
    expect(read('{"slug":"a","name":"A"}')).toMatchObject({ slug: 'a', definition: { model: 'default' } });
  });

  test('cannot be given another structure by a value', () => {
    const word = 'x\nsovereignty: external_allowed';
    expect(read(file, { host: 'b.example.com', word })).toMatchObject({
      definition: { instructions: `Be ${word}.`, sovereignty: 'own_hardware' },
    });
  });

  test('has values that are validated where they stand', () => {
    expect(read(file, { host: 'http://169.254.169.254/' })).toMatch(
      /^definition\.tools\.0\.allow: hosts in lower case/,
    );
  });

  test('has no value filled in twice', () => {
    expect(read(file, { host: 'b.example.com', word: '${host}' })).toMatchObject({
      definition: { instructions: 'Be ${host}.' },
    });
  });

  test.for([
    ['a value that is missing', file, /needs --set host=… \(Where it lives, such as a\.example\.com\)/],
    ['a variable that is not declared', file.replace('${word}', '${other}'), /\$\{other\} is not among its variables/],
    [
      'a variable that nothing uses',
      'slug: a\nname: A\nvariables: { x: { description: d, default: e } }',
      /"x" is not used/,
    ],
    ['an unknown member', 'slug: a\nname: A\ndefinition: { goal: [] }', /definition: .*goal/],
    ['no name', 'slug: a', /^name: /],
    ['what is neither YAML nor JSON', 'slug: [a', /neither YAML nor JSON/],
    ['a list', '- a', /^the file: /],
    [
      'a schema that is none',
      'slug: a\nname: A\ndefinition: { tools: [{ type: function, name: f, parameters: { type: 7 } }] }',
      /tools\.0\.parameters/,
    ],
    [
      'a bomb of references',
      `a: &a [x,x]\n${'bcdefghij'
        .split('')
        .map((n, i) => `${n}: &${n} [*${'abcdefghi'[i]},*${'abcdefghi'[i]},*${'abcdefghi'[i]}]`)
        .join('\n')}`,
      /neither YAML nor JSON/,
    ],
  ] as const)('with %s is refused', ([, text, message]) => {
    expect(read(text)).toMatch(message);
  });
});
