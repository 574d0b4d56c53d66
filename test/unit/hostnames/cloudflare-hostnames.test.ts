/** Custom hostnames at Cloudflare, against a double of its documented API. */
import { describe, expect, test } from 'vitest';
import { CloudflareHostnames } from '../../../shared/hostnames/cloudflare-hostnames.ts';

type Made = { id: string; hostname: string; status: string; ssl: { status: string } };

function zone() {
  const made = new Map<string, Made>();
  const calls: string[] = [];
  let down = false;
  const answer = (result: unknown, status = 200) =>
    Response.json({ success: status < 300, result, errors: [] }, { status });
  const api = (async (input: string, init?: RequestInit) => {
    const url = new URL(input);
    calls.push(`${init?.method ?? 'GET'} ${url.pathname.slice('/client/v4'.length)}${url.search}`);
    expect(new Headers(init?.headers).get('authorization')).toBe('Bearer secret');
    if (down) return Response.json({ success: false, errors: [{ code: 10_000, message: 'busy' }] }, { status: 500 });
    const id = url.pathname.split('/custom_hostnames/')[1];
    if (init?.method === 'POST') {
      const { hostname } = JSON.parse(String(init.body)) as { hostname: string };
      const fresh = { id: `id-${made.size + 1}`, hostname, status: 'pending', ssl: { status: 'pending_validation' } };
      made.set(fresh.id, fresh);
      return answer(fresh, 201);
    }
    if (init?.method === 'DELETE') return made.delete(id!) ? Response.json({ id }) : answer(null, 404);
    if (id) return made.has(id) ? answer(made.get(id)) : answer(null, 404);
    return answer([...made.values()].filter(({ hostname }) => hostname === url.searchParams.get('hostname')));
  }) as typeof fetch;
  const provider = new CloudflareHostnames({ zone: 'z', token: 'secret', fetch: api });
  return { made, calls, provider, break: () => (down = true) };
}

describe('a hostname at Cloudflare', () => {
  test('is made once, however often it is asked for, and active when name and certificate are', async () => {
    const { made, provider, calls } = zone();
    const first = await provider.setUp('a.example.com', null);
    expect(first).toMatchObject({ ok: true, value: { state: 'pending', ref: 'id-1' } });
    await provider.setUp('a.example.com', null);
    await provider.setUp('a.example.com', 'id-1');
    expect(calls.filter((call) => call.startsWith('POST'))).toEqual(['POST /zones/z/custom_hostnames']);
    made.get('id-1')!.status = 'active';
    expect(await provider.setUp('a.example.com', 'id-1')).toMatchObject({ value: { state: 'pending' } });
    made.get('id-1')!.ssl.status = 'active';
    expect(await provider.setUp('a.example.com', 'id-1')).toMatchObject({ value: { state: 'active' } });
    made.get('id-1')!.status = 'blocked';
    expect(await provider.setUp('a.example.com', 'id-1')).toMatchObject({ value: { state: 'failed' } });
  });

  test('is removed, and what is not there any more is removed too', async () => {
    const { made, provider } = zone();
    await provider.setUp('a.example.com', null);
    expect(await provider.remove('a.example.com', 'id-1')).toMatchObject({ ok: true });
    expect(made.size).toBe(0);
    expect(await provider.remove('a.example.com', 'id-1')).toMatchObject({ ok: true });
  });

  test('is neither won nor lost by an outage, and the token is in no message', async () => {
    const { provider, break: fail } = zone();
    fail();
    const answer = await provider.setUp('a.example.com', null);
    expect(answer).toMatchObject({ ok: false, failure: { code: 'service_unavailable' } });
    expect(JSON.stringify(answer)).not.toContain('secret');
  });
});
