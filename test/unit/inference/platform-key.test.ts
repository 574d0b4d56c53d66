import { generateKeyPairSync } from 'node:crypto';
import { createLocalJWKSet, decodeProtectedHeader, jwtVerify, SignJWT, importJWK, type JWK } from 'jose';
import { describe, expect, it } from 'vitest';
import { jobClaims, JobIssuer, TokenTypes } from '../../../shared/contracts/inference.ts';
import { VisitorTokenType } from '../../../shared/contracts/sessions.ts';
import { mintId } from '../../../shared/core/ids.ts';
import { PlatformKey, VisitorSessionMs, type Job } from '../../../shared/inference/platform-key.ts';

const Now = 1_800_000_000_000;
const jwk = { ...generateKeyPairSync('ed25519').privateKey.export({ format: 'jwk' }), kid: 'k1' } as JWK;
const key = await PlatformKey.parse(JSON.stringify(jwk));
const tenant = mintId('tenant', Now);
const visitor = { visitorId: mintId('visitor', Now), agentId: mintId('agent', Now) };
const job: Job = {
  run: mintId('run', Now),
  bridge: mintId('bridge', Now),
  tenant,
  operation: 'chat',
  model: 'tiny',
  maxOutputTokens: 5,
  allowExternal: false,
  timeoutMs: 1_000,
  ticket: 'ticket',
};

describe('a job token', () => {
  it('is a JWT that jose verifies with the published key, with every claim of the contract', async () => {
    const token = await key.signJob(job, Now);
    const { payload } = await jwtVerify(token, createLocalJWKSet({ keys: [...key.publicJwks] }), {
      algorithms: ['EdDSA'],
      typ: TokenTypes.job,
      issuer: JobIssuer,
      audience: job.bridge,
      currentDate: new Date(Now),
    });
    expect(jobClaims.parse(payload)).toMatchObject({ jti: job.run, tenant, model: 'tiny', max_output_tokens: 5 });
    expect(decodeProtectedHeader(token)).toEqual({ alg: 'EdDSA', typ: TokenTypes.job, kid: 'k1' });
  });

  it('for a bridge that holds its job key is authenticated by that, and signed for one that holds none or an old one', async () => {
    const given = key.jobKeyOf(job.bridge);
    const token = await key.signJob({ ...job, jobKey: given.kid }, Now);
    expect(decodeProtectedHeader(token)).toEqual({ alg: 'HS256', typ: TokenTypes.job, kid: given.kid });
    const { payload } = await jwtVerify(token, Buffer.from(given.k, 'base64url'), { currentDate: new Date(Now) });
    expect(jobClaims.parse(payload)).toMatchObject({ jti: job.run, aud: job.bridge, ticket: 'ticket' });
    const another = key.jobKeyOf(mintId('bridge', Now + 1));
    expect([another.kid === given.kid, another.k === given.k]).toEqual([false, false]);
    for (const jobKey of [undefined, another.kid]) {
      expect(decodeProtectedHeader(await key.signJob({ ...job, jobKey }, Now)).alg).toBe('EdDSA');
    }
  });

  it('never carries the private key', () => {
    expect(JSON.stringify(key.publicJwks)).not.toContain(jwk.d!);
  });
});

describe("a visitor's session", () => {
  it('names its visitor and agent to its own tenant', async () => {
    expect(await key.verifyVisitor(await key.signVisitor(tenant, visitor, Now), tenant, Now)).toMatchObject(visitor);
  });

  it('is refused by another tenant, after its time, before its time, and altered', async () => {
    const token = await key.signVisitor(tenant, visitor, Now);
    expect(await key.verifyVisitor(token, mintId('tenant', Now), Now)).toBeUndefined();
    expect(await key.verifyVisitor(token, tenant, Now + VisitorSessionMs + 6_000)).toBeUndefined();
    expect(await key.verifyVisitor(token, tenant, Now - 60_000)).toBeUndefined();
    const [signed, signature] = [token.slice(0, -10), token.slice(-10)];
    const altered = [...signature].map((letter) => (letter === 'A' ? 'B' : 'A')).join('');
    expect(await key.verifyVisitor(`${signed}${altered}`, tenant, Now)).toBeUndefined();
  });

  it('cannot be replaced by a job token, or by a token of another key', async () => {
    expect(
      await key.verifyVisitor(await key.signJob({ ...job, bridge: tenant as never }, Now), tenant, Now),
    ).toBeUndefined();
    const other = await importJWK(generateKeyPairSync('ed25519').privateKey.export({ format: 'jwk' }) as JWK, 'EdDSA');
    const forged = await new SignJWT({ agent: visitor.agentId })
      .setProtectedHeader({ alg: 'EdDSA', typ: VisitorTokenType, kid: 'k1' })
      .setIssuer(JobIssuer)
      .setAudience(tenant)
      .setSubject(visitor.visitorId)
      .setIssuedAt(Now / 1000)
      .setExpirationTime(Now / 1000 + 60)
      .sign(other);
    expect(await key.verifyVisitor(forged, tenant, Now)).toBeUndefined();
  });
});

it('a platform key that is none is refused with what it should be', async () => {
  await expect(PlatformKey.parse('{"kty":"oct","k":"AA"}')).rejects.toThrow('private Ed25519 JWK');
});
