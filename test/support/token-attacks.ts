/**
 * The token attack set: one good token, and what attackers make of it. Every case differs from the good token in what
 * its name says and in nothing else, so it can only be refused for that. (S-1; ASVS 9.1.1-9.2.4, 10.3.1; RFC 8725)
 */
import { createHmac, createPublicKey, generateKeyPairSync } from 'node:crypto';
import { CompactSign, exportJWK, generateKeyPair, type CryptoKey, type JWK } from 'jose';
import type { Issuer } from '../../shared/contracts/issuers.ts';
import { mintId } from '../../shared/core/ids.ts';

export const Now = Date.parse('2026-10-01T12:00:00.000Z');
const seconds = Now / 1000;
const IssuerUrl = 'https://op.example.com';

export type Case = { readonly name: string; readonly token: string };
export type AttackSet = {
  readonly issuer: Issuer;
  readonly jwks: { readonly keys: readonly JWK[] };
  readonly good: readonly Case[];
  readonly refused: readonly Case[];
  /** Odd, but nothing that the issuer has not signed. */
  readonly accepted: readonly Case[];
  /** Refused as well, beyond the set. */
  readonly further: readonly Case[];
};

type Header = Record<string, unknown>;
type Signer = { readonly kid: string; readonly alg: string; readonly key: CryptoKey; readonly jwk: JWK };

const encode = (value: unknown) =>
  Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url');
const hmac = (algorithm: string, secret: string | Buffer, input: string) =>
  createHmac(algorithm, secret).update(input).digest('base64url');

async function makeSigner(alg: string, kid: string, publish: JWK = {}): Promise<Signer> {
  const { privateKey, publicKey } = await generateKeyPair(alg, { extractable: true });
  return { kid, alg, key: privateKey, jwk: { ...(await exportJWK(publicKey)), kid, use: 'sig', ...publish } };
}

