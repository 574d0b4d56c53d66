import { createHmac, createSecretKey, generateKeyPairSync, sign } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { AcceptedTokens } from '../../../gpu-bridge/accepted-tokens.ts';
import { createJobTokenVerifier } from '../../../gpu-bridge/job-token.ts';
import { JobIssuer, TokenTypes } from '../../../shared/contracts/inference.ts';
import { startWithFake } from '../../support/bridge-harness.ts';

const Bridge = 'brg_00000000000000000000000001';
const Now = 1_800_000_000;
const keys = generateKeyPairSync('ed25519');
const publicJwk = { ...keys.publicKey.export({ format: 'jwk' }), kid: 'k1' };

const claims = {
  iss: JobIssuer,
  aud: Bridge,
  jti: 'run_1',
  iat: Now,
  exp: Now + 60,
  tenant: 'tnt_1',
  operation: 'chat',
  model: 'tiny',
  max_output_tokens: 10,
  allow_external: false,
  timeout_ms: 1000,
  ticket: 'ticket',
};
const header = { alg: 'EdDSA', typ: TokenTypes.job, kid: 'k1' };

const jobSecret = Buffer.alloc(32, 7);
const jobKey = createSecretKey(jobSecret);
const jobKeys = { find: (kid: string | undefined) => (kid === 'job-1' ? jobKey : undefined) };

const encode = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
function mint(payload: object, protectedHeader: object = header): string {
  const input = `${encode(protectedHeader)}.${encode(payload)}`;
  return `${input}.${Buffer.from(sign(null, Buffer.from(input), keys.privateKey)).toString('base64url')}`;
}
function mintByJobKey(payload: object, members: object = {}, secret: Uint8Array = jobSecret): string {
  const input = `${encode({ alg: 'HS256', typ: TokenTypes.job, kid: 'job-1', ...members })}.${encode(payload)}`;
  return `${input}.${createHmac('sha256', secret).update(input).digest('base64url')}`;
}
function without(key: string): object {
  return Object.fromEntries(Object.entries(claims).filter(([name]) => name !== key));
}

const verifier = (accepted = new AcceptedTokens(), nowSeconds = Now) =>
  createJobTokenVerifier({
    platformKeys: { keys: [publicJwk] } as never,
    jobKeys,
    bridgeId: Bridge,
    clock: { now: () => nowSeconds * 1000 },
    accepted,
  });

