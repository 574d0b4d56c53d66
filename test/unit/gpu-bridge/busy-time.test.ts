import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BusyTime } from '../../../gpu-bridge/busy-time.ts';
import { startWithFake } from '../../support/bridge-harness.ts';

describe('the busy time of a node', () => {
  it('is divided among those that share it', () => {
    const node = new BusyTime();
    const long = node.enter(1_000);
    const short = node.enter(1_100);
    short.leave(1_300);
    expect(short.shareMs(9_000)).toBe(100);
    long.leave(1_500);
    expect(long.shareMs(9_000)).toBe(100 + 100 + 200);
    const later = node.enter(20_000);
    later.leave(20_007);
    expect(later.shareMs(20_007)).toBe(7);
  });

  it('adds up to the time in which the node had any job, whatever comes and goes', () => {
    const steps = fc.array(fc.tuple(fc.nat(50), fc.boolean(), fc.nat(20)), { minLength: 1, maxLength: 60 });
    fc.assert(
      fc.property(steps, (all) => {
        const node = new BusyTime();
        const here: ReturnType<BusyTime['enter']>[] = [];
        const gone: ReturnType<BusyTime['enter']>[] = [];
        let [now, busy] = [0, 0];
        const leave = (at: number) => {
          const [job] = here.splice(at % here.length, 1);
          job?.leave(now);
          if (job) gone.push(job);
        };
        for (const [ms, comes, which] of all) {
          if (here.length > 0) busy += ms;
          now += ms;
          if (comes) here.push(node.enter(now));
          else if (here.length > 0) leave(which);
        }
        while (here.length > 0) leave(0);
        const given = gone.reduce((sum, job) => sum + job.shareMs(now), 0);
        expect(Math.abs(given - busy)).toBeLessThan(1e-6);
      }),
    );
  });

  it('is in the receipt of each job of a node whose GPUs are known, and of no other', async () => {
    const node = { gpus: 4 };
    const clock = { at: Date.now(), now: () => clock.at };
    const { harness, node: fake } = await startWithFake({ hang: true }, { node, deps: { clock } });
    const asked = harness.chatAndReceipt({ stream: true });
    await fake.waitForRequests(1);
    clock.at += 250;
    fake.release();
    expect((await asked).receipt).toMatchObject({ outcome: 'completed', gpu_ms: 1_000 });
    const plain = await startWithFake();
    expect((await plain.harness.chatAndReceipt()).receipt).not.toHaveProperty('gpu_ms');
  });
});
