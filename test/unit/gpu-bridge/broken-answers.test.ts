import { request } from 'undici';
import { describe, expect, it } from 'vitest';
import { operationPaths } from '../../../shared/contracts/inference.ts';
import { mintId } from '../../../shared/core/ids.ts';
import { joinText, readEvents, startWithFake } from '../../support/bridge-harness.ts';

const words = ['one', 'two', 'three', 'four', 'five'];

describe('a node that stops in the middle (R-7)', () => {
  for (const how of ['fin', 'rst', 'garbage', 'error-event'] as const) {
    it(`by ${how}, at any chunk: the caller gets what was good, an error, no [DONE]; the receipt has what was produced`, async () => {
      const { harness, node } = await startWithFake();
      for (let at = 0; at <= words.length; at++) {
        node.script = { fault: { at, how } };
        const before = node.produced;
        const answer = await harness.chatAndReceipt({ stream: true });
        const { chunks, done, error } = readEvents(answer.text);
        const last = chunks.at(-1)?.['choices'] as { finish_reason: string | null }[] | undefined;
        expect([answer.status, done, last?.[0]?.finish_reason ?? null], `cut at ${at}`).toEqual([200, false, null]);
        expect(error).toMatchObject({
          code: how === 'garbage' ? 'upstream_invalid' : 'upstream_cut',
          type: 'server_error',
        });
        // A reset discards what lies unread in the receiver's buffer: what came is a beginning, and is what is billed.
        const came = joinText(chunks).split(' ').filter(Boolean);
        expect(came).toEqual(words.slice(0, how === 'rst' ? came.length : at));
        expect(came.length).toBeLessThanOrEqual(at);
        expect(answer.receipt).toMatchObject({ outcome: 'failed', counted_by: 'bridge', output_tokens: came.length });
        if (how !== 'garbage') expect(node.produced - before).toBe(at);
        // The circuit would open after three failures in a row.
        node.script = {};
        await harness.chat();
      }
    });
  }

  it('by silence is cut after the idle timeout, and its work is aborted', async () => {
    const { harness, node } = await startWithFake(
      { fault: { at: 2, how: 'stall' } },
      { timings: { idleTimeoutMs: 40 } },
    );
    const answer = await harness.chatAndReceipt({ stream: true });
    expect(readEvents(answer.text)).toMatchObject({ done: false, error: { code: 'upstream_cut' } });
    expect(answer.receipt).toMatchObject({ outcome: 'failed', output_tokens: 2 });
    await node.waitForAbort();
  });

  it('and had sent its finish_reason, has given a whole answer', async () => {
    const { harness } = await startWithFake({ omitDone: true, usage: 'none' });
    const answer = await harness.chatAndReceipt({ stream: true, stream_options: { include_usage: true } });
    const { chunks, done } = readEvents(answer.text);
    expect(done).toBe(true);
    expect(chunks.at(-1)?.['usage']).toMatchObject({ completion_tokens: 5 });
    expect(answer.receipt).toMatchObject({ outcome: 'completed', counted_by: 'bridge', output_tokens: 5 });
  });

  it('with [DONE] but no finish_reason, or with one that means an abort, has not given a whole answer', async () => {
    const { harness, node } = await startWithFake();
    for (const finish of [null, 'abort', 'error']) {
      node.script = { finish };
      const { done, error } = readEvents((await harness.chat({ stream: true })).text);
      expect({ done, error }).toMatchObject({ done: false, error: { code: 'upstream_cut' } });
      node.script = {};
      await harness.chat();
    }
  });

  it('is cut by the limit of time that the job token sets', async () => {
    const { harness, node } = await startWithFake({ fault: { at: 1, how: 'stall' } });
    const answer = await harness.chatAndReceipt({ stream: true }, { timeout_ms: 60 });
    expect(readEvents(answer.text)).toMatchObject({ done: false, error: { code: 'upstream_cut' } });
    expect(answer.receipt).toMatchObject({ outcome: 'failed', output_tokens: 1 });
    await node.waitForAbort();
  });

  it('also where a body was asked for and the node streams: an error status, never half a body', async () => {
    const { harness } = await startWithFake({ fault: { at: 3, how: 'fin' } }, { node: { always_stream: true } });
    const answer = await harness.chatAndReceipt();
    expect([answer.status, JSON.parse(answer.text).error.code]).toEqual([502, 'upstream_cut']);
    expect(answer.receipt).toMatchObject({ outcome: 'failed', output_tokens: 3 });
  });

  it('three times in a row is left alone until its backoff is over', async () => {
    let now = Date.now();
    const { harness, node } = await startWithFake(
      { fault: { at: 1, how: 'fin' } },
      { deps: { clock: { now: () => now }, random: () => 0 } },
    );
    for (let count = 0; count < 3; count++) await harness.chat({ stream: true });
    expect((await harness.chat({ stream: true })).status).toBe(503);
    expect(node.requests).toHaveLength(3);
    node.script = {};
    now += 1000;
    expect((await harness.chat({ stream: true })).status).toBe(200);
    expect((await harness.chat({ stream: true })).status).toBe(200);
  });
});

