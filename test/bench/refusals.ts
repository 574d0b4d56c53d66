/**
 * How long a refusal takes, by what is wrong with the key: a report, no gate. `node test/bench/refusals.ts --samples N`.
 * Classes are interleaved, so that a busy machine slows all alike; the middle four fifths are compared. (S-6)
 */
import { parseArgs } from 'node:util';
import { mintApiKey } from '../../shared/core/api-key.ts';
import { mintId, systemRandom, type KeyId } from '../../shared/core/ids.ts';
import { startTestPlatform } from '../support/running-platform.ts';

const { values } = parseArgs({ options: { samples: { type: 'string', default: '5000' } } });
const samples = Number(values.samples);
const platform = await startTestPlatform();
try {
  const client = platform.client(await platform.createTenant('acme'));
  const make = () => client.require<{ id: KeyId; secret: string }>('POST', '/v1/keys', { name: 'k' });
  const [known, revoked] = [await make(), await make()];
  await client.require('POST', `/v1/keys/${revoked.id}/revoke`, {});
  const now = Date.now();
  const classes: Readonly<Record<string, () => string>> = {
    'wrong prefix': () => `xx${known.secret.slice(2)}`,
    'wrong secret': () => mintApiKey(known.id, systemRandom),
    'unknown id': () => mintApiKey(mintId('key', now), systemRandom),
    revoked: () => revoked.secret,
  };
  const took = new Map(Object.keys(classes).map((name) => [name, [] as number[]]));
  for (let at = 0; at < samples; at++) {
    for (const [name, token] of Object.entries(classes)) {
      const bearer = token();
      const begun = performance.now();
      const { status } = await platform.call('GET', 'acme.localhost', '/v1/agents', { token: bearer });
      took.get(name)!.push(performance.now() - begun);
      if (status !== 401) throw new Error(`${name}: ${status}`);
    }
  }
  const middle = new Map([...took].map(([name, times]) => [name, middleOf(times)]));
  const base = middle.get('unknown id')!;
  for (const [name, times] of middle) {
    const median = times[Math.floor(times.length / 2)]!;
    const difference = median - base[Math.floor(base.length / 2)]!;
    console.log(
      `${name.padEnd(14)} median ${median.toFixed(3)} ms, ${difference.toFixed(3)} ms from an unknown id, effect ${effect(times, base).toFixed(3)}`,
    );
  }
} finally {
  await platform.stop();
}

function middleOf(times: readonly number[]): number[] {
  const sorted = [...times].sort((a, b) => a - b);
  return sorted.slice(Math.floor(sorted.length * 0.1), Math.ceil(sorted.length * 0.9));
}

/** Rank-biserial correlation, by the Mann-Whitney U of two sorted samples: 0 where neither tends to be longer. */
function effect(a: readonly number[], b: readonly number[]): number {
  let below = 0;
  let wins = 0;
  for (const time of a) {
    while (below < b.length && b[below]! < time) below++;
    wins += below;
  }
  return (2 * wins) / (a.length * b.length) - 1;
}
