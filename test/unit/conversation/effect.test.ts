/** The rules of effects and approvals. */
import { describe, expect, test } from 'vitest';
import {
  bindingOf,
  decideDispatch,
  judgeApproval,
  MaxDispatches,
  type Approval,
  type BoundTo,
} from '../../../durable-objects/conversation/effect.ts';

const bound: BoundTo = {
  tool: 'pay',
  arguments: '{"amount":100}',
  agent: 'agt_1',
  agentVersion: 3,
  principalKind: 'key',
  principalId: 'key_1',
};
const approvalOf = (change: Partial<Approval> = {}): Approval => ({
  id: 'appr_1',
  responseId: 'resp_1',
  callId: 'fc_1',
  serverLabel: 'http',
  boundTo: bound,
  binding: bindingOf(bound),
  status: 'approved',
  createdAt: 1_000,
  expiresAt: 2_000,
  decidedAt: 1_500,
  decidedBy: { kind: 'key', id: 'key_2' },
  reason: null,
  usedAt: null,
  ...change,
});

describe('an effect', () => {
  test('that was dispatched is made again only where its tool is idempotent, and not for ever', () => {
    expect(decideDispatch({ status: 'planned', idempotent: false, attempts: 0 })).toBe('dispatch');
    expect(decideDispatch({ status: 'dispatched', idempotent: false, attempts: 1 })).toBe('lost');
    expect(decideDispatch({ status: 'dispatched', idempotent: true, attempts: 1 })).toBe('dispatch');
    expect(decideDispatch({ status: 'dispatched', idempotent: true, attempts: MaxDispatches })).toBe('lost');
  });

  test.each(['confirmed', 'failed', 'unknown'] as const)('that is %s is never made again', (status) => {
    for (const idempotent of [true, false]) expect(decideDispatch({ status, idempotent, attempts: 1 })).toBe('settled');
  });
});

describe('an approval', () => {
  test('holds for exactly the call that was shown', () => {
    expect(judgeApproval(approvalOf(), bound, 1_600)).toBe('use');
  });

  test.each<[string, Partial<BoundTo>]>([
    ['other arguments', { arguments: '{"amount":1000}' }],
    ['another tool', { tool: 'transfer' }],
    ['another agent', { agent: 'agt_2' }],
    ['another version of the agent', { agentVersion: 4 }],
    ['another caller', { principalId: 'key_9' }],
    ['another kind of caller', { principalKind: 'visitor' }],
  ])('holds for nothing with %s', (_, change) => {
    expect(judgeApproval(approvalOf(), { ...bound, ...change }, 1_600)).toBe('void');
  });

  test('holds once', () => {
    expect(judgeApproval(approvalOf({ usedAt: 1_700 }), bound, 1_800)).toBe('void');
  });

  test('that nobody gave in time has expired, and one that was refused is refused', () => {
    const pending = approvalOf({ status: 'pending', decidedAt: null, decidedBy: null });
    expect(judgeApproval(pending, bound, 1_999)).toBe('wait');
    expect(judgeApproval(pending, bound, 2_000)).toBe('expired');
    expect(judgeApproval(approvalOf({ status: 'denied' }), bound, 1_600)).toBe('denied');
    expect(judgeApproval(approvalOf({ status: 'expired' }), bound, 1_600)).toBe('expired');
    expect(judgeApproval(approvalOf({ status: 'cancelled' }), bound, 1_600)).toBe('void');
  });
});
