/** Signing in by a provider: what is asked of it, and which of its answers this tab believes to be its own. */
import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import type { SignInOption } from '../../../../shared/contracts/issuers.ts';
import { arrive, depart, type Exchange } from '../../../../workers/frontends/console/src/oidc.ts';

const Here = 'https://acme.example/console';
const option = (change: Partial<SignInOption> = {}): SignInOption => ({
  object: 'sign_in_option',
  issuer: 'https://id.example',
  client_id: 'console',
  audience: 'https://acme.example/api',
  authorization_endpoint: 'https://id.example/auth?tenant=7',
  token_endpoint: 'https://id.example/token',
  ...change,
});
const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
const jwt = (claims: object) => `${part({ alg: 'RS256' })}.${part(claims)}.c2ln`;

/** A sign-in that is good, but for what is given. */
async function signIn(
  change: {
    readonly option?: Partial<SignInOption>;
    readonly answer?: Readonly<Record<string, string | undefined>>;
    readonly identity?: object;
    readonly body?: object;
    readonly ok?: boolean;
    readonly isForgotten?: boolean;
  } = {},
) {
  const wanted = option(change.option);
  const { departure } = await depart(wanted, Here, '/console/agents');
  const given = { state: departure.state, code: 'the-code', iss: wanted.issuer, ...change.answer };
  const answer = new URLSearchParams(
    Object.entries(given).filter((entry): entry is [string, string] => entry[1] !== undefined),
  );
  const sent: { url: string; form: Record<string, string> }[] = [];
  const times = { iat: 1000, exp: 1600 };
  const identity = { iss: wanted.issuer, aud: wanted.client_id, nonce: departure.nonce, ...times, ...change.identity };
  const tokens = { id_token: jwt(identity), access_token: jwt({ aud: [wanted.audience], ...times }) };
  const exchange: Exchange = (url, form) => {
    sent.push({ url, form: Object.fromEntries(form) });
    return Promise.resolve({ ok: change.ok ?? true, body: { ...tokens, ...change.body } });
  };
  const token = arrive(answer, change.isForgotten ? undefined : departure, Here, exchange);
  return { token, tokens, sent, departure };
}

describe('what the provider is asked', () => {
  test('is a code for this client, bound to this tab by state, nonce and the hash of a secret', async () => {
    const { departure, url } = await depart(option(), Here, '/console');
    const { origin, pathname, searchParams } = new URL(url);
    expect(origin + pathname).toBe('https://id.example/auth');
    expect(Object.fromEntries(searchParams)).toEqual({
      tenant: '7',
      response_type: 'code',
      client_id: 'console',
      redirect_uri: Here,
      scope: 'openid email profile',
      state: departure.state,
      nonce: departure.nonce,
      code_challenge: createHash('sha256').update(departure.verifier).digest('base64url'),
      code_challenge_method: 'S256',
      resource: 'https://acme.example/api',
    });
    expect(new Set([departure.state, departure.nonce, departure.verifier]).size).toBe(3);
    expect(departure.verifier).toHaveLength(43);
  });

  test.for(['console', 'freehold'])('names no resource for the audience %s, which is none', async (audience) => {
    const { url } = await depart(option({ audience }), Here, '/console');
    expect(new URL(url).searchParams.has('resource')).toBe(false);
  });
});

describe('the token of a sign-in', () => {
  test('is the access token for the audience, for as long as it lives', async () => {
    const { token, tokens, sent, departure } = await signIn();
    expect(await token).toEqual({ credential: tokens.access_token, lifetimeMs: 600_000 });
    expect(sent).toEqual([
      {
        url: 'https://id.example/token',
        form: {
          grant_type: 'authorization_code',
          code: 'the-code',
          redirect_uri: Here,
          client_id: 'console',
          code_verifier: departure.verifier,
          resource: 'https://acme.example/api',
        },
      },
    ]);
  });

  test('is the ID token where the client itself is the audience', async () => {
    const { token, tokens } = await signIn({ option: { audience: 'console' }, body: { access_token: 'opaque' } });
    expect(await token).toMatchObject({ credential: tokens.id_token });
  });

  test.for([
    ['another state', { answer: { state: 'forged' } }, /not begun in this tab/],
    ['no state', { answer: { state: undefined } }, /not begun in this tab/],
    ['nothing asked before', { isForgotten: true }, /not begun in this tab/],
    ['the name of another provider', { answer: { iss: 'https://evil.example' } }, /Another identity provider/],
    ['a refusal', { answer: { code: undefined, error: 'access_denied' } }, /refused: access_denied/],
  ] as const)('with %s is none, and no code goes anywhere', async ([, change, words]) => {
    const { token, sent } = await signIn(change);
    await expect(token).rejects.toThrow(words);
    expect(sent).toEqual([]);
  });

  test.for([
    ['another nonce', { identity: { nonce: 'replayed' } }, /does not belong/],
    ['another issuer', { identity: { iss: 'https://evil.example' } }, /does not belong/],
    ['another client', { identity: { aud: ['someone-else'] } }, /does not belong/],
    ['no ID token', { body: { id_token: undefined } }, /does not belong/],
    ['an opaque access token', { body: { access_token: 'opaque' } }, /no token for the audience/],
    ['a code that is refused', { ok: false, body: { error_description: 'too old' } }, /refused: too old/],
  ] as const)('with %s is none', async ([, change, words]) => {
    const { token } = await signIn(change);
    await expect(token).rejects.toThrow(words);
  });
});
