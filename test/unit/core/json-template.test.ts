/** Templates: every rendering of one that was accepted is JSON, whatever the values are. */
import { describe, expect, test } from 'vitest';
import { parseJsonTemplate } from '../../../shared/core/json-template.ts';

const render = (template: string, values: unknown) => {
  const parsed = parseJsonTemplate(template);
  if (!parsed.ok) throw new Error(parsed.failure.message);
  return JSON.parse(parsed.value.render(values)) as unknown;
};

describe('a template', () => {
  test('puts text into strings and values into their places', () => {
    const values = { type: 'a.b', data: { id: 'x', n: 3, deep: { yes: true }, none: null } };
    expect(
      render('{"t":"{{type}} {{ data.id }} {{data.n}}","n":{{json data.n}},"d":{{json data.deep}}}', values),
    ).toEqual({
      t: 'a.b x 3',
      n: 3,
      d: { yes: true },
    });
    expect(render('{"t":"{{data.none}}{{data.missing.deeper}}","n":{{json data.missing}}}', values)).toEqual({
      t: '',
      n: null,
    });
  });

  test('lets no value break out of its place', () => {
    for (const evil of ['","x":"', '\\', '\n\u2028"', '{{type}}', '$&$1', '\u0000']) {
      expect(render('{"t":"{{v}}","j":{{json v}}}', { v: evil })).toEqual({ t: evil, j: evil });
    }
    expect(render('{"t":"{{constructor}}{{__proto__}}{{v.length}}"}', { v: 'abc' })).toEqual({ t: '' });
  });

  test('that would not always give JSON is refused', () => {
    const bad = [
      '',
      'text',
      '{"a":{{x}}}',
      '{"a":"{{json x}}"}',
      '{"a":"{{}}"}',
      '{"a":"{{x"}',
      '{"a":"{{x y}}"}',
      '{{x}}',
      '{"a":1{{x}}}',
      '{"a":"{{#if x}}"}',
      '{"{{x":1}',
    ];
    for (const template of bad) expect(parseJsonTemplate(template).ok, template).toBe(false);
    expect(parseJsonTemplate(`[${'{{json x}},'.repeat(50)}{{json x}}]`).ok).toBe(false);
    expect(parseJsonTemplate('{{json data}}').ok).toBe(true);
  });
});
