/** Who makes a change of an agent's state over the API. */
import type { TenantCall } from '../../edge/tenant-call.ts';

export function changedBy({ principal: { kind, id } }: Pick<TenantCall, 'principal'>) {
  return { actor: { kind, id }, response: null };
}
