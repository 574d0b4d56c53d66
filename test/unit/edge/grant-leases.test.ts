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

  it('does not outlive the credential that it was granted on', () => {
    const { clock, leases } = setUp();
    leases.keep(tenant, request, { ...grant, principal: { ...grant.principal, until: clock.at + 100 } });
    clock.at += 99;
    expect(leases.find(tenant, request)).toBeDefined();
    clock.at += 1;
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
});
