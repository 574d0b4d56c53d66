import { describe, expect, it } from 'vitest';
import type { AdmissionRequest, Grant } from '../../../shared/contracts/admission.ts';
import { mintId } from '../../../shared/core/ids.ts';
import { GrantLeases } from '../../../workers/edge/grant-leases.ts';

const tenant = mintId('tenant', 1);
const keyId = mintId('key', 1);
const request: AdmissionRequest = {
  credential: { kind: 'key', keyId, secretHash: 'a'.repeat(64) },
  permission: 'inference:invoke',
  agentRef: null,
  reach: 'agent',
};
const grant: Grant = {
  principal: { kind: 'key', id: keyId, permissions: [], scope: { project: null, environment: null, agent: null } },
  agent: null,
  lease: null,
  rate: null,
};

const micros = (amount: number) => ({ micros: amount, tokens: 0 });

function setUp() {
  const clock = { at: 5_000_000, now: () => clock.at };
  const leases = new GrantLeases(clock);
  leases.keep(tenant, request, grant, micros(1), clock.at);
  return { clock, leases };
}

describe('a lease of a grant', () => {
  it('ends before a second is over, so that a revoked key is refused within one', () => {
    const { clock, leases } = setUp();
    clock.at += 899;
    expect(leases.draw(tenant, request, micros(1))).toMatchObject({ kind: 'drawn', held: { grant } });
    clock.at += 1;
    expect(leases.draw(tenant, request, micros(1))).toEqual({ kind: 'empty' });
  });

  it('ends when the clock jumps back', () => {
    const { clock, leases } = setUp();
    clock.at -= 60_000;
    expect(leases.draw(tenant, request, micros(1))).toEqual({ kind: 'empty' });
    clock.at += 60_000;
    expect(leases.draw(tenant, request, micros(1))).toEqual({ kind: 'empty' });
  });

  it('does not outlive the credential that it was granted on', () => {
    const { clock, leases } = setUp();
    leases.keep(
      tenant,
      request,
      { ...grant, principal: { ...grant.principal, until: clock.at + 100 } },
      micros(1),
      clock.at,
    );
    clock.at += 99;
    expect(leases.draw(tenant, request, micros(1))).toMatchObject({ kind: 'drawn' });
    clock.at += 1;
    expect(leases.draw(tenant, request, micros(1))).toEqual({ kind: 'empty' });
  });

  it.each([
    ['another tenant', mintId('tenant', 2), request],
    ['another secret', tenant, { ...request, credential: { kind: 'key', keyId, secretHash: 'b'.repeat(64) } }],
    [
      'another key',
      tenant,
      { ...request, credential: { kind: 'key', keyId: mintId('key', 2), secretHash: 'a'.repeat(64) } },
    ],
    ['another permission', tenant, { ...request, permission: 'keys:write' }],
    ['another agent', tenant, { ...request, agentRef: 'concierge' }],
    ['another reach', tenant, { ...request, reach: 'own' }],
  ] as const)('does not admit %s', (_, otherTenant, other) => {
    expect(setUp().leases.draw(otherTenant, other as AdmissionRequest, micros(1))).toEqual({ kind: 'empty' });
  });

  const user = {
    kind: 'user',
    issuerId: mintId('issuer', 1),
    subject: 'ann',
    email: null,
    jti: 'one',
    roles: ['viewer'],
  } as const;
  it.each([
    ['issuer', { issuerId: mintId('issuer', 2) }],
    ['subject', { subject: 'ann null' }],
    ['address', { email: 'ann@example.com' }],
    ['roles', { roles: ['owner'] }],
    ['token', { jti: 'two' }],
  ])('of a user does not admit one of another %s', (_, change) => {
    const { leases, clock } = setUp();
    const asked: AdmissionRequest = { ...request, credential: user };
    const other = { ...asked, credential: { ...user, ...change } as AdmissionRequest['credential'] };
    leases.keep(tenant, asked, grant, micros(1), clock.at);
    expect(leases.draw(tenant, asked, micros(1))).toMatchObject({ kind: 'drawn', held: { grant } });
    expect(leases.draw(tenant, other, micros(1))).toEqual({ kind: 'empty' });
  });

  const visitor = { kind: 'visitor', visitorId: 'v', agentId: mintId('agent', 1), jti: 'one' } as const;
  it.each([
    ['visitor', { visitorId: 'w' }],
    ['agent', { agentId: mintId('agent', 2) }],
    ['session', { jti: 'two' }],
  ])('of a visitor does not admit one of another %s', (_, change) => {
    const { leases, clock } = setUp();
    const asked = { ...request, credential: visitor } as AdmissionRequest;
    const other = { ...request, credential: { ...visitor, ...change } } as AdmissionRequest;
    leases.keep(tenant, asked, grant, micros(1), clock.at);
    expect(leases.draw(tenant, asked, micros(1))).toMatchObject({ kind: 'drawn', held: { grant } });
    expect(leases.draw(tenant, other, micros(1))).toEqual({ kind: 'empty' });
  });
});

