import { describe, expect, it } from 'vitest';
import { NotBegunHeader, UnreachedHeader } from '../../../shared/contracts/inference.ts';
import { fail } from '../../../shared/core/failure.ts';
import { mintId } from '../../../shared/core/ids.ts';
import { err, ok } from '../../../shared/core/result.ts';
import type { BridgeAddress } from '../../../shared/inference/catalog.ts';
import { callBridge, callFirstBridge, lostRunOf } from '../../../shared/inference/inference-client.ts';
import type { Route } from '../../../shared/inference/resolve-route.ts';
import { lostRunReleaseAt } from '../../../shared/inference/reservation.ts';

const address = (): BridgeAddress => ({ id: mintId('bridge', 1), transport: 'tunnel', url: '' });
const model = { id: 'a' } as Route['model'];
const route = { bridge: address(), others: [address(), address()], model, node: null };
const notBegun = err('node_unavailable', undefined, { notBegun: true });
const unreached = err('node_unavailable', undefined, { unreached: true });

describe('a job with several bridges to go to', () => {
  it('goes on to the next only from one that has certainly not begun it', async () => {
    const asked: string[] = [];
    const answer = await callFirstBridge(route, async ({ id }) => {
      asked.push(id);
      return asked.length < 3 ? notBegun : ok(new Response('done'));
    });
    expect(answer.ok).toBe(true);
    expect(asked).toEqual([route.bridge, ...route.others].map(({ id }) => id));
  });

  it('goes to a bridge that has come since, and to none twice, before it is refused', async () => {
    const come = address();
    const renewed = { ...route, bridge: come, others: [route.bridge, ...route.others] };
    const asked: string[] = [];
    const call = async ({ id }: BridgeAddress) => {
      asked.push(id);
      return id === come.id ? ok(new Response('done')) : notBegun;
    };
    expect((await callFirstBridge(route, call, async () => ok(renewed))).ok).toBe(true);
    expect(asked).toEqual([...[route.bridge, ...route.others].map(({ id }) => id), come.id]);
  });

  it.each([
    ['another model', ok({ ...route, bridge: address(), model: { ...model, id: 'b' } })],
    ['another node', ok({ ...route, bridge: address(), node: 'gpu-2' })],
    ['nobody new', ok(route)],
    ['an outage', err('service_unavailable')],
  ])('is refused as it was where the route found anew is %s', async (_, renewed) => {
    let asked = 0;
    const answer = await callFirstBridge(
      route,
      async () => (asked++, notBegun),
      async () => renewed,
    );
    expect([asked, answer]).toEqual([3, notBegun]);
  });

  it.each([unreached, err('upstream_cut'), err('service_unavailable'), ok(new Response('x'))])(
    'is never sent twice when it may have been begun',
    async (first) => {
      let asked = 0;
      const answer = await callFirstBridge(
        route,
        async () => (asked++, first),
        async () => ok({ ...route, bridge: address() }),
      );
      expect([asked, answer]).toEqual([1, first]);
    },
  );

  it('is released at once where nobody has begun it, later where nobody knows, by its receipt otherwise', () => {
    expect(lostRunOf(fail('node_unavailable', undefined, { notBegun: true }), 5, 1_000)).toBe(5);
    expect(lostRunOf(fail('node_unavailable', undefined, { unreached: true }), 5, 1_000)).toBe(
      lostRunReleaseAt(5, 1_000),
    );
    expect(lostRunOf(fail('upstream_cut'), 5, 1_000)).toBeUndefined();
  });
});

describe('what a bridge answers', () => {
  const call = (response: Response) =>
    callBridge({
      fetch: async () => response,
      operation: 'chat',
      jobToken: 't',
      body: '{}',
      requestId: 'r',
      traceparent: 'p',
    });
  const refusal = (headers: Record<string, string>) =>
    Response.json(
      { error: { message: 'no', type: 'server_error', param: null, code: 'service_unavailable' } },
      { status: 503, headers },
    );

  it('tells a job that was handed back from one that is lost, and both from a refusal', async () => {
    expect(await call(refusal({ [NotBegunHeader]: '1' }))).toMatchObject({ failure: { notBegun: true } });
    expect(await call(refusal({ [UnreachedHeader]: '1' }))).toMatchObject({ failure: { unreached: true } });
    const plain = await call(refusal({}));
    expect(plain).toMatchObject({ ok: false, failure: { code: 'service_unavailable' } });
    if (!plain.ok) expect([plain.failure.notBegun, plain.failure.unreached]).toEqual([undefined, undefined]);
  });
});
