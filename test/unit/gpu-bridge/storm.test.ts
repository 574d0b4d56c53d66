/** `STORM_REQUESTS` sets how many (10000 takes some minutes), `FREEHOLD_SEED` which; both are printed. */
import { expect, it } from 'vitest';
import { mintId } from '../../../shared/core/ids.ts';
import { joinText, readEvents, startFakeNode, startHarness } from '../../support/bridge-harness.ts';
import type { Receipt } from '../../../shared/contracts/inference.ts';
import type { FakeNode, FakeScript } from '../../support/fake-node.ts';
import { randomFrom, seed } from '../../support/seeded-random.ts';

const count = Number(process.env['STORM_REQUESTS'] ?? 300);
const Sentence = 'one two three four five';
const AtOnce = 32;

/** Whatever a node may do; all of it lists its models, and lies about its health as it likes. */
const moods: readonly (() => FakeScript)[] = [
  () => ({}),
  () => ({}),
  () => ({ paceMs: 2 }),
  () => ({ hang: true }),
  () => ({ hang: true, canary: 'hang' }),
  () => ({ fault: { at: 2, how: 'fin' } }),
  () => ({ fault: { at: 3, how: 'rst' } }),
  () => ({ fault: { at: 1, how: 'garbage' } }),
  () => ({ fault: { at: 4, how: 'stall' } }),
  () => ({ fault: { at: 2, how: 'error-event' } }),
  () => ({ refuse: { status: 500, body: '<html>' }, canary: 'html' }),
  () => ({ refuse: { status: 503, body: { error: 'busy' } } }),
  () => ({ finish: 'abort' }),
];

/** The runs of which a node produced something else than was billed, and what it did to their streams. */
function traceDifferences(nodes: readonly FakeNode[], settled: ReadonlyMap<string, Receipt>) {
  return nodes.flatMap((node) =>
    [...node.streams].flatMap(([run, { produced, fault }]) => {
      const { output_tokens: billed, outcome } = settled.get(run)!;
      return produced === billed ? [] : [{ run, tokens: produced - billed, outcome, why: fault ?? 'a stop' }];
    }),
  );
}

it(`every one of ${count} requests to failing nodes ends once, whole or with an error, and is billed what it got (seed ${seed})`, async () => {
  const random = randomFrom(seed);
  const pick = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)]!;
  const nodes = await Promise.all(Array.from({ length: 6 }, () => startFakeNode()));
  const config = nodes.map((node, at) => ({
    kind: 'openai-compatible' as const,
    name: `n${at}`,
    url: node.url,
    max_concurrency: 16,
    always_stream: true,
  }));
  const limits = { idleTimeoutMs: 300, firstChunkTimeoutMs: 300, canaryEveryMs: 100, canaryTimeoutMs: 200 };
  const harness = await startHarness({ nodes: config, timings: { ...limits, discoverEveryMs: 50 } });
  let whole = 0;
  const ask = async () => {
    const stream = random() < 0.7;
    const run = mintId('run', Date.now());
    const answer = await harness.chat({ stream }, { jti: run, timeout_ms: 1500, tenant: `tnt_${pick([1, 2, 3])}` });
    const events = stream && answer.status === 200 ? readEvents(answer.text) : undefined;
    const body = events
      ? undefined
      : (JSON.parse(answer.text) as { error?: object; choices?: { message: { content: string } }[] });
    const text = events ? joinText(events.chunks) : (body?.choices?.[0]?.message.content ?? '');
    const isWhole = events ? events.done : answer.status === 200;
    // Either the whole answer or an error, never both and never neither; nothing comes twice.
    expect(isWhole).not.toBe(Boolean(events ? events.error : body?.error));
    expect(Sentence.startsWith(text.trim())).toBe(true);
    if (isWhole) expect(text).toBe(Sentence);
    const receipt = await harness.platform.waitForReceipt(run);
    expect(receipt.outcome).toBe(isWhole ? 'completed' : 'failed');
    if (stream || isWhole) expect(receipt.output_tokens).toBe(text === '' ? 0 : text.trim().split(' ').length);
    if (isWhole) whole++;
    return receipt;
  };
  let left = count;
  let billed = 0;
  const work = async () => {
    while (left-- > 0) {
      if (random() < 0.2) {
        const node = pick(nodes);
        node.script = random() < 0.5 ? {} : pick(moods)();
        node.release();
      }
      if (left === Math.floor(count / 2)) await nodes[0]!.close();
      const { output_tokens: tokens } = await ask();
      billed += tokens;
    }
  };
  await Promise.all(Array.from({ length: AtOnce }, work));
  expect(harness.platform.settled.size).toBe(count);
  expect(new Set(harness.platform.arrived.map((receipt) => receipt.id)).size).toBe(count);
  const produced = nodes.reduce((sum, node) => sum + node.produced, 0);
  const lost = traceDifferences(nodes, harness.platform.settled);
  expect(billed + lost.reduce((sum, each) => sum + each.tokens, 0)).toBe(produced);
  // Whoever got a whole answer is billed every token of it. Of the others a token is missing only where the node wrote on
  // after what ended the answer, or its connection was reset with the token on its way: neither can be known at this end.
  expect(lost.filter(({ tokens, outcome }) => tokens < 0 || outcome === 'completed')).toEqual([]);
  expect(billed).toBeGreaterThanOrEqual(whole * 5);
  expect(whole).toBeGreaterThan(0);
  const reasons = [...Map.groupBy(lost, ({ why }) => why)].map(([why, all]) => `${all.length} by ${why}`).join(', ');
  console.log(
    `storm: seed ${seed}, ${count} requests, ${whole} whole, ${billed} tokens billed, ${produced} produced (${reasons})`,
  );
}, 900_000);
