import { afterEach, describe, expect, it, vi } from 'vitest';
import { TunnelSink } from '../../../gpu-bridge/tunnel-sink.ts';
import { keepAliveFrame } from '../../../shared/core/sse.ts';
import { MaxPieceLength, readTunnelBody, toTunnelBody } from '../../../shared/contracts/tunnel.ts';

const KeepAliveMs = 15_000;

async function startStream(): Promise<{ sink: TunnelSink; reader: ReadableStreamDefaultReader<string> }> {
  const sink = new TunnelSink(KeepAliveMs);
  sink.startStream({ 'content-type': 'text/event-stream' });
  const { body } = await sink.answer;
  return { sink, reader: (body as ReadableStream<string>).getReader() };
}

describe('an answer through the tunnel', () => {
  afterEach(() => void vi.useRealTimers());

  it('brings what was written in one turn as one piece, in order, and ends', async () => {
    const { sink, reader } = await startStream();
    const first = reader.read();
    for (const word of ['a', 'b', 'c']) void sink.write(word);
    expect(await first).toEqual({ done: false, value: 'abc' });
    void sink.write('d');
    sink.end();
    expect(await reader.read()).toEqual({ done: false, value: 'd' });
    expect(await reader.read()).toMatchObject({ done: true });
    expect(sink.gone.aborted).toBe(false);
  });

  it('holds the node back while nobody reads', async () => {
    const { sink, reader } = await startStream();
    expect(sink.write('x')).toBeUndefined();
    const held = sink.write('y'.repeat(64 * 1024));
    expect(held).toBeInstanceOf(Promise);
    let freed = false;
    void held!.then(() => (freed = true));
    await Promise.resolve();
    expect(freed).toBe(false);
    await reader.read();
    await held;
    expect(freed).toBe(true);
  });

  it('fills every silence of fifteen seconds with a comment, and nothing else', async () => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
    const { sink, reader } = await startStream();
    const first = reader.read();
    vi.advanceTimersByTime(KeepAliveMs - 1);
    void sink.write('word');
    expect((await first).value).toBe('word');
    const second = reader.read();
    vi.advanceTimersByTime(KeepAliveMs - 1);
    vi.advanceTimersByTime(1);
    expect((await second).value).toBe(keepAliveFrame);
    sink.end();
    vi.advanceTimersByTime(10 * KeepAliveMs);
    expect(await reader.read()).toMatchObject({ done: true });
  });

  it.each(['the caller leaves', 'the reader cancels'])('ends the work when %s, and takes no more', async (how) => {
    const { sink, reader } = await startStream();
    void sink.write('a');
    if (how === 'the caller leaves') sink.leave();
    else await reader.cancel();
    expect(sink.gone.aborted).toBe(true);
    expect(sink.write('z'.repeat(100_000))).toBeUndefined();
  });

  it('that never came leaves nothing waiting when the caller leaves', async () => {
    const sink = new TunnelSink(KeepAliveMs);
    sink.leave();
    expect(await sink.answer).toMatchObject({ body: '' });
  });

  it('is said once', async () => {
    const sink = new TunnelSink(KeepAliveMs);
    sink.sendJson(429, '{}', { 'retry-after-ms': '5' });
    sink.sendJson(200, 'second', {});
    sink.startStream({});
    sink.leave();
    expect(await sink.answer).toEqual({
      status: 429,
      headers: { 'content-type': 'application/json', 'retry-after-ms': '5' },
      body: '{}',
    });
    expect(sink.gone.aborted).toBe(false);
  });
});

describe('a long body', () => {
  it('travels in pieces that are whole texts, and arrives as it was', async () => {
    const text = `${'a'.repeat(MaxPieceLength - 1)}😀${'ü'.repeat(MaxPieceLength)}`;
    const pieces: string[] = [];
    for await (const piece of toTunnelBody(text) as unknown as AsyncIterable<string>) pieces.push(piece);
    expect(pieces.length).toBeGreaterThan(2);
    expect(pieces.every((piece) => piece.isWellFormed() && piece.length <= MaxPieceLength)).toBe(true);
    expect(pieces.join('')).toBe(text);
    expect(await readTunnelBody(toTunnelBody(text), text.length)).toBe(text);
  });

  it('is refused as soon as it is over the limit, however it travels', async () => {
    expect(await readTunnelBody('abc', 2)).toBeUndefined();
    expect(await readTunnelBody('abc', 3)).toBe('abc');
    let given = 0;
    const endless = new ReadableStream<string>({
      pull(controller) {
        given++;
        controller.enqueue('x'.repeat(1_000));
      },
    });
    expect(await readTunnelBody(endless, 5_000)).toBeUndefined();
    expect(given).toBeLessThan(10);
  });
});
