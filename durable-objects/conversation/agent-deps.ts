/** A turn's ways to its own agent: as it is when the turn begins, its goals, and the work that it gives itself. */
import { idOfEffect, type TenantId } from '../../shared/core/ids.ts';
import { err, ok, type Result } from '../../shared/core/result.ts';
import { agentLimits } from '../../shared/contracts/agents.ts';
import type { Goal } from '../../shared/contracts/agent-state.ts';
import { reached, type Objects } from '../stubs.ts';
import type { TurnDeps } from './turn-runner.ts';

const ListedGoals = 100;

export function agentDeps(
  objects: Objects,
  tenantId: TenantId,
): Pick<TurnDeps, 'meetAgent' | 'changeGoals' | 'giveOwnWork'> {
  return {
    meetAgent({ agent, principal, lane = 'interactive' }) {
      const facts = { caller: principal.kind, environment: principal.scope.environment ?? 'prod', lane };
      return reached(objects.agent(tenantId, agent!.id).state.meet(agent!.id, facts));
    },
    async changeGoals({ agent, principal, responseId }, { action, id, ...wanted }, effectId) {
      const { id: agentId } = agent!;
      const { state } = objects.agent(tenantId, agentId);
      const by = { actor: { kind: principal.kind, id: principal.id }, response: responseId };
      if (action === 'list') {
        const listed = await reached(state.listGoals(agentId, { limit: ListedGoals }));
        return listed.ok ? ok(listed.value.data.map(toShort)) : listed;
      }
      if (action === 'update') {
        if (id === undefined) return err('invalid_request', 'Say which goal: its id is in the list.');
        return short(await reached(state.updateGoal(agentId, id, wanted, by)));
      }
      if (wanted.text === undefined) return err('invalid_request', 'Say what the goal is: its text.');
      const { text, note = '' } = wanted;
      return short(await reached(state.createGoal(agentId, idOfEffect('goal', effectId), { text, note }, by)));
    },
    async giveOwnWork({ agent, principal }, order, effectId) {
      const { id: agentId, definition } = agent!;
      const agentLimit = agentLimits.parse(definition.limits).concurrent_tasks;
      const worker = { agentId, principal, agentLimit, effectId };
      const given = await reached(objects.agent(tenantId, agentId).ownWork.give(worker, order));
      return given.ok ? given.value : given;
    },
  };
}

function short(changed: Result<Result<Goal>>): Result<unknown> {
  if (!changed.ok || !changed.value.ok) return changed.ok ? changed.value : changed;
  return ok(toShort(changed.value.value));
}

function toShort({ id, text, note, status }: Goal) {
  return { id, text, note, status };
}
