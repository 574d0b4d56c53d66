/** Whoever makes a hook that gives tasks must be able to give tasks: the hook acts as they. */
import { authorize } from '../../../shared/core/principal.ts';
import { ok, type Result } from '../../../shared/core/result.ts';
import type { HookAction } from '../../../shared/contracts/agent-state.ts';
import type { TenantCall } from '../../edge/tenant-call.ts';

export function requireTaskRight({ principal, agent }: TenantCall, action: HookAction | undefined): Result<undefined> {
  return action?.type === 'task' ? authorize(principal, 'tasks:write', { agent: agent!.id }) : ok();
}
