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

function setUp() {
  const clock = { at: 5_000_000, now: () => clock.at };
  const leases = new GrantLeases(clock);
  leases.keep(tenant, request, grant, 1);
  return { clock, leases };
}

describe('a lease of a grant', () => {
  it('ends before a second is over, so that a revoked key is refused within one', () => {
    const { clock, leases } = setUp();
    clock.at += 899;
    expect(leases.draw(tenant, request, 1)).toMatchObject({ kind: 'drawn', held: { grant } });
    clock.at += 1;
    expect(leases.draw(tenant, request, 1)).toEqual({ kind: 'empty' });
  });

  it('ends when the clock jumps back', () => {
    const { clock, leases } = setUp();
    clock.at -= 60_000;
    expect(leases.draw(tenant, request, 1)).toEqual({ kind: 'empty' });
    clock.at += 60_000;
    expect(leases.draw(tenant, request, 1)).toEqual({ kind: 'empty' });
  });

  it('does not outlive the credential that it was granted on', () => {
    const { clock, leases } = setUp();
    leases.keep(tenant, request, { ...grant, principal: { ...grant.principal, until: clock.at + 100 } }, 1);
    clock.at += 99;
    expect(leases.draw(tenant, request, 1)).toMatchObject({ kind: 'drawn' });
    clock.at += 1;
    expect(leases.draw(tenant, request, 1)).toEqual({ kind: 'empty' });
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
    expect(setUp().leases.draw(otherTenant, other as AdmissionRequest, 1)).toEqual({ kind: 'empty' });
  });

  const user = { kind: 'user', issuerId: mintId('issuer', 1), subject: 'ann', email: null, roles: ['viewer'] } as const;
  it.each([
    ['issuer', { issuerId: mintId('issuer', 2) }],
    ['subject', { subject: 'ann null' }],
    ['address', { email: 'ann@example.com' }],
    ['roles', { roles: ['owner'] }],
  ])('of a user does not admit one of another %s', (_, change) => {
    const { leases } = setUp();
    const asked: AdmissionRequest = { ...request, credential: user };
    const other = { ...asked, credential: { ...user, ...change } as AdmissionRequest['credential'] };
    leases.keep(tenant, asked, grant, 1);
    expect(leases.draw(tenant, asked, 1)).toMatchObject({ kind: 'drawn', held: { grant } });
    expect(leases.draw(tenant, other, 1)).toEqual({ kind: 'empty' });
  });
});

describe('the money and the requests of a grant', () => {
  const lease = { id: mintId('lease', 1), micros: 100 };
  const rate = { requests: 3, second: 7, state: { limit: 60, remaining: 50, resetMs: 60_000 } };

  it('are given out only as far as they were held, and what is left goes back once', () => {
    const leases = new GrantLeases({ now: () => 1 });
    const held = leases.keep(tenant, request, { ...grant, lease }, 30);
    expect(leases.draw(tenant, request, 60).kind).toBe('drawn');
    expect(leases.draw(tenant, request, 11)).toEqual({ kind: 'empty', left: { lease: { id: lease.id, micros: 10 } } });
    expect(leases.giveUp(held)).toBeUndefined();
  });

  it('count the requests as well', () => {
    const leases = new GrantLeases({ now: () => 1 });
    leases.keep(tenant, request, { ...grant, rate }, 1);
    expect(leases.draw(tenant, request, 1).kind).toBe('drawn');
    expect(leases.draw(tenant, request, 1).kind).toBe('drawn');
    expect(leases.draw(tenant, request, 1)).toEqual({ kind: 'empty' });
  });

  it('hand back requests that were not made', () => {
    const leases = new GrantLeases({ now: () => 1 });
    const held = leases.keep(tenant, request, { ...grant, rate }, 1);
    expect(leases.giveUp(held)).toEqual({ rate: { key: keyId, second: 7, requests: 2 } });
  });
});
