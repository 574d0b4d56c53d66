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
};

function setUp() {
  const clock = { at: 5_000_000, now: () => clock.at };
  const leases = new GrantLeases(clock);
  leases.keep(tenant, request, grant);
  return { clock, leases };
}

describe('a lease of a grant', () => {
  it('ends before a second is over, so that a revoked key is refused within one', () => {
    const { clock, leases } = setUp();
    clock.at += 899;
    expect(leases.find(tenant, request)).toEqual(grant);
    clock.at += 1;
    expect(leases.find(tenant, request)).toBeUndefined();
  });

  it('ends when the clock jumps back', () => {
    const { clock, leases } = setUp();
    clock.at -= 60_000;
    expect(leases.find(tenant, request)).toBeUndefined();
    clock.at += 60_000;
    expect(leases.find(tenant, request)).toBeUndefined();
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
    expect(setUp().leases.find(otherTenant, other as AdmissionRequest)).toBeUndefined();
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
    leases.keep(tenant, asked, grant);
    expect(leases.find(tenant, asked)).toEqual(grant);
    expect(leases.find(tenant, { ...asked, credential: { ...user, ...change } as AdmissionRequest['credential'] })).toBeUndefined();
  });
});
