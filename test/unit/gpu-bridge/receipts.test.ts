import { fork } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { request } from 'undici';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { ConfigError } from '../../../gpu-bridge/config.ts';
import { Journal } from '../../../gpu-bridge/journal.ts';
import { mintId } from '../../../shared/core/ids.ts';
import { silentLogger } from '../../../shared/core/log.ts';
import { BridgePlatform } from '../../support/bridge-platform.ts';
import { makeTempDir, startFakeNode, startHarness, startWithFake } from '../../support/bridge-harness.ts';

async function startPlatform(): Promise<BridgePlatform> {
  const platform = await BridgePlatform.start();
  onTestFinished(() => platform.close());
  return platform;
}

describe('receipts', () => {
  it('are delivered again until the platform has settled them, and then no more', async () => {
    const { harness } = await startWithFake();
    let failures = 4;
    harness.platform.onReceipts = () => (failures-- > 0 ? 'fail' : 'settle');
    const { receipt } = await harness.chatAndReceipt();
    expect(harness.platform.arrived.map((each) => each.id)).toEqual(Array(5).fill(receipt.id));
    await harness.chatAndReceipt();
    expect(harness.platform.arrived.filter((each) => each.id === receipt.id)).toHaveLength(5);
  });

  it('whose acknowledgement was lost come again with the same id and content', async () => {
    const { harness } = await startWithFake();
    let losses = 2;
    harness.platform.onReceipts = () => (losses-- > 0 ? 'forget' : 'settle');
    await harness.chat();
    await harness.platform.waitFor(() => harness.platform.arrived.length === 3);
    expect(new Set(harness.platform.arrived.map((each) => JSON.stringify(each))).size).toBe(1);
    expect(harness.platform.settled.size).toBe(1);
  });

  it('that the platform refuses go to the dead letters and are not sent again', async () => {
    const { harness } = await startWithFake();
    harness.platform.onReceipts = () => 'refuse';
    await harness.chat();
    await harness.platform.waitFor(() => harness.platform.arrived.length === 1);
    harness.platform.onReceipts = () => 'settle';
    await harness.chatAndReceipt();
    expect(harness.platform.arrived).toHaveLength(2);
    const [line] = readFileSync(join(harness.dataDir, 'refused-receipts.ndjson'), 'utf8').split('\n');
    expect(JSON.parse(line!)).toMatchObject({
      reason: 'unknown run',
      receipt: { run: harness.platform.arrived[0]?.run },
    });
  });

  it('of one tenant never travel with those of another, and a tenant that fails delays no other', async () => {
    const { harness } = await startWithFake({}, { timings: { receiptBackoff: { baseMs: 20, capMs: 20 } } });
    let blocked = true;
    harness.platform.onReceipts = ([first]) => (blocked && first?.tenant === 'tnt_a' ? 'fail' : 'settle');
    await harness.chat({}, { tenant: 'tnt_a', jti: 'run_a' });
    await harness.chatAndReceipt({}, { tenant: 'tnt_b', jti: 'run_b' });
    expect([...harness.platform.settled.keys()]).toEqual(['run_b']);
    blocked = false;
    expect((await harness.platform.waitForReceipt('run_a')).tenant).toBe('tnt_a');
    for (const batch of harness.platform.batches) expect(batch.size).toBe(1);
  });

  it('are gathered while a delivery is under way', async () => {
    const { harness } = await startWithFake();
    const runs = Array.from({ length: 20 }, () => mintId('run', Date.now()));
    await Promise.all(runs.map((jti) => harness.chat({}, { jti })));
    await harness.platform.waitFor(() => harness.platform.settled.size === runs.length);
    expect(harness.platform.arrived).toHaveLength(runs.length);
    expect(harness.platform.batches.length).toBeLessThan(runs.length);
  });

  it('are in the journal before the last byte of the answer', async () => {
    const { harness } = await startWithFake();
    harness.platform.onReceipts = () => 'fail';
    for (const stream of [true, false]) {
      const { run } = await harness.chat({ stream });
      const lines = readFileSync(join(harness.dataDir, 'journal.ndjson'), 'utf8').split('\n').filter(Boolean);
      const records = lines.map((line) => JSON.parse(line) as { t: string; receipt?: { run: string } });
      expect(records.some((record) => record.t === 'receipt' && record.receipt?.run === run)).toBe(true);
    }
  });

  it('of a run that the process does not survive hold what was noted while it ran', async () => {
    const { harness } = await startWithFake(
      { fault: { at: 3, how: 'stall' } },
      { timings: { progressEveryMs: 2, drainMs: 10 } },
    );
    const sent = harness.chat({ stream: true }, { jti: 'run_noted' });
    const read = () => readFileSync(join(harness.dataDir, 'journal.ndjson'), 'utf8');
    await vi.waitFor(() => expect(read()).toContain('"output_tokens":3'), { interval: 2 });
    // What a killed process would leave behind.
    const path = join(makeTempDir(), 'journal.ndjson');
    writeFileSync(path, read());
    const clock = { now: () => Date.now() };
    const left = {
      path,
      bridgeId: harness.bridge.id,
      clock,
      log: silentLogger,
      syncEveryWrite: true,
      compactAtBytes: 1e6,
    };
    const journal = await Journal.open(left);
    expect(journal.unacked[0]).toMatchObject({
      run: 'run_noted',
      node: 'fake',
      output_tokens: 3,
      outcome: 'interrupted',
    });
    await journal.close();
    await harness.bridge.close();
    await sent;
  });

  it('survive a closed bridge whose platform was down: the next one delivers them', async () => {
    const platform = await startPlatform();
    platform.onReceipts = () => 'fail';
    const [dataDir, node] = [makeTempDir(), await startFakeNode()];
    const nodes = [{ kind: 'openai-compatible' as const, name: 'fake', url: node.url }];
    const first = await startHarness({ platform, dataDir, nodes, timings: { flushMs: 20 } });
    const { run } = await first.chat();
    await first.bridge.close();
    platform.onReceipts = () => 'settle';
    const second = await startHarness({ platform, dataDir, nodes });
    expect(second.bridge.id).toBe(first.bridge.id);
    expect((await platform.waitForReceipt(run)).outcome).toBe('completed');
    await second.bridge.close();
    const arrived = platform.arrived.length;
    const third = await startHarness({ platform, dataDir, nodes });
    await third.chatAndReceipt();
    expect(platform.arrived).toHaveLength(arrived + 1);
  });
});

