/** When a call needs approval: the little language, and its safe side. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { holds, parseCondition } from '../../../shared/core/condition.ts';

const asks = (text: string, args: unknown) => holds(parseCondition(text)!, args);

describe('a condition', () => {
  test.each<[string, object, boolean]>([
    ['amount > 100', { amount: 101 }, true],
    ['amount > 100', { amount: 100 }, false],
    ['amount >= 100', { amount: 100 }, true],
    ['amount < 0', { amount: -1 }, true],
    ['amount <= 0', { amount: 1 }, false],
    ['currency != "EUR"', { currency: 'EUR' }, false],
    ["currency = 'EUR'", { currency: 'EUR' }, true],
    ['live = true', { live: false }, false],
    ['customer.vip = true', { customer: { vip: true } }, true],
    ['tags contains "urgent"', { tags: ['urgent'] }, true],
    ['to contains "@evil"', { to: 'a@good' }, false],
    ['amount > 100 or currency != "EUR"', { amount: 1, currency: 'USD' }, true],
    ['amount > 100 and currency = "EUR"', { amount: 101, currency: 'USD' }, false],
    ['a = 1 and b = 1 or c = 1', { a: 0, b: 1, c: 1 }, true],
  ])('%s of %o is %s', (text, args, expected) => {
    expect(asks(text, args)).toBe(expected);
  });

  test.each<[string, object]>([
    ['amount > 100', {}],
    ['amount > 100', { amount: '1' }],
    ['amount > 100', { amount: null }],
    ['a.b = 1', { a: 5 }],
    ['to contains "x"', { to: 7 }],
    ['a = 1', { a: [1] }],
  ])('that cannot be decided holds: %s of %o', (text, args) => {
    expect(asks(text, args)).toBe(true);
  });

  test.each([
    '',
    'amount',
    'amount >',
    '> 1',
    'amount > 1 and',
    'amount > 1 xor b = 1',
    'a = b',
    'f() = 1',
    'a = "',
    `a = ${'1'.repeat(600)}`,
  ])('is refused where it is none: %s', (text) => {
    expect(parseCondition(text)).toBeUndefined();
  });

  test('never throws and takes linear time, whatever it is given', () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 500 }), fc.anything(), (text, args) => {
        const condition = parseCondition(text);
        if (condition) expect(typeof holds(condition, args)).toBe('boolean');
      }),
    );
  });
});