describe('the money and the requests of a grant', () => {
  const lease = { id: mintId('lease', 1), micros: 100, tokens: null, runs: null };
  const rate = { requests: 3, second: 7, states: { requests: { limit: 60, remaining: 50, resetMs: 60_000 } } };

  it('are given out only as far as they were held, and what is left goes back once', () => {
    const leases = new GrantLeases({ now: () => 1 });
    const held = leases.keep(tenant, request, { ...grant, lease }, micros(30), 1);
    expect(leases.draw(tenant, request, micros(60)).kind).toBe('drawn');
    expect(leases.draw(tenant, request, micros(11))).toEqual({
      kind: 'empty',
      left: { lease: { id: lease.id, micros: 10, tokens: 0, runs: 0 } },
    });
    expect(leases.giveUp(held)).toBeUndefined();
  });

  it('count the requests as well', () => {
    const leases = new GrantLeases({ now: () => 1 });
    leases.keep(tenant, request, { ...grant, rate }, micros(1), 1);
    expect(leases.draw(tenant, request, micros(1)).kind).toBe('drawn');
    expect(leases.draw(tenant, request, micros(1)).kind).toBe('drawn');
    expect(leases.draw(tenant, request, micros(1))).toEqual({ kind: 'empty' });
  });

  it('hand back requests that were not made', () => {
    const leases = new GrantLeases({ now: () => 1 });
    const held = leases.keep(tenant, request, { ...grant, rate }, micros(1), 1);
    expect(leases.giveUp(held)).toEqual({ rate: { key: keyId, second: 7, requests: 2 } });
  });
  it('bound tokens and runs in flight as they bound money', () => {
    const leases = new GrantLeases({ now: () => 1 });
    const bounded = { ...grant, lease: { ...lease, micros: null, tokens: 100, runs: 3 } };
    const held = leases.keep(tenant, request, bounded, { micros: 5, tokens: 40 }, 1);
    expect(leases.draw(tenant, request, { micros: 5, tokens: 50 }).kind).toBe('drawn');
    expect(held).toMatchObject({ leftTokens: 10, leftRuns: 1 });
    expect(leases.draw(tenant, request, { micros: 5, tokens: 11 })).toEqual({
      kind: 'empty',
      left: { lease: { id: lease.id, micros: 0, tokens: 10, runs: 1 } },
    });
    leases.keep(tenant, request, bounded, { micros: 5, tokens: 1 }, 1);
    for (let run = 0; run < 2; run++) expect(leases.draw(tenant, request, { micros: 5, tokens: 1 }).kind).toBe('drawn');
    expect(leases.draw(tenant, request, { micros: 5, tokens: 1 }).kind).toBe('empty');
  });

  it('end with the moment at which they were asked for, not with that of the answer', () => {
    const clock = { at: 10_000, now: () => clock.at };
    const leases = new GrantLeases(clock);
    leases.keep(tenant, request, grant, micros(1), clock.at - 500);
    clock.at += 399;
    expect(leases.draw(tenant, request, micros(1)).kind).toBe('drawn');
    clock.at += 1;
    expect(leases.draw(tenant, request, micros(1)).kind).toBe('empty');
  });
});
