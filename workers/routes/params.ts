/** Path parameters by name. An id of the wrong form is `not_found` later, never a fault here: ids tell nothing. */
import { z } from 'zod';

const ref = z.string().min(1).max(200);

export const agentParams = z.object({ agent: ref.describe("An agent's id or slug.") });
export const agentMemoryParams = z.object({ agent: ref, memory: ref });
export const agentConsolidationParams = z.object({ agent: ref, consolidation: ref });
export const agentGoalParams = z.object({ agent: ref, goal: ref });
export const agentProtocolHookParams = z.object({ agent: ref, protocol_hook: ref });
export const agentScheduleParams = z.object({ agent: ref, schedule: ref });
export const taskParams = z.object({ task: ref });
export const conversationParams = z.object({ conversation: ref });
export const conversationItemParams = z.object({ conversation: ref, item: ref });
export const responseParams = z.object({ response: ref });
export const keyParams = z.object({ key: ref });
export const secretParams = z.object({ secret: ref.describe("A secret's name.") });
export const memberParams = z.object({ member: ref });
export const issuerParams = z.object({ issuer: ref });
export const hookParams = z.object({ hook: ref });
export const receiptParams = z.object({ receipt: ref });
export const invoiceParams = z.object({ invoice: ref.describe("An invoice's id, or its month like 2026-11.") });
export const budgetParams = z.object({ budget: ref });
export const webhookParams = z.object({ webhook: ref });
export const modelParams = z.object({ model: ref });
export const tenantParams = z.object({ tenant: ref });
export const bridgeParams = z.object({ bridge: ref });
export const approvalParams = z.object({ approval: ref });
export const mcpToolParams = z.object({ mcp_tool: ref });
export const planParams = z.object({ plan: ref });
export const domainParams = z.object({ domain: ref });
export const alertParams = z.object({ alert: ref });
export const registeredModelParams = z.object({ registered_model: ref.describe("A model's name in the registry.") });
export const nodeParams = z.object({ bridge: ref, node: ref });
