/** Every hop is judged before it is made, time and size are bounded, and what went wrong has a name. (O-2) */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { Allowlist } from '../../../shared/egress/allowlist.ts';
import { Egress, type EgressLimits } from '../../../shared/egress/egress.ts';
import { EgressTarget } from '../../support/egress-target.ts';
import { loopbackSpellings } from '../../support/forbidden-urls.ts';

const limits: EgressLimits = { timeoutMs: 20_000, maxBytes: 1_000 };
const following: EgressLimits = { ...limits, maxRedirects: 5 };
let target: EgressTarget;
let inside: EgressTarget;
/** May reach 127.0.0.1 by its address, and nothing else on loopback. */
let egress: Egress;

beforeAll(async () => {
  [target, inside] = [await EgressTarget.start(), await EgressTarget.start('127.0.0.2')];
  const allowlist = Allowlist.parse('127.0.0.1');
  egress = new Egress(allowlist.ok ? allowlist.value : Allowlist.none);
});
afterAll(() => Promise.all([target.stop(), inside.stop()]));
beforeEach(() => {
  target.seen.length = 0;
  inside.seen.length = 0;
});

const text = (body: Uint8Array) => new TextDecoder().decode(body);

describe('an answer', () => {
  test('comes with status, headers and body, whatever its status', async () => {
    const answered = await egress.fetch(
      { url: `${target.url}/x?status=500`, method: 'POST', headers: { a: 'b' }, body: 'sent' },
      limits,
    );
    if (!answered.ok) throw new Error(answered.failure.reason);
    expect([answered.value.status, text(answered.value.body), answered.value.truncated]).toEqual([
      500,
      'reached',
      false,
    ]);
    expect(target.seen).toMatchObject([{ method: 'POST', body: 'sent', headers: { a: 'b' } }]);
  });

  test('of exactly the allowed size is whole', async () => {
    expect(await egress.fetch({ url: `${target.url}/bytes?n=1000` }, limits)).toMatchObject({
      ok: true,
      value: { truncated: false },
    });
  });

  test.each(['/bytes?n=1001', '/endless'])('that is larger (%s) is a failure, or is cut where asked', async (path) => {
    expect(await egress.fetch({ url: target.url + path }, limits)).toMatchObject({
      ok: false,
      fault: 'too_large',
      status: 200,
    });
    const cut = await egress.fetch({ url: target.url + path }, { ...limits, excess: 'truncate' });
    expect(cut).toMatchObject({ ok: true, value: { truncated: true } });
    expect(cut.ok && cut.value.body.byteLength).toBe(1_000);
  });

  test.each([
    ['/hang', 'timeout', undefined],
    ['/slow-body', 'timeout', 200],
    ['/endless', 'timeout', 200],
    ['/reset', 'lost', undefined],
    ['/cut', 'cut', 200],
  ] as const)('of %s is the fault "%s"', async (path, fault, status) => {
    const timeoutMs = fault === 'timeout' ? 200 : 20_000;
    const answered = await egress.fetch({ url: target.url + path }, { timeoutMs, maxBytes: Number.MAX_SAFE_INTEGER });
    expect(answered).toMatchObject({ ok: false, fault, failure: { code: 'service_unavailable' } });
    expect(answered.ok || answered.status).toBe(status);
  });

  test('that is no longer wanted is "aborted"', async () => {
    const signal = AbortSignal.abort();
    expect(await egress.fetch({ url: `${target.url}/hang` }, { ...limits, signal })).toMatchObject({
      fault: 'aborted',
    });
  });
});

describe('without leave to follow, a redirect is the answer', () => {
  test.each([301, 302, 303, 307, 308])('%s', async (status) => {
    const url = `${target.url}/${status}?to=${encodeURIComponent(`${target.url}/reached`)}`;
    expect(await egress.fetch({ url }, limits)).toMatchObject({ ok: true, value: { status } });
    expect(target.seen).toHaveLength(1);
  });
});

