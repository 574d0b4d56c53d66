/**
 * Speech on its way from the node to OpenAI's client, over both ways to a bridge: byte for byte, as it is spoken, and
 * never half of it as if it were whole (docs/decisions/0042).
 */
import type OpenAI from 'openai';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { speechEvent } from '../../shared/contracts/audio.ts';
import { readSse } from '../../shared/core/sse.ts';
import { startPlatformWithNode, transports, type PlatformWithNode } from '../support/platform-with-node.ts';
import { randomFrom, seed } from '../support/seeded-random.ts';
import { waitUntil, within } from '../support/wait-until.ts';

const models = ['kokoro'];
const asked = { model: 'kokoro', input: 'A text to be spoken.', voice: 'af_heart' };
const NodeStopsMs = 250;

const random = randomFrom(seed);
const makePiece = (length: number) => Buffer.from(Array.from({ length }, () => Math.floor(random() * 256)));
const pieces = Array.from({ length: 24 }, () => makePiece(1 + Math.floor(random() * 9_000)));

const whole = Buffer.concat(pieces);

let home: PlatformWithNode;
let client: OpenAI;

type Heard = { readonly audio: Buffer; readonly isWhole: boolean; readonly error: unknown };

/** Speech as events, heard piece by piece. */
async function* hear(signal?: AbortSignal): AsyncGenerator<Heard> {
  const spoken = await client.audio.speech.create({ ...asked, stream_format: 'sse' }, signal ? { signal } : {});
  expect(spoken.headers.get('content-type')).toBe('text/event-stream');
  let audio = Buffer.alloc(0);
  for await (const { data } of readSse(spoken.body!)) {
    const event = speechEvent.parse(JSON.parse(data));
    if ('error' in event) yield { audio, isWhole: false, error: event.error };
    else if (event.type === 'speech.audio.done') yield { audio, isWhole: true, error: undefined };
    else {
      audio = Buffer.concat([audio, Buffer.from(event.audio, 'base64')]);
      yield { audio, isWhole: false, error: undefined };
    }
  }
}

async function hearAll(): Promise<Heard | undefined> {
  let last: Heard | undefined;
  for await (const heard of hear()) last = heard;
  return last;
}

/** Reads that many pieces. */
async function listenFor(count: number, signal: AbortSignal): Promise<void> {
  const heard = hear(signal);
  for (let at = 0; at < count; at++) await heard.next();
}

async function spokenCharacters(): Promise<number> {
  await home.settle();
  type Row = { readonly sku: string; readonly quantity: number };
  const usage = await home.platform.client(home.tenant).require<{ data: Row[] }>('GET', '/v1/usage?group_by=sku');
  return usage.data.find(({ sku }) => sku === 'speech_characters')?.quantity ?? 0;
}

describe.each(transports)('over %s, speech', (transport) => {
  beforeAll(async () => {
    home = await startPlatformWithNode({
      transport,
      script: { models },
      timings: { keepAliveMs: 50 },
    });
    client = home.platform.openai(home.tenant, { maxRetries: 0 });
  });
  afterAll(() => home.stop());

  it('is heard while the node still speaks, byte for byte, and costs its characters', async () => {
    const before = await spokenCharacters();
    let { produced } = home.node;
    for (const pauseAt of [8, 16, pieces.length - 1]) {
      home.node.script = { models, speech: pieces, pauseAt };
      let last: Heard | undefined;
      for await (const heard of hear()) {
        // The runtime may hold the end of a piece back until the next one: what is heard is the beginning.
        if (!last) {
          expect(home.node.produced).toBeLessThanOrEqual(produced + pauseAt);
          await waitUntil('the node speaks on', () => {
            home.node.release();
            return home.node.produced > produced + pauseAt;
          });
        }
        last = heard;
      }
      produced += pieces.length;
      expect(last).toMatchObject({ isWhole: true, error: undefined });
      expect(Buffer.compare(last!.audio, whole)).toBe(0);
    }
    expect((await spokenCharacters()) - before).toBe(3 * asked.input.length);
  });

  it('that is asked for as audio is the whole of it, byte for byte, and costs the same', async () => {
    const before = await spokenCharacters();
    home.node.script = { models, speech: pieces };
    const spoken = await client.audio.speech.create(asked);
    expect(spoken.headers.get('content-type')).toBe('audio/mpeg');
    expect(spoken.headers.get('content-length')).toBe(String(whole.length));
    expect(Buffer.from(await spoken.arrayBuffer()).equals(whole)).toBe(true);
    expect((await spokenCharacters()) - before).toBe(asked.input.length);
    expect(home.node.requests.at(-1)?.body).not.toHaveProperty('stream_format');
  });

  it('stops the node within 250 ms when its listener leaves, and has cost its characters', async () => {
    const before = await spokenCharacters();
    for (const count of [1, 5, 20]) {
      const speech = Array.from({ length: 500 }, (_, at) => pieces[at % pieces.length]!);
      home.node.script = { models, speech, paceMs: 5 };
      const leaves = new AbortController();
      await listenFor(count, leaves.signal);
      const { aborted } = home.node;
      leaves.abort();
      await within(`the node stops after piece ${count}`, NodeStopsMs, home.node.waitForAborts(aborted + 1));
    }
    expect((await spokenCharacters()) - before).toBe(3 * asked.input.length);
  });

  it('to a listener who leaves while the node is silent stops it at the next comment', async () => {
    home.node.script = { models, speech: pieces, fault: { at: 6, how: 'stall' } };
    const { aborted } = home.node;
    const leaves = new AbortController();
    await listenFor(1, leaves.signal);
    leaves.abort();
    await within('the node stops', NodeStopsMs, home.node.waitForAborts(aborted + 1));
  });

  it.each(['fin', 'rst'] as const)('that the node breaks off by %s is an error, never the end', async (how) => {
    for (const at of [1, 7, pieces.length]) {
      home.node.script = { models, speech: pieces };
      expect(await hearAll()).toMatchObject({ isWhole: true });
      home.node.script = { models, speech: pieces, fault: { at, how } };
      const cut = await hearAll();
      expect(cut, `${how} at ${at}`).toMatchObject({ isWhole: false, error: { code: 'upstream_cut' } });
      expect(whole.subarray(0, cut!.audio.length).equals(cut!.audio)).toBe(true);
      await expect(client.audio.speech.create(asked), `${how} at ${at}`).rejects.toMatchObject({ status: 502 });
    }
  });
});
