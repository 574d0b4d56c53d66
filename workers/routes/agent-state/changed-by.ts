/** Who makes a change of an agent's state over the API. */
import type { TenantCall } from '../../edge/tenant-call.ts';

export function changedBy({ actor }: Pick<TenantCall, 'actor'>) {
  return { actor, response: null };
}
