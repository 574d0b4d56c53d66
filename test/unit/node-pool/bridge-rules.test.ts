import { describe, expect, it } from 'vitest';
import { isOwed, KeyMaxAgeMs } from '../../../shared/contracts/bridges.ts';
import { mintId, timeOfId } from '../../../shared/core/ids.ts';
import {
  decideEnrolment,
  KeyOverlapMs,
  validKeys,
  type BridgeKeyRow,
  type EnrolmentTerms,
} from '../../../durable-objects/node-pool/bridge-rules.ts';

const now = Date.UTC(2026, 5, 1);
const iss = mintId('bridge', now);
const other = mintId('bridge', now);
const key = (x: string) => ({ kty: 'OKP' as const, crv: 'Ed25519' as const, x });
const row = (x: string, partial: Partial<BridgeKeyRow> = {}): BridgeKeyRow => ({
  x,
  accepted_at: now,
  ends_at: null,
  ...partial,
});
const open = (partial: Partial<EnrolmentTerms> = {}): EnrolmentTerms => ({
  bridge: null,
  expires_at: now + 1_000,
  used_at: null,
  ...partial,
});
const request = { iss, public_key: key('a') };
const known = { id: iss, revoked_at: null };

describe('an enrolment', () => {
  it('registers a bridge that nobody knows', () => {
    expect(decideEnrolment(open(), undefined, [], request, now)).toEqual({ ok: true, value: 'register' });
    expect(decideEnrolment(open({ bridge: iss }), undefined, [], request, now)).toMatchObject({ value: 'register' });
  });

  it('lets a bridge that is known move with its own key, and change keys only by a token that names it', () => {
    expect(decideEnrolment(open(), known, [row('a')], request, now)).toMatchObject({ value: 'move' });
    expect(decideEnrolment(open(), known, [row('b')], request, now)).toMatchObject({ failure: { code: 'conflict' } });
    expect(decideEnrolment(open({ bridge: iss }), known, [row('b')], request, now)).toMatchObject({
      value: 'replace_keys',
    });
  });

  const refusals: [string, Parameters<typeof decideEnrolment>, string, RegExp][] = [
    ['a token that nobody made', [undefined, undefined, [], request, now], 'invalid_api_key', /not known/],
    ['a used token', [open({ used_at: 1 }), undefined, [], request, now], 'conflict', /used before/],
    ['an expired token', [open({ expires_at: now }), undefined, [], request, now], 'invalid_api_key', /expired/],
    [
      'a token of another bridge',
      [open({ bridge: other }), undefined, [], request, now],
      'permission_denied',
      /not for/,
    ],
    [
      'a revoked bridge',
      [open(), { id: iss, revoked_at: 1 }, [row('a')], request, now],
      'permission_denied',
      /was revoked.*enrol it anew/,
    ],
    [
      'a key that is too old',
      [open(), known, [row('a', { accepted_at: now - KeyMaxAgeMs })], request, now],
      'permission_denied',
      /older than 90 days.*enrol <token>/,
    ],
    [
      'a key that was replaced',
      [open({ bridge: iss }), known, [row('a', { ends_at: now }), row('b')], request, now],
      'permission_denied',
      /npm run bridge/,
    ],
  ];
  it.each(refusals)('by %s is refused, and says what to do', (_, args, code, text) => {
    const decision = decideEnrolment(...args);
    expect(decision).toMatchObject({ ok: false, failure: { code } });
    if (!decision.ok) expect(decision.failure.message).toMatch(text);
  });
});

describe("a bridge's keys", () => {
  it('count both for an hour after a rotation, and then the new one alone', () => {
    const keys = [row('new'), row('old', { accepted_at: 0, ends_at: now + KeyOverlapMs })];
    const at = (time: number) => validKeys(iss, [keys[0]!, { ...keys[1]!, accepted_at: now - 1 }], time);
    expect(at(now + KeyOverlapMs - 1)).toMatchObject({ value: ['new', 'old'] });
    expect(at(now + KeyOverlapMs)).toMatchObject({ value: ['new'] });
  });

  it('count for ninety days, to the millisecond, and then say what to do', () => {
    expect(validKeys(iss, [row('a')], now + KeyMaxAgeMs - 1)).toMatchObject({ ok: true });
    const old = validKeys(iss, [row('a')], now + KeyMaxAgeMs);
    expect(old).toMatchObject({ ok: false, failure: { code: 'permission_denied' } });
    if (!old.ok) expect(old.failure.message).toContain(`{"bridge": "${iss}"}`);
  });
});

describe('a revoked bridge', () => {
  it('is owed for what was admitted before, and for nothing after', () => {
    const run = mintId('run', now);
    expect(timeOfId(run)).toBe(now);
    expect(isOwed(run, null)).toBe(true);
    expect(isOwed(run, now)).toBe(true);
    expect(isOwed(run, now - 2_000)).toBe(true);
    expect(isOwed(run, now - 2_001)).toBe(false);
  });
});
