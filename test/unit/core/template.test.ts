/** A template fills places and runs nothing; what is wrong with one is told before it is used. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseTemplate, renderTemplate } from '../../../shared/core/template.ts';

const roots = ['payload', 'event'];
const fill = (text: string, values: Record<string, unknown>, maxLength = 10_000) => {
  const parsed = parseTemplate(text, roots);
  if (!parsed.ok) throw new Error(parsed.failure.message);
  return renderTemplate(parsed.value, values, maxLength);
};

test('fills in texts, numbers, lists and whole objects', () => {
  const payload = { issue: { title: 'Broken', number: 7, labels: [{ name: 'bug' }], open: false }, 'x-y_z': '' };
  expect(fill('{{event}}: {{ payload.issue.title }} #{{payload.issue.number}}', { payload, event: 'issues' })).toBe(
    'issues: Broken #7',
  );
  expect(
    fill('{{payload.issue.labels.0.name}} of {{payload.issue.labels.length}} {{payload.issue.open}}{{payload.x-y_z}}', {
      payload,
    }),
  ).toBe('bug of 1 false');
  expect(fill('{{payload.issue.labels}}', { payload })).toBe('[\n  {\n    "name": "bug"\n  }\n]');
  expect(fill('plain } text { here }}', {})).toBe('plain } text { here }}');
});

test('says which value is missing, and reaches nothing that is not the data itself', () => {
  const payload = { a: null, text: 'abc', list: [1] };
  for (const path of ['b', 'a', 'a.b', 'text.length', 'list.1', 'constructor', '__proto__', 'toString'])
    expect(fill(`<{{payload.${path}}}>`, { payload })).toBe(`<[no payload.${path}]>`);
  expect(fill('{{event}}', { event: null })).toBe('[no event]');
});

test('cuts what would be too long, between characters, and says so', () => {
  expect(fill('{{payload}}', { payload: 'a'.repeat(50) }, 10)).toBe(`${'a'.repeat(10)}\n[cut after 10 characters]`);
  expect(fill('{{payload}}', { payload: `${'a'.repeat(9)}🦊` }, 10).isWellFormed()).toBe(true);
});

test('fills in what looks like a place as text', () => {
  expect(fill('{{payload.a}}', { payload: { a: '{{payload.b}}', b: 'secret' } })).toBe('{{payload.b}}');
});

describe('does not parse', () => {
  test.each(['{{', 'a {{payload', '{{}}', '{{ }}', '{{payload.}}', '{{.payload}}', '{{payload..a}}', '{{pay load}}'])(
    '%s',
    refused,
  );
  test.each([
    '{{secrets.a}}',
    '{{payload.a|upper}}',
    '{{payload[0]}}',
    '{{#if payload}}',
    '{{payload.a b}}',
    '{{{payload}}}',
  ])('%s', refused);
  function refused(text: string) {
    expect(parseTemplate(text, roots)).toMatchObject({
      ok: false,
      failure: { code: 'invalid_request', param: 'template' },
    });
  }
});

test('any text is parsed or refused, and never breaks', () => {
  fc.assert(
    fc.property(
      fc.string({ unit: fc.constantFrom('{', '}', 'payload', '.', ' ', 'a', '0', '🦊'), maxLength: 40 }),
      (text) => {
        const parsed = parseTemplate(text, roots);
        if (parsed.ok) expect(renderTemplate(parsed.value, { payload: { a: { a: 1 } } }, 100)).toBeTypeOf('string');
      },
    ),
  );
});
