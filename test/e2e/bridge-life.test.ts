/**
 * A bridge's whole life as its administrator lives it, with real processes: enrolled by one command, it serves through
 * its tunnel, is killed, changes its key under load, is shut down in the middle of an answer, and is revoked.
 */
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { exportJWK, generateKeyPair, type JWK } from 'jose';
import type OpenAI from 'openai';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { EnrolmentAudience } from '../../shared/contracts/bridges.ts';
import { PlatformKey } from '../../shared/inference/platform-key.ts';
import { FakeNode } from '../support/fake-node.ts';
import { readLedger } from '../support/platform-with-node.ts';
import { startTestPlatform, type CreatedTenant, type TestPlatform } from '../support/running-platform.ts';
import { runBridgeCommand, StartedBridge } from '../support/started-bridge.ts';
import { waitUntil, within } from '../support/wait-until.ts';

const Model = 'org/shared';
const words = ['one', 'two', 'three', 'four', 'five', 'six'];

type Bridge = { id: string; name: string; status: string; models: string[]; key_expires_at: string; transport: string };
type Enrolment = { id: string; status: string; refusals: number; last_refusal: string | null };

let platform: TestPlatform;
let tenant: CreatedTenant;
let client: OpenAI;

beforeAll(async () => {
  platform = await startTestPlatform();
  tenant = await platform.createTenant('acme');
  client = platform.openai(tenant);
});
afterAll(() => platform.stop());

async function mint(terms: object = {}): Promise<{ id: string; token: string; command: string }> {
  return platform.operator.require('POST', '/operator/v1/bridges', { name: 'rig', ...terms });
}

function newFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'freehold-rig-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

async function bridges(): Promise<Bridge[]> {
  return (await platform.operator.require<{ data: Bridge[] }>('GET', '/operator/v1/bridges')).data;
}

async function enrolmentOf(id: string): Promise<Enrolment> {
  const path = '/operator/v1/bridges/enrolments';
  const { data } = await platform.operator.require<{ data: Enrolment[] }>('GET', path);
  return data.find((each) => each.id === id)!;
}

type Rig = { readonly bridge: StartedBridge; readonly node: FakeNode; readonly folder: string };

/** A bridge with a node of its own, on line. */
async function startRig(): Promise<Rig> {
  const folder = newFolder();
  const enrolled = await runBridgeCommand(['enrol', (await mint()).token, '--data-dir', folder]);
  expect(enrolled).toMatchObject({ code: 0, stderr: '' });
  const node = await FakeNode.start({ models: [Model], words });
  onTestFinished(() => node.close());
  return { bridge: await startOnline(folder, node), node, folder };
}

async function startOnline(folder: string, node: FakeNode): Promise<StartedBridge> {
  const bridge = await StartedBridge.start(folder, node.url);
  // Killed alone, it would be offered for seconds, and the next test would take it for its own.
  onTestFinished(async () => {
    await bridge.kill();
    await platform.operator.call('POST', `/operator/v1/bridges/${bridge.id}/revoke`, {});
  });
  await waitUntil('the bridge is on line', async () =>
    (await bridges()).some(
      ({ id, status, models }) => id === bridge.id && status === 'online' && models.includes(Model),
    ),
  );
  return bridge;
}

async function ask(): Promise<string> {
  const messages = [{ role: 'user' as const, content: 'Count.' }];
  const answer = await client.chat.completions.create({ model: Model, messages });
  return answer.choices[0]!.message.content ?? '';
}

/** Reads a stream to whatever end it has. */
async function readStream(): Promise<{ text: string; finish: string | null; error: unknown }> {
  let text = '';
  let finish: string | null = null;
  try {
    const messages = [{ role: 'user' as const, content: 'Count.' }];
    for await (const chunk of await client.chat.completions.create({ model: Model, messages, stream: true })) {
      text += chunk.choices[0]?.delta.content ?? '';
      finish = chunk.choices[0]?.finish_reason ?? finish;
    }
    return { text, finish, error: undefined };
  } catch (error) {
    return { text, finish, error };
  }
}

const offered = () =>
  waitUntil('the model is offered', async () => {
    for await (const model of client.models.list()) if (model.id === Model) return true;
    return false;
  });

