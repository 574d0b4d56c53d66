/** Which URLs of an issuer are ever fetched. (API7, ASVS 13.2.4) */
import { describe, expect, test } from 'vitest';
import { validateIssuerUrl } from '../../../workers/edge/issuers/issuer-url.ts';

describe('of a deployment with a domain, an issuer is at https and a public name', () => {
  test.each([
    'https://accounts.google.com',
    'https://login.microsoftonline.com/4f/v2.0',
    'https://op.example.com:8443/realms/a',
    'https://xn--bcher-kva.example/',
  ])('%s', (url) => expect(validateIssuerUrl(url, 'example.com')).toBeUndefined());

  test.each([
    '',
    'op.example.com',
    '//op.example.com',
    'http://op.example.com',
    'ftp://op.example.com',
    'file:///etc/passwd',
    'data:application/json,{}',
    'javascript:alert(1)',
    'https://user@op.example.com',
    'https://user:secret@op.example.com',
    'https://op.example.com/#fragment',
    ' https://op.example.com',
    'https://op.exa\nmple.com',
    'https://localhost',
    'https://localhost.',
    'https://acme.localhost',
    'https://127.0.0.1',
    'https://127.1',
    'https://0x7f.1',
    'https://2130706433',
    'https://0177.0.0.1',
    'https://0.0.0.0',
    'https://10.0.0.1',
    'https://169.254.169.254/latest/meta-data',
    'https://192.168.1.1',
    'https://8.8.8.8',
    'https://[::1]',
    'https://[::ffff:127.0.0.1]',
    'https://[fd00::1]',
    'https://１２７.0.0.1',
    'https://intranet',
    'https://db.internal',
    'https://printer.local',
    'https://op.example.com.',
    'http://localhost:3000',
    'http://127.0.0.1:3000',
  ])('%j is refused', (url) => expect(validateIssuerUrl(url, 'example.com')).toBeTypeOf('string'));
});

describe("on a developer's own machine", () => {
  test.each([
    'http://localhost:3000',
    'http://127.0.0.1:3000/op',
    'http://[::1]:3000',
    'https://localhost',
    'https://op.example.com',
  ])('%s is allowed', (url) => expect(validateIssuerUrl(url, 'localhost')).toBeUndefined());
  test.each([
    'http://op.example.com',
    'http://10.0.0.1',
    'http://128.0.0.1',
    'http://acme.localhost',
    'ftp://localhost',
    'http://localhost.evil.example',
  ])('%s is refused', (url) => expect(validateIssuerUrl(url, 'localhost')).toBeTypeOf('string'));
});