describe('a redirect to a forbidden place is refused, and nothing arrives', () => {
  const places = (port: number) => [
    `http://127.0.0.2:${port}/`,
    `https://127.0.0.2:${port}/`,
    `//127.0.0.2:${port}/`,
    ...loopbackSpellings(port).filter((url) => new URL(url).hostname !== '127.0.0.1'),
    'file:///etc/passwd',
    'data:text/plain,inside',
    'ftp://127.0.0.1/',
    'http://169.254.169.254/latest/meta-data',
    'http://user@127.0.0.1/',
    'http://[',
  ];
  test.each([301, 302, 303, 307, 308])('%s', async (status) => {
    for (const place of places(inside.port)) {
      const url = `${target.url}/${status}?to=${encodeURIComponent(place)}`;
      for (const body of [{}, { method: 'POST', body: 'b' }])
        expect([place, await egress.fetch({ url, ...body }, following)]).toMatchObject([
          place,
          { ok: false, fault: 'refused', failure: { code: 'invalid_request' } },
        ]);
    }
    expect(inside.seen).toEqual([]);
    expect(target.seen.filter((seen) => !seen.url.startsWith(`/${status}`))).toEqual([]);
  });

  test('at the end of a chain', async () => {
    let url = `http://127.0.0.2:${inside.port}/`;
    for (let hop = 0; hop < 4; hop++) url = `${target.url}/302?to=${encodeURIComponent(url)}`;
    expect(await egress.fetch({ url }, following)).toMatchObject({ fault: 'refused' });
    expect([target.seen.length, inside.seen.length]).toEqual([4, 0]);
  });

  test.each([20, 21])('at the end of a chain of %i, whether so many are followed or not', async (hops) => {
    let url = `http://127.0.0.2:${inside.port}/`;
    // Only what comes after the hop is in its address: the whole chain would be too long a one.
    const chain = new Map<string, string>();
    for (let hop = 0; hop < hops; hop++) {
      const here = `${target.url}/302?to=next-${hop}`;
      chain.set(new URL(here).href, url);
      url = here;
    }
    const asked: string[] = [];
    const service = {
      fetch: async (at: string) => {
        asked.push(at);
        return new Response(null, { status: 302, headers: { location: chain.get(at)! } });
      },
    } as unknown as Fetcher;
    const allowlist = Allowlist.parse('127.0.0.1');
    const followed = new Egress(allowlist.ok ? allowlist.value : Allowlist.none, { public: service });
    const answered = await followed.fetch({ url }, { ...limits, maxRedirects: 20 });
    expect(answered).toMatchObject({ ok: false, fault: hops === 20 ? 'refused' : 'too_many_redirects' });
    expect(asked).toHaveLength(Math.min(hops, 21));
    expect(asked.some((at) => at.includes('127.0.0.2'))).toBe(false);
  });

  test.each([
    ['from https to http', ['https://a.example.com/', 'http://a.example.com/'], 1],
    ['from http to https and back', ['http://127.0.0.1/', 'https://a.example.com/', 'http://a.example.com/'], 2],
    ['from https to an inside address by http', ['https://a.example.com/', 'http://127.0.0.2/'], 1],
  ])('%s', async (_, hops, made) => {
    const asked: string[] = [];
    const service = {
      fetch: async (at: string) => {
        const next = hops[asked.push(at)];
        return next === undefined
          ? new Response('reached')
          : new Response(null, { status: 307, headers: { location: next } });
      },
    } as unknown as Fetcher;
    const allowlist = Allowlist.parse('127.0.0.1');
    const followed = new Egress(allowlist.ok ? allowlist.value : Allowlist.none, { public: service });
    expect(await followed.fetch({ url: hops[0]! }, following)).toMatchObject({ ok: false, fault: 'refused' });
    expect(asked).toEqual(hops.slice(0, made));
  });

  test('and the same places are reached where the operator lists them', async () => {
    const allowlist = Allowlist.parse('127.0.0.0/8');
    const permissive = new Egress(allowlist.ok ? allowlist.value : Allowlist.none);
    const url = `${target.url}/302?to=${encodeURIComponent(`http://127.0.0.2:${inside.port}/`)}`;
    expect(await permissive.fetch({ url }, following)).toMatchObject({ ok: true, value: { status: 200 } });
    expect(inside.seen).toHaveLength(1);
  });
});

describe('a redirect that is followed', () => {
  const to = (status: number, place: string) => `${target.url}/${status}?to=${encodeURIComponent(place)}`;
  const post = { method: 'POST', body: 'b', headers: { authorization: 'x', 'content-type': 'text/plain' } };

  test.each([
    [301, 'GET', ''],
    [302, 'GET', ''],
    [303, 'GET', ''],
    [307, 'POST', 'b'],
    [308, 'POST', 'b'],
  ] as const)('by %s goes on as %s', async (status, method, body) => {
    await egress.fetch({ url: to(status, '/there'), ...post }, following);
    expect(target.seen[1]).toMatchObject({ method, body, url: '/there', headers: { authorization: 'x' } });
    expect('content-type' in target.seen[1]!.headers).toBe(body !== '');
  });

  test('to another origin takes no credential along', async () => {
    const other = await EgressTarget.start();
    try {
      await egress.fetch({ url: to(307, `${other.url}/there`), ...post }, following);
      expect(other.seen).toMatchObject([{ method: 'POST', body: 'b' }]);
      expect(other.seen[0]!.headers).not.toHaveProperty('authorization');
      expect(other.seen[0]!.headers).toHaveProperty('content-type');
    } finally {
      await other.stop();
    }
  });

  test('is followed no further than allowed', async () => {
    expect(await egress.fetch({ url: `${target.url}/loop` }, following)).toMatchObject({ fault: 'too_many_redirects' });
    expect(target.seen).toHaveLength(6);
  });
});

describe('an URL that is refused', () => {
  test('is not asked, in whichever spelling', async () => {
    const none = new Egress(Allowlist.none);
    for (const url of loopbackSpellings(target.port))
      expect([url, await none.fetch({ url }, limits)]).toMatchObject([url, { fault: 'refused' }]);
    expect(target.seen).toEqual([]);
  });
});
