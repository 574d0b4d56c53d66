import { describe, expect, it } from 'vitest';
import { closedCircuit, type Circuit } from '../../../gpu-bridge/dispatch.ts';
import {
  decideEjection,
  decideState,
  needsCanary,
  recordListed,
  recordMissedCanary,
  recordOutcome,
  recordProof,
  unknownHealth,
  type NodeHealth,
} from '../../../gpu-bridge/node-health.ts';

const proven: NodeHealth = { ...unknownHealth, listed: true, proven: true, proofAt: 1000 };
const judged = (outcomes: string): NodeHealth =>
  [...outcomes].reduce((health, each) => recordOutcome(health, each === '+'), proven);
const stateOf = (health: NodeHealth, circuit: Circuit = closedCircuit, now = 5000) => decideState(health, circuit, now);

describe('the state of a node', () => {
  it('is not ready before it has produced a token, whatever it lists', () => {
    const listed = recordListed(unknownHealth, true, true);
    expect(stateOf(listed)).toBe('starting');
    expect(stateOf(recordProof(listed, 1))).toBe('ready');
    expect(stateOf(recordListed(unknownHealth, true, false))).toBe('ready');
  });

  it('is hung after two canaries in a row that came to nothing, and ready again with the next token', () => {
    const once = recordMissedCanary(proven, 2000);
    expect(stateOf(once)).toBe('ready');
    const twice = recordMissedCanary(once, 3000);
    expect(stateOf(twice)).toBe('hung');
    expect(stateOf(recordProof(twice, 4000))).toBe('ready');
    expect(stateOf(recordMissedCanary(recordProof(once, 2500), 3000))).toBe('ready');
  });

  it('takes no canary for missed while the node produces for others', () => {
    const busy = recordProof(proven, 2500);
    expect(recordMissedCanary(recordMissedCanary(busy, 2000), 2400)).toEqual(busy);
  });

  it('has to prove itself anew after it was lost', () => {
    const back = recordListed(recordListed(proven, false, true), true, true);
    expect(stateOf(back)).toBe('starting');
  });

  it('follows its circuit: open, half-open after its time, draining and lost before all else', () => {
    const broken: Circuit = { failures: 3, openUntil: 6000, probing: false };
    expect(stateOf(proven, broken, 5999)).toBe('open');
    expect(stateOf(proven, broken, 6000)).toBe('half_open');
    expect(stateOf({ ...proven, draining: true }, broken)).toBe('draining');
    expect(stateOf({ ...proven, draining: true, listed: false }, broken)).toBe('lost');
  });
});

describe('a canary', () => {
  it('is sent only where nothing else has shown lately that the node lives', () => {
    expect(needsCanary(proven, 10_999, 10_000)).toBe(false);
    expect(needsCanary(proven, 11_000, 10_000)).toBe(true);
    expect(needsCanary({ ...proven, proven: false }, 1001, 10_000)).toBe(true);
    expect(needsCanary({ ...proven, listed: false }, 99_999, 10_000)).toBe(false);
  });
});

describe('outlier ejection', () => {
  it('takes out a node that fails half of the time while a peer does not, and lets it return by itself', () => {
    const bad = judged('+-+-+-+-');
    const out = decideEjection(bad, [judged('++++++++')], 1000);
    expect(stateOf(out, closedCircuit, 1001)).toBe('ejected');
    expect(stateOf(out, closedCircuit, 31_000)).toBe('ready');
  });

  it('doubles the time for one that does not get better, and forgets that once it has', () => {
    const again = decideEjection({ ...judged('+-+-+-+-'), ejections: 1 }, [proven], 0);
    expect(again.ejectedUntil).toBe(60_000);
    const healed = [...'++++++++'].reduce((health) => recordOutcome(health, true), again);
    expect(healed.ejections).toBe(0);
  });

  it('never takes out the last node, nor one among peers that are no better, nor one that was hardly tried', () => {
    const bad = judged('+-+-+-+-');
    expect(decideEjection(bad, [], 0)).toBe(bad);
    expect(decideEjection(bad, [judged('-+-+-+-+')], 0)).toBe(bad);
    const few = judged('-+-+');
    expect(decideEjection(few, [proven], 0)).toBe(few);
  });
});