/** node:crypto makes the short key that jose refuses to make. */
async function makeWeakSigner(): Promise<Signer> {
  const pair = generateKeyPairSync('rsa', { modulusLength: 1_024 });
  const pkcs8 = pair.privateKey.export({ type: 'pkcs8', format: 'der' });
  const key = await crypto.subtle.importKey(
    'pkcs8',
    new Uint8Array(pkcs8),
    { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' },
    false,
    ['sign'],
  );
  return {
    kid: 'weak',
    alg: 'RS256',
    key,
    jwk: { ...(pair.publicKey.export({ format: 'jwk' }) as JWK), kid: 'weak', use: 'sig' },
  };
}

/** Signs bytes that need not be a proper claims set; what jose would not sign goes by hand. */
async function signText({ alg, kid, key }: Signer, payload: string | Uint8Array, header: Header = {}): Promise<string> {
  const full = Object.fromEntries(
    Object.entries({ alg, kid, typ: 'JWT', ...header }).filter(([, value]) => value !== undefined),
  );
  const bytes = typeof payload === 'string' ? new TextEncoder().encode(payload) : payload;
  if (kid !== 'weak' && !('crit' in full) && !('b64' in full) && full['alg'] === alg) {
    return new CompactSign(bytes).setProtectedHeader(full as { alg: string }).sign(key);
  }
  const input = `${encode(full)}.${Buffer.from(bytes).toString('base64url')}`;
  const algorithm =
    alg === 'EdDSA' ? 'Ed25519' : alg === 'ES256' ? { name: 'ECDSA', hash: 'SHA-256' } : 'RSASSA-PKCS1-v1_5';
  return `${input}.${Buffer.from(await crypto.subtle.sign(algorithm, key, new TextEncoder().encode(input))).toString('base64url')}`;
}

export async function makeAttackSet(): Promise<AttackSet> {
  const [rs, es, ed, rotated, encryption, wrapping, attacker, exposed, weak] = await Promise.all([
    makeSigner('RS256', 'rs'),
    makeSigner('ES256', 'es'),
    makeSigner('EdDSA', 'ed'),
    makeSigner('RS256', 'old'),
    makeSigner('RS256', 'enc', { use: 'enc' }),
    makeSigner('RS256', 'ops', { key_ops: ['encrypt', 'wrapKey'] }),
    makeSigner('RS256', 'rs'),
    makeSigner('RS256', 'exposed'),
    makeWeakSigner(),
  ]);
  const ps: Signer = { ...(await makeSigner('PS256', 'ps')) };
  const exposedJwk = { ...exposed.jwk, d: (await exportJWK(exposed.key)).d! };
  const issuer: Issuer = {
    object: 'issuer',
    id: mintId('issuer', Now),
    issuer: IssuerUrl,
    audience: 'freehold',
    algorithms: ['RS256', 'ES256', 'EdDSA'],
    role_mappings: [{ claim: 'roles', value: 'staff', role: 'viewer' }],
    jwks_uri: null,
    client_id: null,
    authorization_endpoint: null,
    token_endpoint: null,
    created_at: '2026-01-01T00:00:00.000Z',
  };
  const jwks = {
    keys: [
      rs.jwk,
      es.jwk,
      ed.jwk,
      ps.jwk,
      encryption.jwk,
      wrapping.jwk,
      exposedJwk,
      weak.jwk,
      { kty: 'oct', k: encode('secret'), kid: 'oct' },
    ],
  };
  const base = {
    iss: IssuerUrl,
    aud: 'freehold',
    sub: 'someone',
    iat: seconds - 60,
    exp: seconds + 600,
    roles: ['staff'],
  };
  const claims = (change: Header) => JSON.stringify({ ...base, ...change });
  const sign = (change: Header = {}, header: Header = {}, signer = rs) => signText(signer, claims(change), header);
  const [goodRs, goodEs] = [await sign(), await sign({}, {}, es)];
  const [rsHead, rsBody, rsMark] = goodRs.split('.') as [string, string, string];
  const [esHead, esBody, esMark] = goodEs.split('.') as [string, string, string];
  const unsigned = (alg: string, signature = '') => `${encode({ alg, kid: 'rs', typ: 'JWT' })}.${rsBody}.${signature}`;
  const shared = (alg: string, secret: string | Buffer, kid = 'rs') => {
    const input = `${encode({ alg, kid, typ: 'JWT' })}.${rsBody}`;
    return `${input}.${hmac(`sha${alg.slice(2)}`, secret, input)}`;
  };
  const pem = createPublicKey({ key: rs.jwk as never, format: 'jwk' }).export({
    type: 'spki',
    format: 'pem',
  }) as string;
  const flipped = (text: string, at: number) => text.slice(0, at) + (text[at] === 'A' ? 'B' : 'A') + text.slice(at + 1);
  const der = (raw: Buffer) => {
    const integer = (bytes: Buffer) => Buffer.concat([Buffer.from([2, bytes.length + 1, 0]), bytes]);
    const body = Buffer.concat([integer(raw.subarray(0, 32)), integer(raw.subarray(32))]);
    return Buffer.concat([Buffer.from([0x30, body.length]), body]).toString('base64url');
  };
  const without = (name: string) => claims({ [name]: undefined });
  const forged = (header: Header) => sign({}, header, attacker);
  const list = async (cases: Readonly<Record<string, string | Promise<string>>>): Promise<Case[]> =>
    Promise.all(Object.entries(cases).map(async ([name, token]) => ({ name, token: await token })));

  const refused = await list({
    // No signature
    'alg none': unsigned('none'),
    'alg None': unsigned('None'),
    'alg NONE': unsigned('NONE'),
    'alg nOnE': unsigned('nOnE'),
    'alg none with the signature of a good token': unsigned('none', rsMark),
    // A public key as an HMAC secret
    'HS256 with the public key as PEM': shared('HS256', pem),
    'HS384 with the public key as PEM': shared('HS384', pem),
    'HS512 with the public key as PEM': shared('HS512', pem),
    'HS256 with the public key as JWK': shared('HS256', JSON.stringify(rs.jwk)),
    'HS256 with the modulus': shared('HS256', Buffer.from(rs.jwk.n!, 'base64url')),
    'HS256 with the Ed25519 public key': shared('HS256', Buffer.from(ed.jwk.x!, 'base64url'), 'ed'),
    // Key ids
    'kid that climbs to /dev/null': forged({ kid: '../../../../../../dev/null' }),
    'kid with SQL in it': forged({ kid: "x' UNION SELECT 'key' --" }),
    'kid that is a URL': forged({ kid: 'https://evil.example/jwks.json' }),
    'kid __proto__': forged({ kid: '__proto__' }),
    'kid constructor': forged({ kid: 'constructor' }),
    'kid with a NUL behind a good one': sign({}, { kid: 'rs\u0000' }),
    'kid of 20 KB': sign({}, { kid: 'k'.repeat(20_000) }),
    'kid in other case': sign({}, { kid: 'RS' }),
    'kid that is a list': sign({}, { kid: ['rs'] }),
    'kid missing': sign({}, { kid: undefined }),
    // Keys that come with the token
    'jku of the attacker': forged({ jku: 'https://evil.example/jwks.json' }),
    'x5u of the attacker': forged({ x5u: 'https://evil.example/chain.pem' }),
    'x5c of the attacker': forged({ x5c: [encode('a certificate')] }),
    'jwk of the attacker': forged({ jwk: attacker.jwk, kid: 'attacker' }),
    'jwk of the attacker under a good kid': forged({ jwk: { ...attacker.jwk, kid: 'rs' } }),
    // Keys that may not sign
    'key that was rotated out': sign({}, {}, rotated),
    'key for encryption by its use': sign({}, {}, encryption),
    'key for encryption by its operations': sign({}, {}, wrapping),
    'key that is published with its private part': sign({}, {}, exposed),
    'RSA key of 1024 bits': sign({}, {}, weak),
    'symmetric key of the set': shared('HS256', 'secret', 'oct'),
    'algorithm that the tenant did not register': sign({}, {}, ps),
    'algorithm of another key': sign({}, { alg: 'ES256' }),
    'key id of another algorithm': sign({}, { kid: 'es' }),
    "key of another tenant's issuer": sign({}, { kid: 'rs' }, attacker),
    // Signatures
    'r and s of zero': `${esHead}.${esBody}.${Buffer.alloc(64).toString('base64url')}`,
    'signature as DER': `${esHead}.${esBody}.${der(Buffer.from(esMark, 'base64url'))}`,
    'one bit of the signature turned': `${rsHead}.${rsBody}.${flipped(rsMark, 10)}`,
    'one bit of the claims turned': `${rsHead}.${flipped(rsBody, rsBody.length - 10)}.${rsMark}`,
    'signature empty': `${rsHead}.${rsBody}.`,
    'signature of another token': `${rsHead}.${rsBody}.${(await sign({ sub: 'another' })).split('.')[2]}`,
    // Extensions
    'crit with an unknown extension': sign({}, { crit: ['exp'] }),
    'crit empty': sign({}, { crit: [] }),
    'b64 false and crit': sign({}, { crit: ['b64'], b64: false }),
    'b64 false without crit': sign({}, { b64: false }),
    // Types
    'typ missing': sign({}, { typ: undefined }),
    "typ of a visitor's session": sign({}, { typ: 'freehold-visitor+jwt' }),
    'typ of a logout token': sign({}, { typ: 'logout+jwt' }),
    // Times
    'exp in the past': sign({ exp: seconds - 6 }),
    'exp missing': signText(rs, without('exp')),
    'exp as text': sign({ exp: String(seconds + 600) }),
    'exp in a century': sign({ exp: seconds + 3e9 }),
    'nbf in the future': sign({ nbf: seconds + 60 }),
    'iat in the future': sign({ iat: seconds + 60 }),
    'iat missing': signText(rs, without('iat')),
    'iat two days ago': sign({ iat: seconds - 172_800 }),
    // Issuers
    'iss missing': signText(rs, without('iss')),
    'iss that begins like the issuer': sign({ iss: `${IssuerUrl}.evil.example` }),
    'iss with a slash more': sign({ iss: `${IssuerUrl}/` }),
    'iss in a list': sign({ iss: [IssuerUrl] }),
    // Audiences
    'aud missing': signText(rs, without('aud')),
    'aud of another service': sign({ aud: 'another' }),
    'aud that begins like ours': sign({ aud: 'freehold-admin' }),
    'aud list without ours': sign({ aud: ['another', 'third'] }),
    // Subjects
    'sub missing': signText(rs, without('sub')),
    'sub empty': sign({ sub: '' }),
    'sub that is a number': sign({ sub: 7 }),
    // Forms
    'token of 1 MB': sign({ filler: 'x'.repeat(1_000_000) }),
    'JWE of five parts': `${encode({ alg: 'RSA-OAEP', enc: 'A256GCM', kid: 'rs' })}.${encode('key')}.${encode('iv')}.${rsBody}.${encode('tag')}`,
    'claims that are a list': signText(rs, JSON.stringify([base])),
  });
  const accepted = await list({
    'padding = behind the signature': `${goodRs}${'='.repeat((4 - (rsMark.length % 4)) % 4)}`,
    'claim twice, signed by the issuer': signText(
      rs,
      claims({}).replace('"sub":"someone"', '"sub":"first","sub":"someone"'),
    ),
    '__proto__ as a claim, signed by the issuer': signText(
      rs,
      claims({}).replace('{', '{"__proto__":{"polluted":true,"roles":["staff"]},'),
    ),
  });
  const further = await list({
    'HS256 with an empty secret': shared('HS256', ''),
    'kid empty': sign({}, { kid: '' }),
    'kid that is a number': sign({}, { kid: 7 }),
    'RS512 by the key of the issuer': `${encode({ alg: 'RS512', kid: 'rs', typ: 'JWT' })}.${rsBody}.${rsMark}`,
    'signature cut short': `${rsHead}.${rsBody}.${rsMark.slice(0, -8)}`,
    'typ that is a list': sign({}, { typ: ['JWT'] }),
    'nbf as text': sign({ nbf: 'now' }),
    'exp of infinity': signText(rs, claims({}).replace(/"exp":\d+/, '"exp":1e400')),
    'life of 25 hours': sign({ exp: seconds - 60 + 90_000 }),
    'iss in other case': sign({ iss: IssuerUrl.toUpperCase() }),
    'aud with ours as a member name': sign({ aud: { freehold: true } }),
    'sub of 300 characters': sign({ sub: 's'.repeat(300) }),
    'two parts': `${rsHead}.${rsBody}`,
    'four parts': `${goodRs}.`,
    'JSON serialisation': JSON.stringify({ protected: rsHead, payload: rsBody, signature: rsMark }),
    'claims that are no JSON': signText(rs, 'sub=someone'),
    'claims that are no UTF-8': signText(
      rs,
      Buffer.concat([Buffer.from('{"x":"'), Buffer.from([0xff]), Buffer.from(`",${claims({}).slice(1)}`)]),
    ),
    empty: '',
    'dots alone': '..',
  });
  const good = await list({
    RS256: goodRs,
    ES256: goodEs,
    EdDSA: sign({}, {}, ed),
    'at+jwt': sign({}, { typ: 'at+jwt' }),
    'aud list with ours': sign({ aud: ['another', 'freehold'] }),
  });
  return { issuer, jwks, good, refused, accepted, further };
}
