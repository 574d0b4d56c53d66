/// <reference types="@cloudflare/vitest-pool-workers/types" />
import { runInDurableObject } from 'cloudflare:test';
import { describe, expect, it } from 'vitest';
import type { BridgeTunnelObject } from '../../durable-objects/bridge-tunnel/bridge-tunnel-object.ts';
import { NotBegunHeader, UnreachedHeader } from '../../shared/contracts/inference.ts';
import { DeadAfterMs, MaxPieceLength, readTunnelBody, TunnelClose } from '../../shared/contracts/tunnel.ts';
import { mintId } from '../../shared/core/ids.ts';
import { dial, enrolBridge, PlayedBridge, pool, requestTunnel, tunnelOf } from './bridge-env.ts';
import { must } from './tenant-env.ts';

const json = (text: string) => ({ status: 200, headers: { 'content-type': 'application/json' }, body: text });
const events = (body: ReadableStream<string>) => ({
  status: 200,
  headers: { 'content-type': 'text/event-stream' },
  body,
});
const post = (body = '{}', headers: Record<string, string> = {}) => ({ method: 'POST', body, headers });
const Chat = 'http://tunnel/v1/chat/completions';

/** A stream that a test writes by hand. */
function newStream() {
  let controller!: ReadableStreamDefaultController<string>;
  const stream = new ReadableStream<string>({ start: (given) => void (controller = given) });
  return { stream, write: (text: string) => controller.enqueue(text), end: () => controller.close() };
}

