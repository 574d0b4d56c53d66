import { describe, expect, it } from 'vitest';
import { BeatEveryMs, DeadAfterMs } from '../../../shared/contracts/tunnel.ts';
import {
  beaten,
  broken,
  connecting,
  decideStep,
  heard,
  opened,
  startTunnel,
  type TunnelState,
} from '../../../gpu-bridge/tunnel-state.ts';

const half = () => 0.5;
const open = (at: number): TunnelState => opened(connecting(startTunnel(at), at), at);

describe("the tunnel's life", () => {
  it('begins by dialling at once', () => {
    expect(decideStep(startTunnel(1_000), 1_000)).toBe('connect');
    expect(decideStep(connecting(startTunnel(0), 0), 1)).toBe('none');
  });

  it('gives up dialling after ten seconds', () => {
    const state = connecting(startTunnel(0), 0);
    expect(decideStep(state, 9_999)).toBe('none');
    expect(decideStep(state, 10_000)).toBe('give up');
  });

  it('beats every five seconds, once', () => {
    const state = open(0);
    expect(decideStep(state, BeatEveryMs - 1)).toBe('none');
    expect(decideStep(state, BeatEveryMs)).toBe('beat');
    expect(decideStep(beaten(state, BeatEveryMs), BeatEveryMs + 1)).toBe('none');
  });

  it('takes a platform that does not answer three beats for gone, and one that does for alive', () => {
    let silent = open(0);
    let alive = open(0);
    for (let now = BeatEveryMs; now < DeadAfterMs; now += BeatEveryMs) {
      silent = beaten(silent, now);
      alive = heard(beaten(alive, now), now + 1);
    }
    expect(decideStep(silent, DeadAfterMs - 1)).not.toBe('give up');
    expect(decideStep(silent, DeadAfterMs)).toBe('give up');
    expect(decideStep(alive, DeadAfterMs)).toBe('beat');
  });

  it('pauses longer after each failure, never beyond fifteen seconds, never the same for all', () => {
    let state: TunnelState = startTunnel(0);
    const pauses: number[] = [];
    for (let attempt = 0; attempt < 12; attempt++) {
      state = broken(connecting(state, 0), 0, half);
      pauses.push((state as { until: number }).until);
    }
    expect(pauses.slice(0, 4)).toEqual([188, 375, 750, 1_500]);
    expect(Math.max(...pauses)).toBe(11_250);
    const until = (random: number) =>
      (broken(connecting(startTunnel(0), 0), 0, () => random) as { until: number }).until;
    expect(until(0)).toBeLessThan(until(1));
  });

  it('forgets its failures only once a connection has held', () => {
    const failed = broken(connecting(broken(connecting(startTunnel(0), 0), 0, half), 0), 0, half);
    const reopened = opened(connecting(failed, 100), 100);
    expect(broken(reopened, 200, half)).toMatchObject({ failures: 3 });
    expect(broken(reopened, 10_100, half)).toMatchObject({ failures: 1 });
  });

  it('is heard of only while it is open', () => {
    const waiting = startTunnel(0);
    expect(heard(waiting, 5)).toBe(waiting);
    expect(beaten(waiting, 5)).toBe(waiting);
  });
});
