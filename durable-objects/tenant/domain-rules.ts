/**
 * The life of a custom hostname: pending -> verifying -> verified -> active, or failed. Pure. Ownership is looked for
 * with growing pauses for three days; then the provider is asked as long. An active one is checked again daily, and is
 * lost only when the proof was missing three times in a row. That nobody could be asked changes nothing.
 */
import { computeBackoffMs } from '../../shared/core/backoff.ts';
import type { DomainStatus } from '../../shared/contracts/domains.ts';

export const GiveUpMs = 72 * 60 * 60 * 1000;
export const RecheckMs = 24 * 60 * 60 * 1000;
export const RecheckSoonMs = 60 * 60 * 1000;
export const MaxMisses = 3;

export type DomainState = {
  readonly status: DomainStatus;
  /** Tries in vain since the state was entered; of an active one, misses in a row. */
  readonly attempts: number;
  /** When the present effort began. */
  readonly since: number;
  readonly nextCheckAt: number | null;
  readonly reason: string | null;
};

export type DomainOutcome =
  | { readonly kind: 'proven' }
  | { readonly kind: 'unproven'; readonly reason: string }
  | { readonly kind: 'set_up' }
  | { readonly kind: 'setting_up'; readonly reason: string }
  | { readonly kind: 'lost'; readonly reason: string }
  | { readonly kind: 'unknown'; readonly reason: string };

/** What is to be found out next. */
export function questionOf(status: DomainStatus): 'ownership' | 'provision' | undefined {
  if (status === 'failed') return undefined;
  return status === 'verified' ? 'provision' : 'ownership';
}

export function beginDomain(now: number): DomainState {
  return { status: 'pending', attempts: 0, since: now, nextCheckAt: now, reason: null };
}

export function decideDomain(
  state: DomainState,
  outcome: DomainOutcome,
  now: number,
  random: () => number,
): DomainState {
  const later = (attempts: number) =>
    now + computeBackoffMs(attempts, { baseMs: 30_000, capMs: RecheckSoonMs, random });
  const again = (status: DomainStatus, reason: string): DomainState => {
    if (now - state.since >= GiveUpMs) return failed(reason);
    return { status, attempts: state.attempts + 1, since: state.since, nextCheckAt: later(state.attempts), reason };
  };
  const failed = (reason: string): DomainState => ({ ...state, status: 'failed', nextCheckAt: null, reason });
  switch (outcome.kind) {
    case 'proven':
      return state.status === 'active'
        ? { ...state, attempts: 0, nextCheckAt: now + RecheckMs, reason: null }
        : { status: 'verified', attempts: 0, since: now, nextCheckAt: now, reason: null };
    case 'unproven': {
      if (state.status !== 'active') return again('verifying', outcome.reason);
      const attempts = state.attempts + 1;
      return attempts >= MaxMisses
        ? failed(outcome.reason)
        : { ...state, attempts, nextCheckAt: now + RecheckSoonMs, reason: outcome.reason };
    }
    case 'set_up':
      return { status: 'active', attempts: 0, since: now, nextCheckAt: now + RecheckMs, reason: null };
    case 'setting_up':
      return again('verified', outcome.reason);
    case 'lost':
      return failed(outcome.reason);
    case 'unknown':
      return { ...state, nextCheckAt: later(Math.min(state.attempts, 3)), reason: outcome.reason };
  }
}
