import { describe, expect, it } from 'vitest';
import { meanFirstTokenMs, parseVllmMetrics } from '../../../gpu-bridge/nodes/vllm-metrics.ts';
import { startFakeNode, startHarness, startWithFake } from '../../support/bridge-harness.ts';
import { waitUntil } from '../../support/wait-until.ts';

const fast = { canaryEveryMs: 0, canaryTimeoutMs: 5000, discoverEveryMs: 20, announceEveryMs: 20, listTimeoutMs: 5000 };
/** For nodes that let canaries hang; on a busy machine the others may miss one too, and return. */
const impatient = { ...fast, canaryTimeoutMs: 200 };

async function statesOf(url: string): Promise<Record<string, string>> {
  const { nodes } = (await (await fetch(`${url}/healthz`)).json()) as { nodes: { name: string; state: string }[] };
  return Object.fromEntries(nodes.map((node) => [node.name, node.state]));
}

describe('a node that lists its models', () => {
  for (const canary of ['hang', 'empty', 'html'] as const) {
    it(`but answers a canary with ${canary}, gets no job; it does when it gives a token`, async () => {
      const { harness, node } = await startWithFake({ canary }, { timings: impatient });
      expect((await harness.chat()).status).toBe(503);
      expect(node.requests).toHaveLength(0);
      await node.waitForCanaries(3);
      await waitUntil('the state', async () => (await statesOf(harness.bridge.url))['fake'] === 'hung');
      expect(harness.platform.announcements.at(-1)?.models.map((model) => model.id)).not.toContain('tiny');
      node.script.canary = 'answer';
      await waitUntil('an answer', async () => (await harness.chat()).status === 200);
    });
  }

  it('and then hangs is out, and another with the model serves', async () => {
    const [first, second] = [await startFakeNode(), await startFakeNode()];
    const nodes = [first, second].map((node, at) => ({
      kind: 'openai-compatible' as const,
      name: `n${at}`,
      url: node.url,
    }));
    const harness = await startHarness({ nodes, timings: impatient });
    first.script.canary = 'hang';
    await waitUntil('the state', async () => (await statesOf(harness.bridge.url))['n0'] === 'hung');
    await waitUntil('an answer of the other', async () => (await harness.chat()).headers['x-freehold-node'] === 'n1');
    expect(first.requests).toHaveLength(0);
    await harness.platform.waitFor(() =>
      harness.platform.announcements.some((each) =>
        each.node_changes?.some((change) => change.node === 'n0' && change.state === 'hung'),
      ),
    );
  });

  it('is asked for no token while it has shown by a job that it gives some', async () => {
    const { harness, node } = await startWithFake({}, { timings: { canaryEveryMs: 1e9 } });
    expect(node.canaries).toBe(1);
    await harness.chat({ stream: true });
    await harness.bridge.refresh();
    expect(node.canaries).toBe(1);
  });
});

describe('a node that the operator drains', () => {
  it('finishes what it has, gets no more, and comes back when it is resumed', async () => {
    const { harness, node } = await startWithFake({ hang: true }, { timings: fast });
    const before = harness.chat();
    await node.waitForRequests(1);
    const isIn = async (state: string) => (await statesOf(harness.bridge.url))['fake'] === state;
    harness.platform.draining = ['fake'];
    await waitUntil('the drain', () => isIn('draining'));
    expect((await harness.chat()).status).toBe(503);
    node.script.hang = false;
    node.release();
    expect((await before).status).toBe(200);
    harness.platform.draining = [];
    await waitUntil('the return', () => isIn('ready'));
    expect((await harness.chat()).status).toBe(200);
    expect(node.requests).toHaveLength(2);
  });
});

describe('Ollama', () => {
  it('is never made to load a model for a canary', async () => {
    const { node } = await startWithFake({ loaded: [] }, { node: { kind: 'ollama' }, timings: fast });
    expect(node.canaries).toBe(0);
    const { node: warm } = await startWithFake({ loaded: ['tiny'] }, { node: { kind: 'ollama' }, timings: fast });
    expect(warm.canaries).toBeGreaterThan(0);
  });
});

describe("vLLM's metrics", () => {
  const text = (sum: number, count: number) => `# HELP vllm:num_requests_running x
vllm:num_requests_running{engine="0",model_name="m"} 3.0
vllm:num_requests_running{engine="1",model_name="m"} 1.0
vllm:num_requests_waiting{engine="0",model_name="m"} 7.0
vllm:time_to_first_token_seconds_sum{engine="0"} ${sum}
vllm:time_to_first_token_seconds_count{engine="0"} ${count}
garbage
`;

  it('tell how many jobs run and wait, over all engines, and how long the first token takes lately', () => {
    const [before, now] = [parseVllmMetrics(text(10, 100)), parseVllmMetrics(text(11, 110))];
    expect(now).toMatchObject({ running: 4, waiting: 7 });
    expect(meanFirstTokenMs(before, now)).toBe(100);
    expect(meanFirstTokenMs(now, now)).toBeNull();
    expect(meanFirstTokenMs(now, before)).toBeNull();
  });

  it('that are missing are unknown, not zero', () => {
    expect(parseVllmMetrics('<html>')).toMatchObject({ running: null, waiting: null });
  });

  it('reach the platform with the announcement', async () => {
    const { harness } = await startWithFake({ metrics: text(1, 1) }, { node: { kind: 'vllm' }, timings: fast });
    await harness.platform.waitFor(() => harness.platform.announcements.length > 0);
    expect(harness.platform.announcements.at(-1)?.nodes?.[0]).toMatchObject({ name: 'fake', running: 4, waiting: 7 });
  });
});
