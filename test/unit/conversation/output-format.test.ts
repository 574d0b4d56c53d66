/** Answers held against the form that their request asked for. */
import { describe, expect, test } from 'vitest';
import { findMisfit } from '../../../durable-objects/conversation/output-format.ts';

const schema = {
  type: 'object',
  properties: { city: { type: 'string' } },
  required: ['city'],
  additionalProperties: false,
};
const bySchema = (strict?: boolean) => ({ type: 'json_schema', json_schema: { name: 'n', schema, strict } });

describe('an answer', () => {
  test.each([undefined, null, { type: 'text' }])('for which nothing (%j) was asked is what it is', (format) => {
    expect(findMisfit(format, 'words')).toBeNull();
  });

  test('by a schema fits, or says in what it does not', () => {
    expect(findMisfit(bySchema(true), '{"city":"Oslo"}')).toBeNull();
    expect(findMisfit(bySchema(), '{"city":"Oslo"}')).toBeNull();
    expect(findMisfit(bySchema(true), '{"city":5}')).toContain('city');
    expect(findMisfit(bySchema(true), '{"city":"Oslo","more":1}')).toContain('schema');
    expect(findMisfit(bySchema(true), '{"city":')).toContain('JSON');
    expect(findMisfit(bySchema(true), '')).toContain('JSON');
  });

  test('in JSON is JSON', () => {
    expect(findMisfit({ type: 'json_object' }, '{"any":1}')).toBeNull();
    expect(findMisfit({ type: 'json_object' }, 'no')).toContain('JSON');
  });

  test('by a wish is not checked', () => {
    expect(findMisfit(bySchema(false), 'words')).toBeNull();
  });
});
