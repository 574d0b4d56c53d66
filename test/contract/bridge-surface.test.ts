/**
 * What a machine can say to the platform, said wrongly: every message is refused with a text that says what is wrong, the
 * operator's view stays as it was, and nothing of it is a crash. Jobs that are hostile reach a bridge by either way.
 */
import { once } from 'node:events';
import { request, type IncomingMessage } from 'node:http';
import { json } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TokenTypes } from '../../shared/contracts/inference.ts';
import { mintId } from '../../shared/core/ids.ts';
import {
  enrolByHand,
  mintEnrolment,
  newHandKey,
  nowSeconds,
  sendEnrol,
  sendJws,
  signBy,
  type HandBridge,
} from '../support/hand-bridge.ts';
import { EmbeddingModel, PlainModel, startPlatformWithNode, transports } from '../support/platform-with-node.ts';
import type { PlatformWithNode } from '../support/platform-with-node.ts';
import { startTestPlatform, type Answer, type TestPlatform } from '../support/running-platform.ts';

describe('a message of a bridge', () => {
  let platform: TestPlatform;
  let bridge: HandBridge;

  beforeAll(async () => {
    platform = await startTestPlatform();
    bridge = await enrolByHand(platform);
  });
  afterAll(() => platform.stop());

  const send = (path: string, jws: string) => sendJws(platform, path, jws);
  const mint = () => mintEnrolment(platform);
  const newBridge = async (): Promise<HandBridge> => ({ id: mintId('bridge', Date.now()), key: await newHandKey() });

  async function announce(changes: object = {}, { id, key }: HandBridge = bridge): Promise<Answer> {
    const payload = { iss: id, iat: nowSeconds(), models: [], default_model: null, ...changes };
    return send('/bridge/v1/announce', await signBy(key, id, TokenTypes.announce, payload));
  }

  /** Status and text of a refused upgrade; undici's own client sends no such headers by hand. */
  async function tunnel(token: string, upgrade = 'websocket'): Promise<readonly [number, string]> {
    const headers = {
      host: `localhost:${platform.port}`,
      authorization: `Bearer ${token}`,
      connection: 'Upgrade',
      upgrade,
      'sec-websocket-key': Buffer.alloc(16).toString('base64'),
      'sec-websocket-version': '13',
    };
    const asked = request({ host: '127.0.0.1', port: platform.port, path: '/bridge/tunnel', headers }).end();
    const [answer] = (await once(asked, 'response')) as [IncomingMessage];
    const { error } = (await json(answer)) as { error: { message: string } };
    return [answer.statusCode ?? 0, error.message];
  }

  const messageOf = (answer: Answer) => (answer.json() as { error: { message: string } }).error.message;

  it('enrols only a key that its sender holds', async () => {
    const { publicKey } = await newHandKey();
    const answer = await sendEnrol(platform, await newBridge(), await mint(), { public_key: publicKey });
    expect([answer.status, messageOf(answer)]).toEqual([401, expect.stringContaining('signature')]);
  });

  it('takes over no bridge that is enrolled already', async () => {
    const answer = await sendEnrol(platform, { id: bridge.id, key: await newHandKey() }, await mint());
    expect([answer.status, messageOf(answer)]).toEqual([409, expect.stringContaining('another key')]);
    expect((await announce()).status).toBe(200);
  });

  it.each([-300, -70, 70, 300])('with a clock that is %s seconds off says by how much, and what to do', async (off) => {
    const answer = await announce({ iat: nowSeconds() + off });
    const text = new RegExp(`\\d+ seconds ${off > 0 ? 'ahead of' : 'behind'} .*NTP`);
    expect([answer.status, messageOf(answer)]).toEqual([401, expect.stringMatching(text)]);
    const enrolled = await sendEnrol(platform, await newBridge(), await mint(), { iat: nowSeconds() + off });
    expect(messageOf(enrolled)).toMatch(text);
  });

  it('by another key, of another type, or of a bridge that nobody knows is refused', async () => {
    expect((await announce({}, { id: bridge.id, key: await newHandKey() })).status).toBe(401);
    expect((await announce({}, await newBridge())).status).toBe(401);
    const said = { iss: bridge.id, iat: nowSeconds(), models: [], default_model: null };
    const typed = await signBy(bridge.key, bridge.id, TokenTypes.receipts, said);
    expect((await send('/bridge/v1/announce', typed)).status).toBe(401);
    for (const body of ['', 'x', 'a.b.c', '{}']) expect((await send('/bridge/v1/enrol', body)).status).toBe(400);
  });

  it('puts no key in the place of its own that it does not hold', async () => {
    const { id, key } = await enrolByHand(platform);
    const [stolen, own] = [await newHandKey(), await newHandKey()];
    const claims = { iss: id, iat: nowSeconds() };
    const shown = await signBy(own, id, TokenTypes.nextKey, { ...claims, public_key: stolen.publicKey });
    const answer = await send(
      '/bridge/v1/rotate',
      await signBy(key, id, TokenTypes.rotate, { ...claims, next: shown }),
    );
    expect([answer.status, messageOf(answer)]).toEqual([400, expect.stringContaining('next key')]);
  });

  it('is heard under the old key and the new after a rotation', async () => {
    const { id, key } = await enrolByHand(platform);
    const next = await newHandKey();
    const claims = { iss: id, iat: nowSeconds() };
    const shown = await signBy(next, id, TokenTypes.nextKey, { ...claims, public_key: next.publicKey });
    const rotate = await signBy(key, id, TokenTypes.rotate, { ...claims, next: shown });
    expect((await send('/bridge/v1/rotate', rotate)).status).toBe(200);
    for (const by of [key, next]) expect((await announce({}, { id, key: by })).status).toBe(200);
  });

  it('opens a tunnel here with a young token of the right type and platform alone', async () => {
    const claims = { iss: bridge.id, aud: 'localhost', jti: 'j'.repeat(20), iat: nowSeconds(), exp: nowSeconds() + 60 };
    const token = (changes: object, type: string = TokenTypes.tunnel) =>
      signBy(bridge.key, bridge.id, type, { ...claims, ...changes });
    expect(await tunnel(await token({ aud: 'example.com' }))).toEqual([
      401,
      expect.stringContaining('another platform'),
    ]);
    expect((await tunnel(await token({}, TokenTypes.announce)))[0]).toBe(401);
    expect(await tunnel(await token({ iat: nowSeconds() - 200, exp: nowSeconds() + 60 }))).toEqual([
      401,
      expect.stringContaining('clock'),
    ]);
    expect((await tunnel(await token({ jti: 'short' })))[0]).toBe(400);
    expect((await tunnel('nonsense'))[0]).toBe(401);
    expect((await tunnel(await token({}), 'h2c'))[0]).toBe(400);
  });

  it('of a revoked bridge is refused with what to do, and its key is enrolled no more', async () => {
    const revoked = await enrolByHand(platform);
    await platform.operator.require('POST', `/operator/v1/bridges/${revoked.id}/revoke`, {});
    const said = await announce({}, revoked);
    expect([said.status, messageOf(said)]).toEqual([403, expect.stringContaining('enrol it anew')]);
    expect((await sendEnrol(platform, revoked, await mint())).status).toBe(403);
    const terms = { name: 'x', bridge: revoked.id };
    expect((await platform.operator.call('POST', '/operator/v1/bridges', terms)).status).toBe(409);
  });

  it('brings receipts of a revoked bridge for runs that were begun before, and for no later ones', async () => {
    const revoked = await enrolByHand(platform);
    await platform.operator.require('POST', `/operator/v1/bridges/${revoked.id}/revoke`, {});
    const tenant = await platform.createTenant('owed');
    const receipt = (run: string) => ({
      id: mintId('receipt', Date.now()),
      run,
      tenant: tenant.id,
      bridge: revoked.id,
      node: 'n',
      node_kind: 'vllm',
      external: false,
      operation: 'chat',
      model: 'm',
      input_tokens: 1,
      cached_input_tokens: 0,
      output_tokens: 1,
      counted_by: 'node',
      outcome: 'completed',
      started_at: 0,
      finished_at: 0,
      ticket: 'forged',
    });
    const receipts = [receipt(mintId('run', Date.now() - 60_000)), receipt(mintId('run', Date.now() + 60_000))];
    const batch = { iss: revoked.id, iat: nowSeconds(), tenant: tenant.id, receipts };
    const answer = await send('/bridge/v1/receipts', await signBy(revoked.key, revoked.id, TokenTypes.receipts, batch));
    const { refused } = answer.json() as { refused: { id: string; reason: string }[] };
    expect(Object.fromEntries(refused.map(({ id, reason }) => [id, reason]))).toEqual({
      [receipts[0]!.id]: 'the ticket was not sealed by this platform',
      [receipts[1]!.id]: 'the run was begun after the bridge was revoked',
    });
  });
});