describe('a job token', () => {
  it('of the platform, for this bridge, is accepted once and never again', async () => {
    const verify = verifier();
    expect(await verify(`Bearer ${mint(claims)}`)).toEqual({ ok: true, value: claims });
    expect(await verify(`Bearer ${mint(claims)}`)).toMatchObject({ ok: false, failure: { code: 'invalid_api_key' } });
    expect(await verify(`Bearer ${mint({ ...claims, iat: Now - 1 })}`)).toMatchObject({ ok: false });
  });

  it('authenticated by the key that the platform gave this bridge is accepted once, and by no other key or algorithm', async () => {
    const mac = (secret: Uint8Array | string, kid: string, alg = 'HS256') => {
      const input = `${encode({ alg, typ: TokenTypes.job, kid })}.${encode(claims)}`;
      return `Bearer ${input}.${createHmac('sha256', secret).update(input).digest('base64url')}`;
    };
    const verify = verifier();
    expect(await verify(mac(jobSecret, 'job-1'))).toEqual({ ok: true, value: claims });
    expect(await verify(mac(jobSecret, 'job-1'))).toMatchObject({ ok: false });
    for (const attack of [
      mac(Buffer.alloc(32, 8), 'job-1'),
      mac(jobSecret, 'job-2'),
      mac(jobSecret, 'k1'),
      mac(publicJwk.x!, 'k1'),
      mac(jobSecret, 'job-1', 'HS512'),
      mac(jobSecret, 'job-1', 'none'),
      `Bearer ${mint(claims, { ...header, kid: 'job-1' })}`,
    ]) {
      expect(await verifier()(attack)).toMatchObject({ ok: false, failure: { code: 'invalid_api_key' } });
    }
  });

  it('signed before the platform changed its key is accepted while both are published, each by its own', async () => {
    const next = generateKeyPairSync('ed25519');
    const published = [{ ...next.publicKey.export({ format: 'jwk' }), kid: 'k2' }, publicJwk];
    const verify = (keysNow: object[]) =>
      createJobTokenVerifier({
        platformKeys: { keys: keysNow } as never,
        jobKeys,
        bridgeId: Bridge,
        clock: { now: () => Now * 1000 },
        accepted: new AcceptedTokens(),
      });
    expect(await verify(published)(`Bearer ${mint(claims)}`)).toMatchObject({ ok: true });
    expect(await verify(published)(`Bearer ${mint(claims, { ...header, kid: 'k2' })}`)).toMatchObject({ ok: false });
    expect(await verify(published.slice(0, 1))(`Bearer ${mint(claims)}`)).toMatchObject({ ok: false });
  });

  it('by the job key is refused when a bit of it is altered, and when its code is cut short', async () => {
    const [head, body, mac] = mintByJobKey(claims).split('.') as [string, string, string];
    const more = encode({ ...claims, max_output_tokens: 1e6 });
    for (const token of [`${head}.${more}.${mac}`, `${head}.${body}.${mac.slice(0, 20)}`, `${head}.${body}.AAAA`]) {
      expect(await verifier()(`Bearer ${token}`)).toMatchObject({ ok: false, failure: { code: 'invalid_api_key' } });
    }
  });

  const parts = mint(claims).split('.') as [string, string, string];
  const hmac = (input: string, key: string) =>
    `${input}.${createHmac('sha256', key).update(input).digest('base64url')}`;
  const hs256Input = `${encode({ ...header, alg: 'HS256' })}.${parts[1]}`;
  const attacks: Record<string, string | undefined> = {
    'no header at all': undefined,
    'another scheme': `Basic ${mint(claims)}`,
    'an empty token': 'Bearer ',
    'alg none': `Bearer ${encode({ ...header, alg: 'none' })}.${parts[1]}.`,
    'alg none with the old signature': `Bearer ${encode({ ...header, alg: 'none' })}.${parts[1]}.${parts[2]}`,
    'HS256 with the public key as the secret': `Bearer ${hmac(hs256Input, publicJwk.x!)}`,
    'HS256 with the public key in PEM': `Bearer ${hmac(hs256Input, keys.publicKey.export({ format: 'pem', type: 'spki' }).toString())}`,
    'an altered payload': `Bearer ${parts[0]}.${encode({ ...claims, max_output_tokens: 1e6 })}.${parts[2]}`,
    'an altered header': `Bearer ${encode({ ...header, extra: 1 })}.${parts[1]}.${parts[2]}`,
    'no signature': `Bearer ${parts[0]}.${parts[1]}.`,
    'a key that the token brings along': `Bearer ${mint(claims, { ...header, kid: 'k2', jwk: publicJwk })}`,
  };
  for (const [name, authorization] of Object.entries(attacks)) {
    it(`with ${name} is refused, and the wire does not say why`, async () => {
      const answer = await verifier()(authorization);
      expect(answer).toMatchObject({ ok: false, failure: { code: 'invalid_api_key' } });
      if (!answer.ok) expect(answer.failure.message).toBe('The job token is missing or not valid for this bridge.');
    });
  }

  /** What no token may say, whichever way it is authenticated. */
  const refused: Record<string, readonly [payload: object, header?: object]> = {
    'another audience': [{ ...claims, aud: 'brg_00000000000000000000000002' }],
    'several audiences': [{ ...claims, aud: [Bridge, 'brg_00000000000000000000000002'] }],
    'no audience': [without('aud')],
    'another issuer': [{ ...claims, iss: 'acme' }],
    'the type of a receipt': [claims, { typ: TokenTypes.receipts }],
    'the type of an announcement': [claims, { typ: TokenTypes.announce }],
    'the general type': [claims, { typ: 'JWT' }],
    'no type': [claims, { typ: undefined }],
    'expired, beyond the tolerance': [{ ...claims, iat: Now - 121, exp: Now - 61 }],
    'no expiry': [without('exp')],
    'no time of issue': [without('iat')],
    'issued too long ago, though not expired': [{ ...claims, iat: Now - 361, exp: Now + 60 }],
    'issued in the future': [{ ...claims, iat: Now + 61, exp: Now + 120 }],
    'not valid yet': [{ ...claims, nbf: Now + 61 }],
    'no id': [without('jti')],
    'an unknown operation': [{ ...claims, operation: 'images' }],
    'a limit that is no whole number': [{ ...claims, max_output_tokens: 1.5 }],
    'a negative limit': [{ ...claims, max_output_tokens: -1 }],
    'an unknown critical header': [claims, { crit: ['x'], x: 1 }],
  };
  for (const [name, [payload, members]] of Object.entries(refused)) {
    it(`with ${name} is refused, by whichever key it is`, async () => {
      for (const token of [mint(payload, { ...header, ...members }), mintByJobKey(payload, members)]) {
        expect(await verifier()(`Bearer ${token}`)).toMatchObject({ ok: false, failure: { code: 'invalid_api_key' } });
      }
    });
  }

  it('signed by another Ed25519 key under the same key id is refused', async () => {
    const other = generateKeyPairSync('ed25519');
    const input = `${encode(header)}.${encode(claims)}`;
    const forged = `${input}.${Buffer.from(sign(null, Buffer.from(input), other.privateKey)).toString('base64url')}`;
    expect((await verifier()(`Bearer ${forged}`)).ok).toBe(false);
  });

  it('is still good five seconds after its expiry, for clocks that differ', async () => {
    expect((await verifier(undefined, Now + 64)(`Bearer ${mint(claims)}`)).ok).toBe(true);
    expect((await verifier(undefined, Now + 64)(`Bearer ${mintByJobKey(claims)}`)).ok).toBe(true);
  });
});

