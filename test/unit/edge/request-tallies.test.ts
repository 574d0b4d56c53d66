import { expect, test } from 'vitest';
import { mintId } from '../../../shared/core/ids.ts';
import { GatherMs, RequestTallies, type CountedRequest } from '../../../workers/edge/request-tallies.ts';

const tenant = mintId('tenant', 1);

const request = (partial: Partial<CountedRequest> = {}): CountedRequest => ({
  kind: 'inference',
  agent: '',
  model: 'm',
  code: undefined,
  firstByteMs: 5,
  durationMs: 10,
  caller: 'key_1',
  ...partial,
});

test('a thousand requests within a second are one batch, which one of them brings', () => {
  const tallies = new RequestTallies();
  let brings = 0;
  for (let at = 0; at < 1_000; at++) {
    if (tallies.countRequest(tenant, request({ code: at % 10 === 0 ? 'node_unavailable' : undefined }), at)) brings++;
  }
  expect(brings).toBe(1);
  const batch = tallies.take(tenant)!;
  expect(batch).toMatchObject({ at: 0, callers: [['key_1', '']], series: [{ kind: 'inference', model: 'm' }] });
  expect(batch.series[0]!.tally).toMatchObject({ requests: 1_000, errors: { node_unavailable: 100 } });
  expect(tallies.take(tenant)).toBeUndefined();
});

test('a batch whose bringer was lost is brought by a later request, with everything in it', () => {
  const tallies = new RequestTallies();
  expect(tallies.countRequest(tenant, request(), 0)).toBe(true);
  expect(tallies.countRequest(tenant, request(), 2 * GatherMs)).toBe(false);
  expect(tallies.countRequest(tenant, request(), 3 * GatherMs)).toBe(true);
  expect(tallies.countRequest(tenant, request(), 3 * GatherMs + 1)).toBe(false);
  expect(tallies.take(tenant)!.series[0]!.tally.requests).toBe(4);
});

test('a stream is one request, whose duration counts when it has ended and whose break is an error', () => {
  const tallies = new RequestTallies();
  tallies.countRequest(tenant, request({ durationMs: undefined }), 0);
  tallies.countEnd(tenant, request(), 900, 'upstream_cut', 900);
  const { tally } = tallies.take(tenant)!.series[0]!;
  expect(tally).toMatchObject({ requests: 1, errors: { upstream_cut: 1 } });
  expect([tally.firstByte.sum, tally.duration.sum, tally.duration.count]).toEqual([5, 900, 1]);
});

test('tenants are counted apart', () => {
  const tallies = new RequestTallies();
  const other = mintId('tenant', 2);
  expect(tallies.countRequest(tenant, request(), 0)).toBe(true);
  expect(tallies.countRequest(other, request({ model: 'n' }), 0)).toBe(true);
  expect(tallies.take(tenant)!.series.map(({ model }) => model)).toEqual(['m']);
  expect(tallies.take(other)!.series.map(({ model }) => model)).toEqual(['n']);
});