describe('a machine that is enrolled', () => {
  it('is a bridge after one command, serves through its tunnel, and listens on no port', async () => {
    const folder = newFolder();
    const made = await mint({ name: 'attic' });
    expect(made.command).toBe(`npm run bridge -- enrol ${made.token}`);
    const enrolled = await runBridgeCommand(['enrol', made.token, '--data-dir', folder]);
    expect(enrolled).toMatchObject({ code: 0, stderr: '' });
    expect(enrolled.stdout).toContain('This machine is now the bridge "attic"');
    for (const file of ['bridge-key.json', 'platform.json']) {
      expect(statSync(join(folder, file)).mode & 0o777).toBe(0o600);
    }
    const node = await FakeNode.start({ models: [Model], words });
    onTestFinished(() => node.close());
    const bridge = await startOnline(folder, node);
    expect(bridge.logged('bridge.listening')).toMatchObject([{ url: '', transport: 'tunnel' }]);
    await offered();
    expect(await ask()).toBe(words.join(' '));
    expect(await readStream()).toMatchObject({ text: words.join(' '), finish: 'stop', error: undefined });
    expect((await bridges()).find(({ id }) => id === bridge.id)).toMatchObject({ name: 'attic', transport: 'tunnel' });
  });

  it('that was not, says how to enrol it', async () => {
    const { code, stderr } = await runBridgeCommand(['--data-dir', newFolder()]);
    expect(code).toBe(1);
    expect(stderr).toContain('npm run bridge -- enrol <token>');
  });
});

describe('an enrolment token', () => {
  it('that was used is refused on another machine, and the operator sees it', async () => {
    const { id, token } = await mint();
    expect((await runBridgeCommand(['enrol', token, '--data-dir', newFolder()])).code).toBe(0);
    const again = await runBridgeCommand(['enrol', token, '--data-dir', newFolder()]);
    expect(again).toMatchObject({ code: 1, stdout: '' });
    expect(again.stderr).toMatch(/^gpu-bridge: The platform refused the enrolment: .*used before/);
    expect(await enrolmentOf(id)).toMatchObject({ status: 'used', refusals: 1 });
  });

  it('that has expired is refused, and the operator sees it', async () => {
    const { id, token } = await mint({ expires_in_seconds: 1 });
    await waitUntil('the token has expired', async () => (await enrolmentOf(id)).status === 'expired');
    const { code, stderr } = await runBridgeCommand(['enrol', token, '--data-dir', newFolder()]);
    expect([code, stderr]).toEqual([1, expect.stringContaining('has expired')]);
    expect((await enrolmentOf(id)).last_refusal).toContain('has expired');
  });

  it('of another platform, or altered, or no token at all, is refused', async () => {
    const { privateKey } = await generateKeyPair('EdDSA', { crv: 'Ed25519', extractable: true });
    const other = await PlatformKey.parse(JSON.stringify({ ...(await exportJWK(privateKey)), kid: 'other' } as JWK));
    const { id, token } = await mint();
    const claims = { iss: 'freehold', aud: EnrolmentAudience, jti: id, iat: 0, exp: 9e9, transport: 'tunnel' as const };
    const foreign = await other.signEnrolment({ ...claims, platform: `http://localhost:${platform.port}` });
    const [head, , signature] = token.split('.');
    const payload = { ...claims, platform: `http://localhost:${platform.port}`, transport: 'http' };
    const altered = `${head}.${Buffer.from(JSON.stringify(payload)).toString('base64url')}.${signature}`;
    for (const bad of [foreign, altered]) {
      const { code, stderr } = await runBridgeCommand(['enrol', bad, '--data-dir', newFolder()]);
      expect([code, stderr]).toEqual([1, expect.stringContaining('not made by this platform, or was altered')]);
    }
    const { code, stderr } = await runBridgeCommand(['enrol', 'nonsense', '--data-dir', newFolder()]);
    expect([code, stderr]).toEqual([1, expect.stringContaining('not an enrolment token')]);
    expect((await enrolmentOf(id)).status).toBe('open');
  });
});