describe('a node that answers with a page of HTML and status 200', () => {
  it('has given no answer, to whatever was asked: a clear error without the page, nothing billed, its circuit told', async () => {
    const now = Date.now();
    const { harness, node } = await startWithFake(
      { page: '<html>Sign in</html>', models: ['tiny', 'embed'] },
      { deps: { clock: { now: () => now } } },
    );
    const messages = [{ role: 'user', content: 'hello' }];
    const asked = [
      ['chat', { model: 'tiny', messages }],
      ['chat', { model: 'tiny', messages, stream: true }],
      ['embeddings', { model: 'embed', input: 'hello' }],
    ] as const;
    for (const [operation, body] of asked) {
      const run = mintId('run', Date.now());
      const token = await harness.token({ jti: run, operation, model: body.model });
      const answer = await harness.post(operationPaths[operation], body, token);
      expect([answer.status, JSON.parse(answer.text).error.code]).toEqual([502, 'upstream_invalid']);
      expect(answer.text).not.toContain('Sign in');
      expect(await harness.platform.waitForReceipt(run)).toMatchObject({ outcome: 'failed', output_tokens: 0 });
    }
    expect(node.requests).toHaveLength(3);
    expect((await harness.chat()).status).toBe(503);
    expect(node.requests).toHaveLength(3);
  });
});

describe('a caller who leaves (R-8)', () => {
  for (const kind of ['openai-compatible', 'vllm'] as const) {
    it(`at any chunk stops a ${kind} node within 250 ms and is billed what the node counted`, async () => {
      const { harness, node } = await startWithFake({}, { node: { kind } });
      for (let at = 0; at <= words.length; at++) {
        node.script = { fault: { at, how: 'stall' } };
        const before = { produced: node.produced, aborted: node.aborted };
        const run = `run_gone_${at}`;
        const gone = new AbortController();
        const answer = await request(`${harness.bridge.url}/v1/chat/completions`, {
          method: 'POST',
          headers: { authorization: `Bearer ${await harness.token({ jti: run })}` },
          body: JSON.stringify({ model: 'tiny', stream: true, messages: [{ role: 'user', content: 'x' }] }),
          signal: gone.signal,
        });
        let text = '';
        const left = (async () => {
          for await (const bytes of answer.body) {
            text += String(bytes);
            if (joinText(readEvents(text).chunks) === words.slice(0, at).join(' ') && text !== '') break;
          }
        })();
        await left;
        const leftAt = performance.now();
        gone.abort();
        await node.waitForAborts(before.aborted + 1);
        expect(performance.now() - leftAt).toBeLessThan(1_000);
        const receipt = await harness.platform.waitForReceipt(run);
        expect(receipt).toMatchObject({ outcome: 'cancelled', output_tokens: node.produced - before.produced });
        expect(receipt.output_tokens).toBe(at);
        expect(receipt.counted_by).toBe(kind === 'vllm' && at > 0 ? 'node' : 'bridge');
      }
    });
  }

  it('while the node has not answered yet stops it too, and leaves its circuit alone', async () => {
    const { harness, node } = await startWithFake();
    node.script = { hang: true };
    for (let count = 0; count < 4; count++) {
      const gone = new AbortController();
      const run = `run_early_${count}`;
      const sent = request(`${harness.bridge.url}/v1/chat/completions`, {
        method: 'POST',
        headers: { authorization: `Bearer ${await harness.token({ jti: run })}` },
        body: JSON.stringify({ model: 'tiny', messages: [{ role: 'user', content: 'x' }] }),
        signal: gone.signal,
      });
      await node.waitForRequests(count + 1);
      gone.abort();
      await expect(sent).rejects.toThrow();
      await node.waitForAborts(count + 1);
      expect(await harness.platform.waitForReceipt(run)).toMatchObject({
        outcome: 'cancelled',
        node: 'fake',
        output_tokens: 0,
      });
    }
    node.script = {};
    expect((await harness.chat()).status).toBe(200);
  });
});

describe('silence', () => {
  it('of a node that is slow to begin gives the caller headers and comments, then the answer', async () => {
    const { harness, node } = await startWithFake({ hang: true }, { timings: { commitAfterMs: 10, keepAliveMs: 10 } });
    const answer = await request(`${harness.bridge.url}/v1/chat/completions`, {
      method: 'POST',
      headers: { authorization: `Bearer ${await harness.token()}` },
      body: JSON.stringify({ model: 'tiny', stream: true, messages: [{ role: 'user', content: 'x' }] }),
    });
    expect(answer.statusCode).toBe(200);
    let text = '';
    for await (const bytes of answer.body) {
      text += String(bytes);
      if (text.includes(': keep-alive\n\n')) node.release();
    }
    expect(joinText(readEvents(text).chunks)).toBe('one two three four five');
    expect(readEvents(text).done).toBe(true);
  });

  it('then an error of the node comes as an event, because the status has gone out', async () => {
    const { harness, node } = await startWithFake({ hang: true }, { timings: { commitAfterMs: 5 } });
    const answer = await request(`${harness.bridge.url}/v1/chat/completions`, {
      method: 'POST',
      headers: { authorization: `Bearer ${await harness.token()}` },
      body: JSON.stringify({ model: 'tiny', stream: true, messages: [{ role: 'user', content: 'x' }] }),
    });
    // The headers are here before the node has answered.
    node.script = { refuse: { status: 400, body: { error: { message: 'temperature is too high' } } } };
    node.release();
    expect(answer.statusCode).toBe(200);
    const error = { code: 'invalid_request', message: 'temperature is too high' };
    expect(readEvents(await answer.body.text())).toMatchObject({ done: false, error });
  });
});