describe('a data directory', () => {
  it('belongs to one bridge at a time, so that no journal is written twice over', async () => {
    const first = await startHarness();
    const { dataDir, platform } = first;
    const second = startHarness({ dataDir, platform });
    // Said in one line, without the way to it.
    await expect(second).rejects.toBeInstanceOf(ConfigError);
    await expect(second).rejects.toThrow(`Another bridge uses the data folder ${dataDir}.`);
    await first.chatAndReceipt({ model: 'freehold/extractive' });
    await first.bridge.close();
    await (await startHarness({ dataDir, platform })).chatAndReceipt({ model: 'freehold/extractive' });
  });
});

describe('closing', () => {
  it('lets a running job end, refuses new ones, and delivers every receipt before it returns', async () => {
    const { harness, node } = await startWithFake({ hang: true });
    const sent = harness.chat({ stream: true });
    await node.waitForRequests(1);
    const closed = harness.bridge.close();
    node.release();
    const answer = await sent;
    expect(answer.text.endsWith('data: [DONE]\n\n')).toBe(true);
    await closed;
    expect(harness.platform.settled.get(answer.run)?.outcome).toBe('completed');
  });

  it('ends a job that takes too long with an error and its receipt', async () => {
    const { harness, node } = await startWithFake({ fault: { at: 2, how: 'stall' } }, { timings: { drainMs: 20 } });
    const sent = harness.chat({ stream: true });
    await node.waitForRequests(1);
    await harness.bridge.close();
    const answer = await sent;
    expect(answer.text).toContain('"code":"service_unavailable"');
    expect(answer.text).not.toContain('[DONE]');
    expect(harness.platform.settled.get(answer.run)).toMatchObject({ outcome: 'failed' });
  });
});

describe('a bridge process that is killed', () => {
  it('has every run it began settled once after its restart, its id kept, and its used tokens still used', async () => {
    const platform = await startPlatform();
    const [dataDir, node] = [makeTempDir(), await startFakeNode()];
    platform.onReceipts = () => 'fail';
    const first = await startProcess(platform, dataDir, node.url);
    const completed = await platform.mintToken(first.id, { jti: 'run_done' });
    expect((await send(first.url, completed)).statusCode).toBe(200);
    node.script = { fault: { at: 2, how: 'stall' } };
    const half = await send(first.url, await platform.mintToken(first.id, { jti: 'run_half' }), true);
    await once(half.body, 'readable');
    first.child.kill('SIGKILL');
    await once(first.child, 'exit');
    half.body.on('error', () => {});

    platform.onReceipts = () => 'settle';
    const second = await startProcess(platform, dataDir, node.url);
    expect(second.id).toBe(first.id);
    expect(await platform.waitForReceipt('run_done')).toMatchObject({ outcome: 'completed', output_tokens: 5 });
    expect(await platform.waitForReceipt('run_half')).toMatchObject({ outcome: 'interrupted' });
    expect((await send(second.url, completed)).statusCode).toBe(401);
    second.child.kill('SIGTERM');
    expect((await once(second.child, 'exit'))[0]).toBe(0);
    expect(platform.announcements.at(-1)?.models).toEqual([]);
  });

  it('ends by itself when the parent that started it goes away', async () => {
    const platform = await startPlatform();
    const { child } = await startProcess(platform, makeTempDir(), 'http://127.0.0.1:9');
    child.disconnect();
    expect((await once(child, 'exit'))[0]).toBe(0);
  });
});

async function startProcess(platform: BridgePlatform, dataDir: string, nodeUrl: string) {
  const child = fork(join(import.meta.dirname, '../../../gpu-bridge/main.ts'), [], {
    stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
    env: {
      ...process.env,
      FREEHOLD_BRIDGE_PORT: '0',
      FREEHOLD_BRIDGE_DATA: dataDir,
      FREEHOLD_PLATFORM_URL: platform.url,
      FREEHOLD_PLATFORM_KEYS: JSON.stringify(platform.publicJwk),
      FREEHOLD_NODES: JSON.stringify([{ kind: 'openai-compatible', name: 'fake', url: nodeUrl }]),
    },
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  const [ready] = (await once(child, 'message')) as [{ type: string; url: string; id: string; public_jwk: object }];
  expect(ready.type).toBe('ready');
  platform.bridgeKey = ready.public_jwk;
  return { child, ...ready };
}

function send(url: string, token: string, stream = false) {
  return request(`${url}/v1/chat/completions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}` },
    body: JSON.stringify({ model: 'tiny', stream, messages: [{ role: 'user', content: 'x' }] }),
  });
}
