/** The index over shards that fail: what it says, and that it never quietly finds less. */
import { describe, expect, test } from 'vitest';
import { err, ok, type Result } from '../../../shared/core/result.ts';
import { mintId } from '../../../shared/core/ids.ts';
import { EmbeddedVectorIndex, type VectorShardStub } from '../../../shared/store/embedded-vector-index.ts';

type Answers = Partial<Record<keyof VectorShardStub, (number: number) => Result<unknown>>>;

const found = (number: number, shards: number, dimensions = 4) =>
  ok({ count: 1, matches: [{ id: `hit${number}`, score: 1 - number / 10 }], shards, dimensions });
const lanes = (number: number, shards: number) =>
  ok({ near: [{ id: `hit${number}`, score: 1 }], matching: [], shards, dimensions: 4 });

function open(answers: Answers, silent: readonly number[] = []) {
  const calls: string[] = [];
  const stub = (number: number) =>
    new Proxy({} as VectorShardStub, {
      get: (_, method: keyof VectorShardStub) => async () => {
        calls.push(`${number}.${method}`);
        if (silent.includes(number)) throw new Error('the object is gone');
        return answers[method]!(number);
      },
    });
  return { calls, index: new EmbeddedVectorIndex(mintId('tenant', 0), stub) };
}

const query = [1, 0, 0, 0];
const hybrid = { vector: query, text: 'x', topK: 5 };

describe('a search over several shards', () => {
  test('asks as many as shard 0 says there are, and merges by score', async () => {
    const { calls, index } = open({ query: (number) => found(number, 3) });
    const { matches, degraded } = await index.query(query);
    expect(matches.map(({ id }) => id)).toEqual(['hit0', 'hit1', 'hit2']);
    expect(degraded).toBeUndefined();
    expect(calls.toSorted()).toEqual(['0.query', '1.query', '2.query']);
  });

  test.each([[[1]], [[1, 2]]])('names the silent shards %j beside what the others found', async (silent) => {
    const { index } = open({ query: (number) => found(number, 3), lanes: (number) => lanes(number, 3) }, silent);
    expect(await index.query(query)).toMatchObject({ count: 3 - silent.length, degraded: { shards: 3, silent } });
    expect(await index.search(hybrid)).toMatchObject({ degraded: { shards: 3, silent } });
    await expect(index.hybrid(hybrid)).rejects.toMatchObject({
      failure: {
        code: 'service_unavailable',
        message: `${silent.length} of 3 vector shards did not answer. Try again.`,
      },
    });
  });

  test('takes an empty shard that once was full for a lost one', async () => {
    const { index } = open({ query: (number) => found(number, 3, number === 1 ? 0 : 4) });
    expect(await index.query(query)).toMatchObject({ count: 2, degraded: { shards: 3, silent: [1] } });
    const young = open({ query: (number) => found(number, 3, number === 2 ? 0 : 4) });
    expect((await young.index.query(query)).degraded).toBeUndefined();
  });

  test('fails where nothing answers, and where a shard refuses', async () => {
    const { index } = open({ query: (number) => found(number, 1) }, [0]);
    await expect(index.query(query)).rejects.toMatchObject({ failure: { code: 'service_unavailable' } });
    const refusing = open({
      query: (number) => (number === 1 ? err('invalid_request', 'This index measures by dot.') : found(number, 2)),
    });
    await expect(refusing.index.query(query)).rejects.toMatchObject({ failure: { code: 'invalid_request' } });
  });
});

describe('a write that fills a shard', () => {
  const vectors = [{ id: 'a', values: query }];
  const full = () => ok({ mutationId: '1', vectorCount: 100_000, dimensions: 4 });

  test('opens the next one, and is done whether that succeeds or not', async () => {
    const good = open({ upsert: full, grow: () => ok() });
    expect(await good.index.upsert(vectors)).toEqual({ mutationId: '1' });
    expect(good.calls).toEqual(['0.upsert', '0.grow']);
    const bad = open({ upsert: full, grow: () => err('service_unavailable') });
    expect(await bad.index.upsert(vectors)).toEqual({ mutationId: '1' });
  });

  test('goes where shard 0 says, when there are more shards than it knew', async () => {
    const { calls, index } = open({
      upsert: (number) =>
        number === 0 ? ok({ unrouted: true }) : ok({ mutationId: '', vectorCount: 1, dimensions: 4 }),
      place: () => ok({ mutationId: '9', shards: 3, homes: [2] }),
    });
    expect(await index.upsert(vectors)).toEqual({ mutationId: '9' });
    expect(calls).toEqual(['0.upsert', '0.place', '2.upsert']);
  });
});
