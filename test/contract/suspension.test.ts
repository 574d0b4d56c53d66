/** A suspension, and the revocation of a key, end what is open within a second: streams of models and of agents. (I-7) */
import { request } from 'undici';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { AgentModel, PlainModel, startPlatformWithNode, type PlatformWithNode } from '../support/platform-with-node.ts';
import type { CreatedTenant } from '../support/running-platform.ts';
import { waitUntil } from '../support/wait-until.ts';

/** With the time that a busy machine takes to carry it out; the question is asked every 0.7 s. */
const BoundMs = 2_000;
const Trials = 200;
const AtOnce = 20;
let run: PlatformWithNode;

beforeAll(async () => {
  run = await startPlatformWithNode({
    script: { paceMs: 50, words: Array.from({ length: 4_000 }, () => 'on'), ignoreLimit: true },
  });
});
afterAll(() => run.stop());

type Open = { readonly first: Promise<void>; readonly ended: Promise<{ at: number; text: string }> };

async function openStream(tenant: CreatedTenant, key: string, at: number): Promise<Open> {
  const model = at % 2 === 0 ? PlainModel : AgentModel;
  const answer = await request(`http://127.0.0.1:${run.platform.port}/v1/chat/completions`, {
    method: 'POST',
    headers: {
      host: `${tenant.slug}.localhost:${run.platform.port}`,
      authorization: `Bearer ${key}`,
      'content-type': 'application/json',
    },
    body: JSON.stringify({ model, stream: true, messages: [{ role: 'user', content: 'go on' }] }),
  });
  expect(answer.statusCode).toBe(200);
  let begin = () => {};
  const first = new Promise<void>((resolve) => (begin = resolve));
  const ended = (async () => {
    let text = '';
    try {
      for await (const part of answer.body) {
        text += String(part);
        begin();
      }
    } catch {
      text += ' (broken off)';
    }
    return { at: Date.now(), text };
  })();
  return { first, ended };
}

const isCut = (text: string) => !text.includes('[DONE]');

test('200 open streams of suspended tenants end within the bound, and none looks whole', async () => {
  const delays: number[] = [];
  const { operator } = run.platform;
  for (let at = 0; at < Trials; at += AtOnce) {
    const open = await Promise.all(Array.from({ length: AtOnce }, (_, n) => openStream(run.tenant, run.tenant.key, n)));
    await Promise.all(open.map(({ first }) => first));
    await operator.require('POST', `/operator/v1/tenants/${run.tenant.id}/suspend`, {});
    const acknowledged = Date.now();
    for (const { at: end, text } of await Promise.all(open.map(({ ended }) => ended))) {
      delays.push(end - acknowledged);
      expect(isCut(text), text.slice(-300)).toBe(true);
    }
    await operator.require('POST', `/operator/v1/tenants/${run.tenant.id}/reactivate`, {});
  }
  expect(delays).toHaveLength(Trials);
  const sorted = delays.sort((a, b) => a - b);
  console.log(`suspension: ${Trials} streams, median ${sorted[Trials / 2]} ms, longest ${sorted.at(-1)} ms`);
  expect(sorted.at(-1)).toBeLessThan(BoundMs);
});

test('what runs for a suspended tenant is stopped at its node', async () => {
  await waitUntil('no job at the bridge', async () => {
    const answer = await request(`${run.platform.bridge.url}/healthz`);
    return ((await answer.body.json()) as { running: number }).running === 0;
  });
});

test('the streams of a revoked key end as well, and those of another key go on', async () => {
  const client = run.platform.client(run.tenant);
  const made = await client.require<{ id: string; secret: string }>('POST', '/v1/keys', { name: 'k' });
  const revoked = await Promise.all([0, 1].map((at) => openStream(run.tenant, made.secret, at)));
  const other = await openStream(run.tenant, run.tenant.key, 0);
  await Promise.all([...revoked, other].map(({ first }) => first));
  await client.require('POST', `/v1/keys/${made.id}/revoke`, {});
  for (const { text } of await Promise.all(revoked.map(({ ended }) => ended))) expect(isCut(text)).toBe(true);
  const still = await Promise.race([other.ended.then(() => 'over'), Promise.resolve('open')]);
  expect(still).toBe('open');
  await run.platform.operator.require('POST', `/operator/v1/tenants/${run.tenant.id}/suspend`, {});
  expect((await other.ended).text).toContain('tenant_suspended');
});
