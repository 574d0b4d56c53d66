/**
 * The route table: everything that Freehold answers. What is not in it does not exist; what is in it is in the OpenAPI
 * document, in the isolation sweep and behind its pipeline. A fixed path stands before one with a parameter in its place.
 */
import type { Route } from '../http/define-route.ts';
import { listModels } from './models/list-models.ts';
import { retrieveModel } from './models/retrieve-model.ts';
import { createChatCompletion } from './inference/create-chat-completion.ts';
import { createEmbedding } from './inference/create-embedding.ts';
import { cancelResponse } from './responses/cancel-response.ts';
import { createResponse } from './responses/create-response.ts';
import { deleteResponse } from './responses/delete-response.ts';
import { listInputItems } from './responses/list-input-items.ts';
import { retrieveResponse } from './responses/retrieve-response.ts';
import { createConversation } from './conversations/create-conversation.ts';
import { createItems } from './conversations/create-items.ts';
import { deleteConversation } from './conversations/delete-conversation.ts';
import { deleteItem } from './conversations/delete-item.ts';
import { listConversations } from './conversations/list-conversations.ts';
import { listItems } from './conversations/list-items.ts';
import { retrieveConversation } from './conversations/retrieve-conversation.ts';
import { retrieveItem } from './conversations/retrieve-item.ts';
import { updateConversation } from './conversations/update-conversation.ts';
import { createAgentVersion } from './agents/create-agent-version.ts';
import { createAgent } from './agents/create-agent.ts';
import { deleteAgent } from './agents/delete-agent.ts';
import { listAgentVersions } from './agents/list-agent-versions.ts';
import { listAgents } from './agents/list-agents.ts';
import { publishAgent } from './agents/publish-agent.ts';
import { retrieveAgent } from './agents/retrieve-agent.ts';
import { rollbackAgent } from './agents/rollback-agent.ts';
import { updateAgent } from './agents/update-agent.ts';
import { createMemory } from './memories/create-memory.ts';
import { deleteMemory } from './memories/delete-memory.ts';
import { listMemories } from './memories/list-memories.ts';
import { recallMemories } from './memories/recall-memories.ts';
import { retrieveMemory } from './memories/retrieve-memory.ts';
import { verifyMemories } from './memories/verify-memories.ts';
import { createKey } from './keys/create-key.ts';
import { listKeys } from './keys/list-keys.ts';
import { revokeKey } from './keys/revoke-key.ts';
import { rotateKey } from './keys/rotate-key.ts';
import { createSecret } from './secrets/create-secret.ts';
import { deleteSecret } from './secrets/delete-secret.ts';
import { listSecrets } from './secrets/list-secrets.ts';
import { retrieveSecret } from './secrets/retrieve-secret.ts';
import { rotateDataKey } from './secrets/rotate-data-key.ts';
import { rotateSecret } from './secrets/rotate-secret.ts';
import { exportAudit } from './audit/export-audit.ts';
import { listAudit } from './audit/list-audit.ts';
import { verifyAudit } from './audit/verify-audit.ts';
import { createMember } from './members/create-member.ts';
import { deleteMember } from './members/delete-member.ts';
import { listMembers } from './members/list-members.ts';
import { retrieveMember } from './members/retrieve-member.ts';
import { updateMember } from './members/update-member.ts';
import { createIssuer } from './issuers/create-issuer.ts';
import { deleteIssuer } from './issuers/delete-issuer.ts';
import { listIssuers } from './issuers/list-issuers.ts';
import { retrieveIssuer } from './issuers/retrieve-issuer.ts';
import { listUsage } from './usage/list-usage.ts';
import { retrieveReceipt } from './usage/retrieve-receipt.ts';
import { createBudget } from './budgets/create-budget.ts';
import { deleteBudget } from './budgets/delete-budget.ts';
import { listBudgets } from './budgets/list-budgets.ts';
import { retrieveBudget } from './budgets/retrieve-budget.ts';
import { updateBudget } from './budgets/update-budget.ts';
import { createSession } from './sessions/create-session.ts';
import { createTenantKey } from './operator/create-tenant-key.ts';
import { createTenant } from './operator/create-tenant.ts';
import { listBridges } from './operator/list-bridges.ts';
import { listPrices } from './operator/list-prices.ts';
import { listTenants } from './operator/list-tenants.ts';
import { reactivateTenant } from './operator/reactivate-tenant.ts';
import { registerBridge } from './operator/register-bridge.ts';
import { retrieveTenant } from './operator/retrieve-tenant.ts';
import { setPrice } from './operator/set-price.ts';
import { suspendTenant } from './operator/suspend-tenant.ts';
import { announce } from './bridge/announce.ts';
import { settleReceipts } from './bridge/settle-receipts.ts';
import { chatScript } from './pages/chat-script.ts';
import { chatStyle } from './pages/chat-style.ts';
import { homePage } from './pages/home-page.ts';
import { docsStyle } from './pages/docs-style.ts';
import { readDocs } from './platform/read-docs.ts';
import { readHealth } from './platform/read-health.ts';
import { readJwks } from './platform/read-jwks.ts';
import { readOpenapi } from './platform/read-openapi.ts';

export const routes: readonly Route[] = [
  listModels,
  retrieveModel,
  createChatCompletion,
  createEmbedding,
  cancelResponse,
  createResponse,
  deleteResponse,
  listInputItems,
  retrieveResponse,
  createConversation,
  createItems,
  deleteConversation,
  deleteItem,
  listConversations,
  listItems,
  retrieveConversation,
  retrieveItem,
  updateConversation,
  createAgentVersion,
  createAgent,
  deleteAgent,
  listAgentVersions,
  listAgents,
  publishAgent,
  retrieveAgent,
  rollbackAgent,
  updateAgent,
  createMemory,
  deleteMemory,
  listMemories,
  recallMemories,
  verifyMemories,
  retrieveMemory,
  createKey,
  listKeys,
  rotateKey,
  revokeKey,
  createSecret,
  listSecrets,
  rotateDataKey,
  rotateSecret,
  retrieveSecret,
  deleteSecret,
  listAudit,
  verifyAudit,
  exportAudit,
  createMember,
  deleteMember,
  listMembers,
  retrieveMember,
  updateMember,
  createIssuer,
  deleteIssuer,
  listIssuers,
  retrieveIssuer,
  listUsage,
  retrieveReceipt,
  createBudget,
  deleteBudget,
  listBudgets,
  retrieveBudget,
  updateBudget,
  createSession,
  createTenantKey,
  createTenant,
  listBridges,
  listPrices,
  listTenants,
  reactivateTenant,
  registerBridge,
  retrieveTenant,
  setPrice,
  suspendTenant,
  announce,
  settleReceipts,
  chatScript,
  chatStyle,
  homePage,
  docsStyle,
  readDocs,
  readHealth,
  readJwks,
  readOpenapi,
];