describe('the memory of used tokens', () => {
  it('forgets only what has expired, and refuses new tokens rather than forget a live one', () => {
    const accepted = new AcceptedTokens(3);
    const accept = (jti: string, exp: number, now: number) => accepted.accept(jti, exp, now * 1000);
    expect(['a', 'b', 'c'].map((jti) => accept(jti, 100, 50))).toEqual(['accepted', 'accepted', 'accepted']);
    expect(accept('d', 100, 60)).toBe('full');
    expect(accept('a', 100, 104)).toBe('replayed');
    expect(accept('d', 300, 200)).toBe('accepted');
    expect(accept('d', 300, 201)).toBe('replayed');
  });
});

describe('a request', () => {
  it('that its token was not made for is refused: no token, another operation, another model, a replay', async () => {
    const { harness, node } = await startWithFake({ models: ['tiny', 'large'] });
    const body = { model: 'tiny', messages: [{ role: 'user', content: 'x' }] };
    const send = async (path: string, sent: object, token?: string) => {
      const answer = await harness.post(path, sent, token);
      const { error } = JSON.parse(answer.text) as { error: { code: string; type: string; param: string | null } };
      return [answer.status, error.code, error.param];
    };
    expect(await send('/v1/chat/completions', body)).toEqual([401, 'invalid_api_key', null]);
    expect(await send('/v1/embeddings', { model: 'tiny', input: 'x' }, await harness.token())).toEqual([
      401,
      'invalid_api_key',
      null,
    ]);
    const large = { ...body, model: 'large' };
    expect(await send('/v1/chat/completions', large, await harness.token())).toEqual([400, 'invalid_request', 'model']);
    const token = await harness.token();
    expect((await harness.post('/v1/chat/completions', body, token)).status).toBe(200);
    expect(await send('/v1/chat/completions', body, token)).toEqual([401, 'invalid_api_key', null]);
    expect(node.requests).toHaveLength(1);
  });
});
