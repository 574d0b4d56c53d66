import { describe, expect, it } from 'vitest';
import { JobQueue, type Lane, type QueueLimits } from '../../../gpu-bridge/job-queue.ts';
import { startWithFake } from '../../support/bridge-harness.ts';

type Job = { readonly name: string; readonly tenant: string; readonly lane: Lane };
const limits: QueueLimits = { maxJobs: 10, waitMs: { interactive: 1_000, standard: 10_000, batch: 100_000 } };
const job = (name: string, tenant = 'a', lane: Lane = 'standard'): Job => ({ name, tenant, lane });
const open = (...jobs: Job[]) => {
  const queue = new JobQueue<Job>(limits);
  for (const each of jobs) expect(queue.enter(each, 0)).toBeUndefined();
  return queue;
};
const drainOrder = (queue: JobQueue<Job>, tokens = 100): string => {
  let order = '';
  for (let next = queue.takeNext(() => true, 0); next; next = queue.takeNext(() => true, 0)) {
    order += next.name;
    queue.charge(next.tenant, tokens);
  }
  return order;
};

describe('whose turn it is', () => {
  it('is decided by lane first, inside a tenant by age', () => {
    const queue = open(job('1', 'a', 'batch'), job('2'), job('3', 'a', 'interactive'), job('4'));
    expect(drainOrder(queue)).toBe('3241');
  });

  it('is shared by tenants, however many jobs one of them sends', () => {
    const queue = open(
      job('1', 'loud'),
      job('2', 'loud'),
      job('3', 'loud'),
      job('4', 'loud'),
      job('x', 'quiet'),
      job('y', 'quiet'),
    );
    expect(drainOrder(queue)).toBe('1x2y34');
  });

  it('follows the tokens that were served, not the count of jobs', () => {
    const queue = open(job('1', 'long'), job('2', 'long'), job('x', 'short'), job('y', 'short'), job('z', 'short'));
    queue.charge('long', 250);
    expect(drainOrder(queue)).toBe('xyz12');
  });

  it('gives nobody credit for having asked nothing so far', () => {
    const queue = open(job('1', 'old'), job('2', 'old'));
    queue.charge('old', 1_000_000);
    for (const each of [job('x', 'new'), job('y', 'new')]) expect(queue.enter(each, 0)).toBeUndefined();
    expect(drainOrder(queue)).toBe('1x2y');
  });

  it('passes over a job that no node has room for', () => {
    const queue = open(job('1'), job('2'));
    expect(queue.takeNext(({ name }) => name === '2', 0)?.name).toBe('2');
    expect(queue.length).toBe(1);
  });
});

describe('a queue that fills', () => {
  it('sends away what can wait first, with the time after which to ask again', () => {
    const tenants = ['a', 'b', 'c'];
    const queue = open(...[0, 1, 2, 3, 4].map((at) => job(`${at}`, tenants[at % 3])));
    expect(queue.enter(job('x', 'd', 'batch'), 0)).toMatchObject({ code: 'service_unavailable', retryAfterMs: 250 });
    for (const at of [5, 6, 7]) expect(queue.enter(job(`${at}`, tenants[at % 3]), 0)).toBeUndefined();
    expect(queue.enter(job('x', 'd'), 0)?.code).toBe('service_unavailable');
    for (const at of [8, 9]) expect(queue.enter(job(`${at}`, 'd', 'interactive'), 0)).toBeUndefined();
    expect(queue.enter(job('x', 'e', 'interactive'), 0)?.code).toBe('service_unavailable');
  });

  it("is no one tenant's: half of it is the most that one may fill, and that is a 429", () => {
    const queue = open(...[0, 1, 2, 3, 4].map((at) => job(`${at}`, 'loud')));
    expect(queue.enter(job('5', 'loud', 'interactive'), 0)?.code).toBe('rate_limit_exceeded');
    expect(queue.enter(job('x', 'quiet'), 0)).toBeUndefined();
  });

  it('refuses a job at once that would not begin in time', () => {
    const queue = open(job('1', 'a', 'interactive'), job('2', 'b', 'interactive'), job('3', 'c', 'interactive'));
    queue.takeNext(() => true, 0);
    queue.takeNext(() => true, 20_000);
    expect(queue.enter(job('x', 'd', 'interactive'), 20_000)).toMatchObject({
      code: 'service_unavailable',
      retryAfterMs: 4_000,
    });
    expect(queue.enter(job('x', 'd', 'batch'), 20_000)).toBeUndefined();
  });
});

describe('a node that is full', () => {
  it('gets the waiting jobs one by one, each is answered, and never more at once than it may have', async () => {
    const { harness, node } = await startWithFake({ hang: true }, { node: { max_concurrency: 2 } });
    const answers = [1, 2, 3, 4, 5].map((at) => harness.chat({}, { tenant: `tnt_${at}` }));
    for (const count of [2, 4, 5]) {
      await node.waitForRequests(count);
      expect(node.requests).toHaveLength(count);
      node.release();
    }
    expect((await Promise.all(answers)).map((answer) => answer.status)).toEqual([200, 200, 200, 200, 200]);
  });

  it('lets a job that waits too long go with a 503 that says when to come back, and bills it nothing', async () => {
    const waitMs = { interactive: 20, standard: 20, batch: 20 };
    const options = { node: { max_concurrency: 1 }, timings: { queueLimits: { maxJobs: 4, waitMs } } };
    const { harness, node } = await startWithFake({ hang: true }, options);
    const first = harness.chat();
    await node.waitForRequests(1);
    const late = await harness.chatAndReceipt();
    expect([late.status, late.headers['retry-after-ms'], late.headers['x-should-retry']]).toEqual([503, '250', 'true']);
    expect(late.receipt).toMatchObject({ outcome: 'failed', node: 'none', input_tokens: 0, output_tokens: 0 });
    node.release();
    expect((await first).status).toBe(200);
    expect(node.requests).toHaveLength(1);
  });
});
