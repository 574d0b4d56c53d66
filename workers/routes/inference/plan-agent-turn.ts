/** Plans a turn of an agent: which agent, and the conversation that it opens or goes on. Its runs reserve for themselves. */
import type { ConversationId } from '../../../shared/core/ids.ts';
import { ok, type Result } from '../../../shared/core/result.ts';
import { AgentModelPrefix } from '../../../shared/contracts/models.ts';
import type { AdmissionPlan, TenantRequest } from '../../edge/tenant-call.ts';

export type PlannedTurn = { readonly conversationId: ConversationId };

/** `agent/concierge` names the agent `concierge`; anything else is a plain model. */
export function agentRefOf(model: string): string | undefined {
  return model.startsWith(AgentModelPrefix) ? model.slice(AgentModelPrefix.length) : undefined;
}

export async function planAgentTurn(
  request: TenantRequest,
  agentRef: string | undefined,
  known?: ConversationId,
): Promise<Result<AdmissionPlan<PlannedTurn>>> {
  const conversationId = known ?? request.mint('conversation');
  return ok({
    startsRun: true,
    ...(agentRef === undefined ? {} : { agentRef, agentIsModel: true }),
    ...(known === undefined ? { conversation: { id: conversationId, listed: false } } : {}),
    planned: { conversationId },
  });
}