/** Two rigs, and a stream that one of them has brought to its half: which one is the platform's to choose. */
async function startTwo() {
  const rigs = [await startRig(), await startRig()];
  await offered();
  for (const { node } of rigs) node.script = { models: [Model], words, pauseAt: 3 };
  const outcome = readStream();
  const busy = await waitUntil('the half of the answer is produced', () =>
    rigs.find(({ node }) => node.produced === 3),
  );
  const idle = rigs.find((rig) => rig !== busy)!;
  idle.node.script = { models: [Model], words };
  return { busy, idle, outcome };
}

describe('two bridges with one model', () => {
  it('survive that one is killed in the middle of an answer: an error to its reader, and the other serves the next', async () => {
    const { busy, idle, outcome } = await startTwo();
    await busy.bridge.kill('SIGKILL');
    const cut = await outcome;
    expect(cut.error).toBeDefined();
    expect(cut.finish).toBeNull();
    expect(words.join(' ').startsWith(cut.text)).toBe(true);
    expect(await ask()).toBe(words.join(' '));
    expect(idle.node.produced).toBe(words.length);
  });

  it('lose no request when one is shut down: it finishes what runs and hands back the rest', async () => {
    const { busy, idle, outcome } = await startTwo();
    const ended = busy.bridge.kill('SIGTERM');
    await waitUntil('the next jobs go elsewhere', async () => {
      expect(await ask()).toBe(words.join(' '));
      return idle.node.produced > 0;
    });
    busy.node.release();
    expect(await outcome).toMatchObject({ text: words.join(' '), finish: 'stop', error: undefined });
    expect(await ended).toBe(0);
  });
});

describe('a key', () => {
  it('is changed under load without a failed request', async () => {
    const { bridge, folder } = await startRig();
    await offered();
    const keyFile = join(folder, 'bridge-key.json');
    const before = JSON.parse(readFileSync(keyFile, 'utf8')) as JWK;
    const failures: unknown[] = [];
    let served = 0;
    let stop = false;
    const load = Array.from({ length: 4 }, async () => {
      while (!stop) {
        await ask().then(
          () => served++,
          (error: unknown) => failures.push(error),
        );
      }
    });
    await waitUntil('the load runs', () => served > 20);
    const rotated = await runBridgeCommand(['rotate', '--data-dir', folder]);
    expect(rotated).toMatchObject({ code: 0, stderr: '' });
    await bridge.waitForLog('key.changed');
    await waitUntil('the tunnel is open under the new key', () => bridge.logged('tunnel.open').length === 2);
    const atChange = served;
    await waitUntil('the load goes on', () => served > atChange + 50);
    stop = true;
    await Promise.all(load);
    expect(failures).toEqual([]);
    const after = JSON.parse(readFileSync(keyFile, 'utf8')) as JWK;
    expect([after.kid, after.x === before.x]).toEqual([before.kid, false]);
    expect(bridge.logged('announce.failed')).toEqual([]);
    expect(bridge.logged('tunnel.replaced')).toEqual([]);
  });
});

describe('a bridge that is revoked', () => {
  it('is cut within a second, gets no more jobs, and is paid for what it had begun', async () => {
    const { bridge, node } = await startRig();
    await offered();
    const before = await waitUntil('all before is settled', () => readLedger(platform, tenant));
    node.script = { models: [Model], words, pauseAt: 3 };
    const outcome = readStream();
    await waitUntil('the half of the answer is produced', () => node.produced === 3);
    await platform.operator.require('POST', `/operator/v1/bridges/${bridge.id}/revoke`, {});
    const cut = await within('the stream is cut', 1_000, outcome);
    expect([cut.finish, cut.error === undefined]).toEqual([null, false]);
    await bridge.waitForLog('tunnel.revoked');
    expect((await bridge.waitForLog('announce.failed'))['error']).toContain('was revoked');
    expect((await bridges()).find(({ id }) => id === bridge.id)?.status).toBe('revoked');
    await expect(ask()).rejects.toMatchObject({ status: expect.toBeOneOf([404, 503]) as number });
    await waitUntil('what it had begun is settled', async () => {
      const now = await readLedger(platform, tenant);
      return now.requests === before.requests + 1 && now.outputTokens - before.outputTokens <= 3;
    });
    const again = await runBridgeCommand(['enrol', (await mint()).token, '--data-dir', newFolder()]);
    expect(again.code).toBe(0);
  });
});
