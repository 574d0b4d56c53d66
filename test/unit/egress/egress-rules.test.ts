/** Which URLs of somebody else's choosing are ever asked. (O-1, API7, ASVS 13.2.4) */
import { describe, expect, test } from 'vitest';
import ipaddr from 'ipaddr.js';
import { Allowlist } from '../../../shared/egress/allowlist.ts';
import { isPublicAddress, judgeUrl, networkRules, neverPublic } from '../../../shared/egress/egress-rules.ts';
import { forbiddenAddresses, forbiddenUrls, loopbackSpellings, publicAddresses } from '../../support/forbidden-urls.ts';

function list(text: string): Allowlist {
  const parsed = Allowlist.parse(text);
  if (!parsed.ok) throw new Error(parsed.failure.message);
  return parsed.value;
}
const inBrackets = (address: string) => (address.includes(':') ? `[${address}]` : address);

describe('https at a public name is allowed', () => {
  test.each([
    'https://hooks.example.com/',
    'https://login.microsoftonline.com/4f/v2.0',
    'https://op.example.com:8443/realms/a?b=c',
    'https://xn--bcher-kva.example/',
    'https://bücher.example/',
    'HTTPS://HOOKS.EXAMPLE.COM/',
    'https://10.example.com/',
  ])('%s', (url) => expect(judgeUrl(url, Allowlist.none)).toEqual({ ok: true, url: new URL(url).href, way: 'public' }));
});

describe('refused', () => {
  const secure = loopbackSpellings(8443).map((url) => url.replace('http:', 'https:'));
  test.each([
    ...secure,
    ...loopbackSpellings(80),
    ...forbiddenAddresses.map((address) => `https://${inBrackets(address)}/`),
    ...forbiddenUrls,
  ])('%j', (url) => expect(judgeUrl(url, Allowlist.none)).toMatchObject({ ok: false, fault: expect.any(String) }));
});

describe('an address is public', () => {
  test.each(publicAddresses)('%s', (address) => expect(isPublicAddress(address)).toBe(true));
});
describe('an address is not public', () => {
  test.each([...forbiddenAddresses, '127.0.0.1', '::1', '::', '', 'localhost', '1.2.3'])('%j', (address) =>
    expect(isPublicAddress(address)).toBe(false),
  );
});

describe("the operator's list", () => {
  const own = list('10.0.0.0/8, 192.168.7.5 ,fd00::/8,hooks.corp.example,*.lan,localhost,::1');
  test.each([
    ['http://10.1.2.3:8080/x', 'public'],
    ['http://0xa.1/', 'public'],
    ['https://192.168.7.5/', 'public'],
    ['http://[fd12::1]/', 'public'],
    ['http://[::1]/', 'public'],
    ['http://hooks.corp.example/', 'named'],
    ['https://HOOKS.corp.example:444/', 'named'],
    ['http://box.lan/', 'named'],
    ['http://a.box.lan/', 'named'],
    ['http://localhost:3000/', 'named'],
  ])('allows %s', (url, way) => expect(judgeUrl(url, own)).toMatchObject({ ok: true, way }));
  test.each([
    'http://11.0.0.1/',
    'https://192.168.7.6/',
    'http://[::ffff:10.0.0.1]/',
    'http://evil.hooks.corp.example/',
    'https://lan/',
    'https://xlan/',
    'http://127.0.0.1/',
    'http://a.localhost/',
    'http://hooks.corp.example./',
    'ftp://10.1.2.3/',
    'http://user@10.1.2.3/',
    'http://hooks.corp.example.evil.example/',
  ])('does not allow %s', (url) => expect(judgeUrl(url, own)).toMatchObject({ ok: false }));

  test.each([
    '10.0.0.0/33',
    'a b',
    'http://x',
    '*',
    '*.',
    'x.*',
    '10.0.0',
    '10.0/8',
    'fe80::1%eth0',
    '10.0.0.0/8;11.0.0.0/8',
    '[::1]',
    '-x',
  ])('is refused with %j in it', (text) =>
    expect(Allowlist.parse(text)).toMatchObject({ ok: false, failure: { code: 'invalid_request' } }),
  );
  test('may be empty', () => expect(list(' , ').blocks).toEqual([]));
});

describe('the rules of the network', () => {
  test('refuse no address that is public, and every block that they refuse is not', () => {
    for (const block of neverPublic) {
      const [network, bits] = ipaddr.parseCIDR(block);
      expect([block, isPublicAddress(network.toString())]).toEqual([block, false]);
      for (const address of publicAddresses.map((text) => ipaddr.parse(text)))
        expect(address.kind() === network.kind() && address.match(network, bits)).toBe(false);
    }
  });
  test('let the listed blocks through, also one that is refused otherwise', () => {
    const rules = networkRules(list('10.0.0.0/8,100.64.0.0/10,hooks.corp.example'));
    expect(rules.public.allow).toEqual(['public', '10.0.0.0/8', '100.64.0.0/10']);
    expect(rules.public.deny).not.toContain('100.64.0.0/10');
    expect(rules.public.deny).toContain('64:ff9b::/96');
  });
  test('let only what goes to a listed name reach private addresses, and never metadata', () => {
    const rules = networkRules(list('hooks.corp.example'));
    expect(rules.public.allow).toEqual(['public']);
    expect(rules.named).toEqual({ allow: ['public', 'private'], deny: ['169.254.0.0/16', 'fe80::/10'] });
  });
});
