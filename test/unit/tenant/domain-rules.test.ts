/** The life of a custom hostname: nothing is active without a proof, nothing is lost by an outage. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  beginDomain,
  decideDomain,
  GiveUpMs,
  MaxMisses,
  questionOf,
  type DomainOutcome,
  type DomainState,
} from '../../../durable-objects/tenant/domain-rules.ts';

const random = () => 0.5;
const after = (state: DomainState, now: number, ...outcomes: DomainOutcome[]) =>
  outcomes.reduce((at, outcome) => decideDomain(at, outcome, now, random), state);
const missing: DomainOutcome = { kind: 'unproven', reason: 'no record' };

describe('a custom hostname', () => {
  test('becomes active by a proof and a provider, in that order, and is then checked daily', () => {
    const proven = after(beginDomain(0), 1_000, { kind: 'proven' });
    expect(proven).toMatchObject({ status: 'verified', nextCheckAt: 1_000 });
    expect(questionOf(proven.status)).toBe('provision');
    expect(after(proven, 2_000, { kind: 'set_up' })).toMatchObject({
      status: 'active',
      nextCheckAt: 2_000 + 86_400_000,
    });
  });

  test('without a proof is looked at ever later, and given up after three days', () => {
    const first = after(beginDomain(0), 0, missing);
    const tenth = after(beginDomain(0), 0, ...Array.from({ length: 10 }, () => missing));
    expect(first.status).toBe('verifying');
    expect(tenth.nextCheckAt!).toBeGreaterThan(first.nextCheckAt!);
    expect(after(first, GiveUpMs, missing)).toMatchObject({ status: 'failed', nextCheckAt: null });
  });

  test('that is active is lost by three misses in a row, not by fewer, and not by an outage', () => {
    const active = after(beginDomain(0), 0, { kind: 'proven' }, { kind: 'set_up' });
    const misses = (count: number) => after(active, 0, ...Array.from({ length: count }, () => missing));
    expect(misses(MaxMisses - 1).status).toBe('active');
    expect(misses(MaxMisses)).toMatchObject({ status: 'failed', nextCheckAt: null });
    expect(after(misses(MaxMisses - 1), 0, { kind: 'proven' }, missing, missing).status).toBe('active');
    const outage: DomainOutcome = { kind: 'unknown', reason: 'down' };
    expect(after(active, 0, ...Array.from({ length: 100 }, () => outage)).status).toBe('active');
  });

  test('is never active unless it was proven and set up, whatever happens', () => {
    const outcome = fc.constantFrom<DomainOutcome>(
      missing,
      { kind: 'proven' },
      { kind: 'set_up' },
      { kind: 'setting_up', reason: 'r' },
      { kind: 'lost', reason: 'r' },
      { kind: 'unknown', reason: 'r' },
    );
    fc.assert(
      fc.property(fc.array(fc.tuple(outcome, fc.integer({ min: 0, max: 86_400_000 })), { maxLength: 50 }), (steps) => {
        let state = beginDomain(0);
        let now = 0;
        let proven = false;
        for (const [wanted, pause] of steps) {
          const question = questionOf(state.status);
          if (question === undefined) break;
          const fits =
            question === 'provision' ? ['set_up', 'setting_up', 'lost', 'unknown'] : ['proven', 'unproven', 'unknown'];
          if (!fits.includes(wanted.kind)) continue;
          now += pause;
          proven ||= wanted.kind === 'proven';
          state = decideDomain(state, wanted, now, random);
          expect(state.status === 'active' && !proven).toBe(false);
          expect(state.nextCheckAt === null).toBe(state.status === 'failed');
        }
      }),
    );
  });
});
