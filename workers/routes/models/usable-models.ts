/** The models of a caller: its agents first, then the plain ones, unless the credential is bound to one agent. */
import { toUnixSeconds } from '../../../shared/core/clock.ts';
import { ok, type Result } from '../../../shared/core/result.ts';
import { MaxPage } from '../../../shared/contracts/common.ts';
import type { Model } from '../../../shared/contracts/models.ts';
import { listServable } from '../../../shared/inference/resolve-route.ts';
import type { TenantCall } from '../../edge/tenant-call.ts';

export async function usableModels(call: TenantCall): Promise<Result<Model[]>> {
  const models: Model[] = [];
  let cursor: string | undefined;
  do {
    const agents = await call.tenant.agents.list(MaxPage, cursor);
    if (!agents.ok) return agents;
    for (const agent of agents.value.data) {
      if (call.principal.scope.agent !== null && call.principal.scope.agent !== agent.id) continue;
      const created = toUnixSeconds(Date.parse(agent.created_at));
      models.push({ id: agent.model, object: 'model', created, owned_by: 'tenant' });
    }
    cursor = agents.value.next_cursor ?? undefined;
  } while (cursor !== undefined);
  if (call.principal.scope.agent !== null) return ok(models);
  const view = await call.catalog();
  if (!view.ok) return view;
  for (const model of listServable(view.value, false)) {
    models.push({ id: model.id, object: 'model', created: 0, owned_by: model.owned_by });
  }
  return ok(models);
}
