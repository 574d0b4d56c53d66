import { describe, expect, it } from 'vitest';
import {
  closedCircuit,
  decideNode,
  isOpen,
  recordFailure,
  recordNeutral,
  startAttempt,
  type Candidate,
} from '../../../gpu-bridge/dispatch.ts';

describe('the choice of a node', () => {
  const candidate = (name: string, partial: Partial<Candidate> = {}): Candidate => ({
    name,
    external: false,
    ready: true,
    serves: () => true,
    hasLoaded: () => true,
    capacity: null,
    outstanding: 0,
    outstandingTokens: 0,
    waiting: 0,
    circuit: closedCircuit,
    ...partial,
  });
  const ask = { operation: 'chat', model: 'm', allowExternal: false, tried: new Set<string>(), now: 1000 } as const;
  const chooseFor = (affinity: string | undefined, ...candidates: Candidate[]) => {
    const result = decideNode(candidates, { ...ask, affinity });
    return result.ok ? (result.value?.name ?? 'wait') : result.failure.code;
  };
  const choose = (...candidates: Candidate[]) => chooseFor(undefined, ...candidates);

  it('falls on the ready one with the least outstanding work', () => {
    expect(
      choose(
        candidate('a', { outstanding: 2 }),
        candidate('b', { outstanding: 1 }),
        candidate('c', { outstanding: 1 }),
      ),
    ).toBe('b');
    expect(choose(candidate('a', { ready: false }), candidate('b', { outstanding: 9 }))).toBe('b');
  });

  it('tells no such model from none ready from none allowed', () => {
    expect(choose()).toBe('model_not_found');
    expect(choose(candidate('a', { serves: () => false }))).toBe('model_not_found');
    expect(choose(candidate('a', { ready: false }))).toBe('node_unavailable');
    expect(choose(candidate('a', { external: true }))).toBe('permission_denied');
    expect(choose(candidate('a', { external: true }), candidate('b', { ready: false }))).toBe('node_unavailable');
  });

  it('leaves an open circuit alone, then sends one probe, whose end decides', () => {
    const random = () => 0;
    let circuit = closedCircuit;
    for (let count = 0; count < 3; count++) circuit = recordFailure(startAttempt(circuit), 1000, random);
    expect([isOpen(circuit, 1000), isOpen(circuit, 1499), isOpen(circuit, 1500)]).toEqual([true, true, false]);
    const probing = startAttempt(circuit);
    expect(isOpen(probing, 5000)).toBe(true);
    expect(isOpen(recordNeutral(probing), 5000)).toBe(false);
    const again = recordFailure(probing, 2000, random);
    expect([isOpen(again, 2999), isOpen(again, 3000)]).toEqual([true, false]);
  });

  it('falls on the one with the fewest tokens to do, counting what waits inside a node for others', () => {
    expect(choose(candidate('a', { outstandingTokens: 900, outstanding: 1 }), candidate('b', { outstanding: 9 }))).toBe(
      'b',
    );
    expect(choose(candidate('a', { waiting: 3 }), candidate('b', { outstandingTokens: 2000, outstanding: 1 }))).toBe(
      'b',
    );
  });

  it('prefers a node that has the model in memory, though it has more to do', () => {
    expect(choose(candidate('a', { hasLoaded: () => false }), candidate('b', { outstandingTokens: 5000 }))).toBe('b');
    expect(choose(candidate('a', { hasLoaded: () => false }), candidate('b', { ready: false }))).toBe('a');
  });

  it('waits where all that could serve are full, and never gives a node more than its capacity', () => {
    const full = candidate('a', { capacity: 2, outstanding: 2 });
    expect(choose(full)).toBe('wait');
    expect(choose(full, candidate('b', { outstanding: 9, outstandingTokens: 99_999 }))).toBe('b');
    expect(choose(candidate('a', { ready: false, capacity: 2 }))).toBe('node_unavailable');
  });

  it('keeps a conversation on its node, spreads conversations, and leaves a node that is much busier', () => {
    const names = ['a', 'b', 'c'];
    const nodes = (busy?: string) =>
      names.map((name) => candidate(name, name === busy ? { outstandingTokens: 9_000 } : {}));
    const counts = new Map<string, number>();
    for (let at = 0; at < 300; at++) {
      const own = chooseFor(`tnt conv${at}`, ...nodes());
      counts.set(own, (counts.get(own) ?? 0) + 1);
      expect(chooseFor(`tnt conv${at}`, ...nodes())).toBe(own);
      expect(chooseFor(`tnt conv${at}`, ...nodes(own))).not.toBe(own);
      const other = names.find((name) => name !== own)!;
      expect(chooseFor(`tnt conv${at}`, ...nodes().filter((each) => each.name !== other))).toBe(own);
    }
    for (const name of names) expect(counts.get(name)).toBeGreaterThan(60);
  });
});
