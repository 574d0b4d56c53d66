/**
 * `node scripts/verify-certificate.ts certificate.jwt --keys jwks.json`: verifies the certificate of a deletion without
 * any platform. The keys are those that the platform published (GET /.well-known/jwks.json), noted at the time. Exit
 * code 0: it is the platform's word, unchanged; what it says is printed. 1: it is not. 2: a file is missing.
 */
import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { compactVerify, createLocalJWKSet, decodeProtectedHeader, type JSONWebKeySet } from 'jose';
import { CertificateType, deletionCertificate, type DeletionCertificate } from '../shared/contracts/deletions.ts';

/** Throws where the certificate is not of one of these keys, or not a certificate. */
export async function verifyCertificate(signed: string, keys: JSONWebKeySet): Promise<DeletionCertificate> {
  if (decodeProtectedHeader(signed).typ !== CertificateType) throw new Error('this is no certificate of a deletion');
  const { payload } = await compactVerify(signed, createLocalJWKSet(keys), { algorithms: ['EdDSA'] });
  return deletionCertificate.parse(JSON.parse(new TextDecoder().decode(payload)));
}

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({ options: { keys: { type: 'string' } }, allowPositionals: true });
  const [file] = positionals;
  if (file === undefined || values.keys === undefined) {
    console.error('usage: node scripts/verify-certificate.ts certificate.jwt --keys jwks.json');
    return 2;
  }
  try {
    const keys = JSON.parse(readFileSync(values.keys, 'utf8')) as JSONWebKeySet;
    const certificate = await verifyCertificate(readFileSync(file, 'utf8').trim(), keys);
    console.log(JSON.stringify(certificate, null, 2));
    return 0;
  } catch (error) {
    console.error(`${file}: ${error instanceof Error ? error.message : String(error)}`);
    return error instanceof Error && 'code' in error && error.code === 'ENOENT' ? 2 : 1;
  }
}

if (import.meta.main) process.exitCode = await main();
