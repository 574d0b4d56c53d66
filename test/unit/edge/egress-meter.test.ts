import { expect, test } from 'vitest';
import { mintId } from '../../../shared/core/ids.ts';
import { EgressMeter } from '../../../workers/edge/egress-meter.ts';

test('every byte is told once, a tenant at most once a minute, and under another id each time', () => {
  let now = 1_000_000;
  const meter = new EgressMeter({ now: () => now });
  const [a, b] = [mintId('tenant', 1), mintId('tenant', 2)];
  const told = { [a]: 0, [b]: 0 };
  const sent = { [a]: 0, [b]: 0 };
  const ids = new Set<string>();
  let readings = 0;
  for (let at = 0; at < 5_000; at++) {
    const tenant = at % 3 === 0 ? a : b;
    sent[tenant]! += at;
    const reading = meter.count(tenant, at);
    if (reading) {
      readings++;
      told[tenant]! += reading.quantity;
      ids.add(reading.id);
    }
    now += 100;
  }
  now += 60_000;
  for (const tenant of [a, b]) told[tenant]! += meter.count(tenant, 0)!.quantity;
  expect(told).toEqual(sent);
  expect(ids.size).toBe(readings);
  expect(readings).toBeLessThanOrEqual(2 * 9);
});

test('a clock that was set back holds nothing back', () => {
  let now = 1_000_000;
  const meter = new EgressMeter({ now: () => now });
  const tenant = mintId('tenant', 1);
  expect(meter.count(tenant, 5)).toBeUndefined();
  now = 1;
  expect(meter.count(tenant, 6)).toMatchObject({ quantity: 11 });
});
