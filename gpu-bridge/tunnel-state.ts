/**
 * When a bridge dials, beats and gives up: the tunnel's life as plain data. A tunnel that breaks is dialled again after a
 * jittered pause that grows while dialling fails; a platform that is silent for too long counts as gone. Pure.
 */
import { computeBackoffMs } from '../shared/core/backoff.ts';
import { BeatEveryMs, DeadAfterMs } from '../shared/contracts/tunnel.ts';

const ConnectTimeoutMs = 10_000;
/** A tunnel that held this long was good: the next pause is short again. */
const StableMs = 10_000;
const backoff = { baseMs: 250, capMs: 15_000 };

export type TunnelState =
  | { readonly kind: 'waiting'; readonly until: number; readonly failures: number }
  | { readonly kind: 'connecting'; readonly since: number; readonly failures: number }
  | {
      readonly kind: 'open';
      readonly since: number;
      readonly heardAt: number;
      readonly beatAt: number;
      readonly failures: number;
    };

export type TunnelStep = 'none' | 'connect' | 'beat' | 'give up';

export function startTunnel(now: number): TunnelState {
  return { kind: 'waiting', until: now, failures: 0 };
}

export function decideStep(state: TunnelState, now: number): TunnelStep {
  if (state.kind === 'waiting') return now >= state.until ? 'connect' : 'none';
  if (state.kind === 'connecting') return now - state.since >= ConnectTimeoutMs ? 'give up' : 'none';
  if (now - state.heardAt >= DeadAfterMs) return 'give up';
  return now - state.beatAt >= BeatEveryMs ? 'beat' : 'none';
}

export function connecting(state: TunnelState, now: number): TunnelState {
  return { kind: 'connecting', since: now, failures: state.failures };
}

export function opened(state: TunnelState, now: number): TunnelState {
  return { kind: 'open', since: now, heardAt: now, beatAt: now, failures: state.failures };
}

export function beaten(state: TunnelState, now: number): TunnelState {
  return state.kind === 'open' ? { ...state, beatAt: now } : state;
}

export function heard(state: TunnelState, now: number): TunnelState {
  return state.kind === 'open' ? { ...state, heardAt: now } : state;
}

export function broken(state: TunnelState, now: number, random: () => number): TunnelState {
  const wasGood = state.kind === 'open' && now - state.since >= StableMs;
  const failures = wasGood ? 0 : state.failures;
  return { kind: 'waiting', until: now + computeBackoffMs(failures, { ...backoff, random }), failures: failures + 1 };
}