describe('a tunnel', () => {
  it('carries a job with its token to the bridge, and the answer back', async () => {
    const bridge = await enrolBridge();
    const seen: unknown[] = [];
    const played = new PlayedBridge(async ({ path, headers, body }) => {
      seen.push(path, headers, await readTunnelBody(body, 1_000));
      return { ...json('{"ok":true}'), status: 429, headers: { 'retry-after-ms': '7', 'set-cookie': 'x' } };
    });
    await dial(bridge, played);
    const answer = await tunnelOf(bridge).fetch(Chat, post('{"a":1}', { authorization: 'Bearer t', cookie: 'no' }));
    expect([answer.status, answer.headers.get('retry-after-ms'), answer.headers.get('set-cookie')]).toEqual([
      429,
      '7',
      null,
    ]);
    expect(await answer.json()).toEqual({ ok: true });
    expect(seen).toEqual(['/v1/chat/completions', { authorization: 'Bearer t' }, '{"a":1}']);
  });

  it('carries bodies of several megabytes both ways, as they were', async () => {
    const bridge = await enrolBridge();
    const text = JSON.stringify('ü😀'.repeat(MaxPieceLength * 4));
    await dial(bridge, new PlayedBridge(async ({ body }) => json((await readTunnelBody(body, 1e8)) ?? 'too long')));
    const answer = await tunnelOf(bridge).fetch(Chat, post(text));
    expect((await answer.text()) === text).toBe(true);
  });

  it('streams an answer as it comes', async () => {
    const bridge = await enrolBridge();
    const { stream, write, end } = newStream();
    await dial(bridge, new PlayedBridge(() => events(stream)));
    const answer = await tunnelOf(bridge).fetch(Chat, post());
    const reader = answer.body!.pipeThrough(new TextDecoderStream()).getReader();
    for (const text of ['data: 1\n\n', 'data: 2\n\n']) {
      write(text);
      expect((await reader.read()).value).toBe(text);
    }
    end();
    expect((await reader.read()).done).toBe(true);
  });

  it('that breaks in the middle of a stream is an error event to the reader, never an end', async () => {
    const bridge = await enrolBridge();
    const { stream, write } = newStream();
    const { socket } = await dial(bridge, new PlayedBridge(() => events(stream)));
    const answer = await tunnelOf(bridge).fetch(Chat, post());
    write('data: half');
    const reader = answer.body!.pipeThrough(new TextDecoderStream()).getReader();
    expect((await reader.read()).value).toBe('data: half');
    socket.close(1_001, 'killed');
    let rest = '';
    for (let part = await reader.read(); !part.done; part = await reader.read()) rest += part.value;
    expect(rest).toMatch(/^\n\ndata: \{"error":.*"code":"upstream_cut"/);
  });

  it('that breaks before the answer leaves it open what became of the job', async () => {
    const bridge = await enrolBridge();
    const asked = Promise.withResolvers<void>();
    const played = new PlayedBridge(() => {
      asked.resolve();
      return new Promise(() => {});
    });
    const { socket } = await dial(bridge, played);
    const answer = tunnelOf(bridge).fetch(Chat, post());
    await asked.promise;
    socket.close(1_001, 'killed');
    expect([...(await answer).headers.keys()]).toContain(UnreachedHeader);
  });

  it('that is not there has certainly not begun the job', async () => {
    const answer = await tunnelOf(await enrolBridge()).fetch(Chat, post());
    expect([answer.status, answer.headers.has(NotBegunHeader), answer.headers.has(UnreachedHeader)]).toEqual([
      503,
      true,
      false,
    ]);
  });

  it('tells the bridge when the reader has left', async () => {
    const bridge = await enrolBridge();
    const { stream, write } = newStream();
    const played = new PlayedBridge(() => events(stream));
    await dial(bridge, played);
    const answer = await tunnelOf(bridge).fetch(Chat, post());
    write('data: 1\n\n');
    const reader = answer.body!.getReader();
    await reader.read();
    await reader.cancel();
    write('data: 2\n\n');
    expect(await played.cancelled).toMatch(/^\d+$/);
  });

  it('gives new jobs to the newest connection, and closes the old one when its last job is over', async () => {
    const bridge = await enrolBridge();
    const { stream, write, end } = newStream();
    const old = await dial(bridge, new PlayedBridge(() => events(stream)));
    const running = await tunnelOf(bridge).fetch(Chat, post());
    await dial(bridge, new PlayedBridge(() => json('"new"')));
    expect(await (await tunnelOf(bridge).fetch(Chat, post())).json()).toBe('new');
    write('data: whole\n\n');
    end();
    expect(await running.text()).toBe('data: whole\n\n');
    expect(await old.closed).toBe(TunnelClose.replaced);
  });

  it('that has been silent for three beats is dead, and one that beats is not', async () => {
    const [silent, alive] = [await enrolBridge(), await enrolBridge()];
    const [deaf, heard] = [new PlayedBridge(() => json('1')), new PlayedBridge(() => json('2'))];
    const first = await dial(silent, deaf);
    const second = await dial(alive, heard);
    for (const each of [silent, alive]) {
      await runInDurableObject<BridgeTunnelObject, void>(tunnelOf(each), (object) => {
        const at = Date.now() + DeadAfterMs;
        object.clock = { now: () => at };
      });
    }
    await second.end.beat();
    await tunnelOf(silent).dropSilent();
    await tunnelOf(alive).dropSilent();
    expect(await first.closed).toBe(TunnelClose.silent);
    expect((await tunnelOf(silent).fetch(Chat, post())).headers.has(NotBegunHeader)).toBe(true);
    expect(await (await tunnelOf(alive).fetch(Chat, post())).json()).toBe(2);
  });
});

describe('who may open a tunnel', () => {
  it('a token counts once', async () => {
    const bridge = await enrolBridge();
    await dial(bridge, new PlayedBridge(() => json('1')), 'the-token');
    const again = await requestTunnel(bridge, 'the-token');
    expect([again.status, await again.text()]).toEqual([401, expect.stringContaining('used before')]);
  });

  it('a bridge that nobody enrolled may not', async () => {
    expect((await requestTunnel(mintId('bridge', 1), 'token')).status).toBe(403);
  });

  it('a revoked bridge is cut in the middle of its work, and never comes back', async () => {
    const bridge = await enrolBridge();
    const { stream, write } = newStream();
    const { closed } = await dial(bridge, new PlayedBridge(() => events(stream)));
    const running = await tunnelOf(bridge).fetch(Chat, post());
    write('data: 1\n\n');
    must(await pool().revoke(bridge));
    await tunnelOf(bridge).cut('revoked');
    expect(await closed).toBe(TunnelClose.revoked);
    expect(await running.text()).toContain('"code":"upstream_cut"');
    const again = await requestTunnel(bridge, 'another');
    expect([again.status, await again.text()]).toEqual([403, expect.stringContaining('revoked')]);
  });

  it('a bridge that is revoked while its tunnel opens has none', async () => {
    const bridge = await enrolBridge();
    const opening = requestTunnel(bridge, 'slow');
    // In this order, as the operator's revocation does it: whichever comes first, the opening or the cut.
    const revoke = async () => {
      must(await pool().revoke(bridge));
      await tunnelOf(bridge).cut('revoked');
    };
    const [opened] = await Promise.all([opening, revoke()]);
    if (opened.webSocket) opened.webSocket.accept();
    expect((await tunnelOf(bridge).fetch(Chat, post())).headers.has(NotBegunHeader)).toBe(true);
  });
});
