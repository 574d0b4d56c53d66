/** Hosts: only the exact form of a host leads to a tenant, and everything else leads nowhere. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseHost } from '../../../shared/tenancy/hostname.ts';

const Domain = 'example.com';
const label = fc.stringMatching(/^[a-z0-9](?:[a-z0-9-]{0,20}[a-z0-9])?$/);
const port = fc.oneof(
  fc.constant(''),
  fc.integer({ min: 0, max: 65_535 }).map((number) => `:${number}`),
);

describe('parseHost', () => {
  test.each([
    ['example.com', { kind: 'apex' }],
    ['EXAMPLE.com:443', { kind: 'apex' }],
    ['acme.example.com', { kind: 'tenant', slug: 'acme' }],
    ['Acme.Example.Com:8787', { kind: 'tenant', slug: 'acme' }],
    ['a-1.example.com', { kind: 'tenant', slug: 'a-1' }],
    ['a.b.example.com', { kind: 'unknown' }],
    ['chat.acme.org', { kind: 'custom', hostname: 'chat.acme.org' }],
    ['notexample.com', { kind: 'custom', hostname: 'notexample.com' }],
    ['example.com.evil.org', { kind: 'custom', hostname: 'example.com.evil.org' }],
    ['localhost', { kind: 'unknown' }],
    ['127.0.0.1:80', { kind: 'unknown' }],
    ['0.0.0.0', { kind: 'unknown' }],
    ['1.2.3.4.5', { kind: 'unknown' }],
    ['[::1]:80', { kind: 'unknown' }],
    ['[::ffff:127.0.0.1]', { kind: 'unknown' }],
  ])('%s is %j', (host, parsed) => {
    expect(parseHost(host, Domain)).toEqual(parsed);
  });

  test.each([
    null,
    '',
    ' ',
    '.',
    '.example.com',
    'acme.example.com.',
    'acme..example.com',
    'acme.example.com@globex.example.com',
    'user:pass@acme.example.com',
    'acme.example.com/../globex',
    'acme.example.com%2eglobex',
    'acme.example.com, globex.example.com',
    'acme.example.com globex.example.com',
    ' acme.example.com',
    'acme.example.com ',
    'acme.example.com\n',
    'acme.example.com\u0000',
    'acme\u0000.example.com',
    'acme.example.com:',
    'acme.example.com:80:80',
    'acme.example.com:65536',
    'acme.example.com:-1',
    'acme.example.com:+80',
    'acme.example.com:8e1',
    '-acme.example.com',
    'acme-.example.com',
    'ac_me.example.com',
    'acmé.example.com',
    'ａcme.example.com',
    'acme。example.com',
    'acme.example.com#',
    'acme.example.com?',
    'acme.example.com\\',
    'http://acme.example.com',
    '*.example.com',
    '[::1',
    '[::1]x',
    '::1',
    `${'a'.repeat(64)}.example.com`,
    'a.'.repeat(150),
  ])('%j is malformed', (host) => {
    expect(parseHost(host, Domain)).toEqual({ kind: 'malformed' });
  });

  test('one label under the domain is a tenant, in any case and with any port; its slug is in lower case', () => {
    fc.assert(
      fc.property(label, port, fc.boolean(), (slug, at, loud) => {
        const host = `${slug}.${Domain}${at}`;
        expect(parseHost(loud ? host.toUpperCase() : host, Domain)).toEqual({ kind: 'tenant', slug });
      }),
    );
  });

  test('no text leads to a tenant unless it is exactly that tenant under the domain', () => {
    const strange = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc
        .tuple(fc.string({ maxLength: 10 }), label, fc.string({ maxLength: 10 }))
        .map(([before, slug, after]) => `${before}${slug}.${Domain}${after}`),
    );
    fc.assert(
      fc.property(strange, (text) => {
        const host = parseHost(text, Domain);
        if (host.kind !== 'tenant') return;
        expect(text.toLowerCase().replace(/:\d{1,5}$/, '')).toBe(`${host.slug}.${Domain}`);
        expect(host.slug).toMatch(/^[a-z0-9](?:[a-z0-9-]*[a-z0-9])?$/);
      }),
      { numRuns: 2_000 },
    );
  });

  test('takes linear time for a hostile text', () => {
    const begun = performance.now();
    for (const text of [
      'a'.repeat(100_000),
      'a-'.repeat(50_000),
      'a.'.repeat(50_000),
      `${'a'.repeat(258)}!`,
      `${'a-'.repeat(129)}!`,
      `[${':'.repeat(256)}`,
    ])
      parseHost(text, Domain);
    expect(performance.now() - begun).toBeLessThan(1_000);
  });
});
