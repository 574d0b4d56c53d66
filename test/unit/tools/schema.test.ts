/** What may be a tool's schema, and what its arguments may be. (F-4, A-1) */
import { describe, expect, test } from 'vitest';
import { findSchemaFault } from '../../../shared/core/json-schema.ts';
import { agentTools } from '../../../shared/contracts/tools.ts';
import { findArgumentFaults } from '../../../shared/tools/validate.ts';

const schema = {
  type: 'object',
  properties: { to: { type: 'string', maxLength: 20 }, amount: { type: 'integer', minimum: 1 } },
  required: ['to', 'amount'],
};

describe('a schema of a tool', () => {
  test.each<[string, unknown]>([
    ['a wrong type', { type: 'strng' }],
    ['properties that are no schemas', { properties: { a: 5 } }],
    ['a list of required that is none', { required: 'a' }],
    ['a reference to another document', { $ref: 'https://example.com/schema' }],
    ['a reference to nothing', { $ref: '#/$defs/none' }],
    ['a pattern that is none', { properties: { a: { pattern: '(' } } }],
    ['a pattern that may take for ever', { properties: { a: { pattern: '^(a+)+$' } } }],
    ['a pattern that chooses for ever', { properties: { a: { pattern: '^(a|a)*$' } } }],
    ['a negative length', { maxLength: -1 }],
    ['an empty choice', { anyOf: [] }],
    ['a text', 'object'],
    ['nothing', undefined],
    ['70 KB', { description: 'x'.repeat(70_000) }],
  ])('is refused with %s', (_, bad) => {
    expect(findSchemaFault(bad)).toBeDefined();
  });

  test('is refused where it is nested too deep, and within a moment', () => {
    let deep: object = { type: 'string' };
    for (let at = 0; at < 200; at++) deep = { properties: { a: deep } };
    expect(findSchemaFault(deep)).toContain('nested');
  });

  test('may be an ordinary one', () => {
    expect(findSchemaFault(schema)).toBeUndefined();
    expect(
      findSchemaFault({ $defs: { a: { type: ['string', 'null'] } }, properties: { a: { $ref: '#/$defs/a' } } }),
    ).toBeUndefined();
    expect(
      findSchemaFault({ properties: { a: { pattern: '^[a-z]+(-[a-z]{2})?$', enum: [1], format: 'uuid' } } }),
    ).toBeUndefined();
  });
});

describe('arguments', () => {
  test('that fit are good', () => {
    expect(findArgumentFaults(schema, { to: 'a', amount: 1 })).toEqual([]);
  });

  test.each<[string, object]>([
    ['a wrong type', { to: 'a', amount: '1' }],
    ['one too few', { to: 'a' }],
    ['one too many', { to: 'a', amount: 1, also: true }],
    ['a value out of bounds', { to: 'a', amount: 0 }],
    ['a text too long', { to: 'x'.repeat(21), amount: 1 }],
    ['a prototype', JSON.parse('{"to":"a","amount":1,"__proto__":{"x":1}}') as object],
  ])('with %s are refused in words', (_, args) => {
    expect(findArgumentFaults(schema, args).join()).not.toBe('');
  });

  test('of a schema that leads to itself for ever are refused, not looked at for ever', () => {
    expect(findArgumentFaults({ $ref: '#' }, { a: 1 })).not.toEqual([]);
  });
});

describe('the tools of an agent', () => {
  const tool = (name: string) => ({ type: 'http', name, url: 'https://example.com/x' });

  test.each([
    ['look_up', 'look-up'],
    ['pay', 'PAY'],
    ['list1', 'listl'],
    ['go', 'g0'],
  ])('have no names that a reader may take for one another: %s and %s', (one, other) => {
    expect(agentTools.safeParse([tool(one), tool(other)]).success).toBe(false);
  });

  test.each(['раy', 'pay​', 'pay now', ''])('have plain names, not %j', (name) => {
    expect(agentTools.safeParse([tool(name)]).success).toBe(false);
  });

  test.each([
    'https://{host}/x',
    'https://user:pass@example.com/',
    'ftp://example.com/',
    'file:///etc/passwd',
    'https://example.com@evil.com/',
  ])('have a fixed host, not %s', (url) => {
    expect(agentTools.safeParse([{ type: 'http', name: 'a', url }]).success).toBe(false);
  });

  test('have a condition that can be read, or none', () => {
    const asked = (when: string) => agentTools.safeParse([{ ...tool('a'), approval: { when } }]).success;
    expect(asked('amount > 100')).toBe(true);
    expect(asked('amount is large')).toBe(false);
  });
});