describe.each(transports)('a job that is hostile, over %s', (transport) => {
  let home: PlatformWithNode;

  beforeAll(async () => {
    home = await startPlatformWithNode({ transport });
  });
  afterAll(() => home.stop());

  function chat(model: string, content: string): Promise<Answer> {
    const body = { model, messages: [{ role: 'user', content }] };
    return home.platform.call('POST', 'acme.localhost', '/v1/chat/completions', { token: home.tenant.key, body });
  }

  /** The answer to a body that is only announced: one that is sent may meet a closed connection before its answer. */
  async function announceSize(bytes: number): Promise<number | undefined> {
    const { port } = home.platform;
    const headers = {
      host: `acme.localhost:${port}`,
      authorization: `Bearer ${home.tenant.key}`,
      'content-type': 'application/json',
      'content-length': bytes,
    };
    const asked = request({ host: '127.0.0.1', port, path: '/v1/chat/completions', method: 'POST', headers });
    asked.on('error', () => {});
    asked.flushHeaders();
    const [answer] = (await once(asked, 'response')) as [IncomingMessage];
    asked.destroy();
    return answer.statusCode;
  }

  it.each([
    '../../etc/passwd',
    '..%2f..%2fadmin',
    'org/tiny/../../x',
    'org/tiny\u0000',
    'http://127.0.0.1/',
    `${PlainModel} `,
  ])('by the model name %j reaches no node', async (model) => {
    const asked = home.node.requests.length;
    expect((await chat(model, 'hello')).status).toBe(404);
    expect(home.node.requests.length).toBe(asked);
  });

  it('by a prompt of 20 MB is refused, and one of 9 MB arrives whole', async () => {
    expect(await announceSize(20 * 1024 * 1024)).toBe(413);
    const long = 'ü'.repeat(4.5 * 1024 * 1024);
    expect((await chat(PlainModel, long)).status).toBe(200);
    const { messages } = home.node.requests.at(-1)!.body as { messages: { content: string }[] };
    expect(messages[0]!.content === long).toBe(true);
  });

  it('leaves the bridge serving', async () => {
    expect((await chat(PlainModel, 'hello')).status).toBe(200);
    const body = { model: EmbeddingModel, input: ['a', 'b'] };
    const answer = await home.platform.call('POST', 'acme.localhost', '/v1/embeddings', {
      token: home.tenant.key,
      body,
    });
    expect(answer.status).toBe(200);
  });
});
