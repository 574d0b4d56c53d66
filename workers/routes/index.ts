/**
 * The route table: everything that Freehold answers. What is not in it does not exist; what is in it is in the OpenAPI
 * document, in the isolation sweep and behind its pipeline. A fixed path stands before one with a parameter in its place.
 */
import type { Route } from '../http/define-route.ts';
import { listModels } from './models/list-models.ts';
import { retrieveModel } from './models/retrieve-model.ts';
import { createChatCompletion } from './inference/create-chat-completion.ts';
import { createCompletion } from './inference/create-completion.ts';
import { createEmbedding } from './inference/create-embedding.ts';
import { createRerank } from './inference/create-rerank.ts';
import { createSpeech } from './inference/create-speech.ts';
import { createTranscription } from './inference/create-transcription.ts';
import { tokenizeText } from './inference/tokenize-text.ts';
import { cancelResponse } from './responses/cancel-response.ts';
import { countInputTokens } from './responses/count-input-tokens.ts';
import { createResponse } from './responses/create-response.ts';
import { deleteResponse } from './responses/delete-response.ts';
import { approveApproval } from './approvals/approve-approval.ts';
import { denyApproval } from './approvals/deny-approval.ts';
import { listApprovals } from './approvals/list-approvals.ts';
import { retrieveApproval } from './approvals/retrieve-approval.ts';
import { approveMcpTool } from './mcp-tools/approve-mcp-tool.ts';
import { listMcpTools } from './mcp-tools/list-mcp-tools.ts';
import { listEffects } from './responses/list-effects.ts';
import { listInputItems } from './responses/list-input-items.ts';
import { retrieveResponse } from './responses/retrieve-response.ts';
import { branchConversation } from './conversations/branch-conversation.ts';
import { createConversation } from './conversations/create-conversation.ts';
import { createItems } from './conversations/create-items.ts';
import { deleteConversation } from './conversations/delete-conversation.ts';
import { deleteItem } from './conversations/delete-item.ts';
import { listConversations } from './conversations/list-conversations.ts';
import { listItems } from './conversations/list-items.ts';
import { openConversationSocket } from './conversations/open-conversation-socket.ts';
import { retrieveConversation } from './conversations/retrieve-conversation.ts';
import { retrieveItem } from './conversations/retrieve-item.ts';
import { searchConversations } from './conversations/search-conversations.ts';
import { updateConversation } from './conversations/update-conversation.ts';
import { createAgentVersion } from './agents/create-agent-version.ts';
import { createAgent } from './agents/create-agent.ts';
import { deleteAgent } from './agents/delete-agent.ts';
import { diffAgentVersions } from './agents/diff-agent-versions.ts';
import { listGreetings } from './agents/list-greetings.ts';
import { listAgentVersions } from './agents/list-agent-versions.ts';
import { listAgents } from './agents/list-agents.ts';
import { publishAgent } from './agents/publish-agent.ts';
import { retrieveAgent } from './agents/retrieve-agent.ts';
import { resumeAgent } from './agents/resume-agent.ts';
import { rollbackAgent } from './agents/rollback-agent.ts';
import { suspendAgent } from './agents/suspend-agent.ts';
import { updateAgent } from './agents/update-agent.ts';
import { createGoal } from './agent-state/create-goal.ts';
import { listGoals } from './agent-state/list-goals.ts';
import { updateGoal } from './agent-state/update-goal.ts';
import { deleteGoal } from './agent-state/delete-goal.ts';
import { retrievePersona } from './agent-state/retrieve-persona.ts';
import { updatePersona } from './agent-state/update-persona.ts';
import { resetPersona } from './agent-state/reset-persona.ts';
import { createProtocolHook } from './agent-state/create-protocol-hook.ts';
import { listProtocolHooks } from './agent-state/list-protocol-hooks.ts';
import { updateProtocolHook } from './agent-state/update-protocol-hook.ts';
import { deleteProtocolHook } from './agent-state/delete-protocol-hook.ts';
import { listTrace } from './agent-state/list-trace.ts';
import { listStateChanges } from './agent-state/list-state-changes.ts';
import { resumeTenant } from './tenant/resume-tenant.ts';
import { stopTenant } from './tenant/stop-tenant.ts';
import { consolidateMemories } from './memories/consolidate-memories.ts';
import { countMemories } from './memories/count-memories.ts';
import { createMemories } from './memories/create-memories.ts';
import { createMemory } from './memories/create-memory.ts';
import { deleteMemory } from './memories/delete-memory.ts';
import { exportMemories } from './memories/export-memories.ts';
import { forgetMemories } from './memories/forget-memories.ts';
import { importMemories } from './memories/import-memories.ts';
import { listConsolidations } from './memories/list-consolidations.ts';
import { listMemories } from './memories/list-memories.ts';
import { listMemoryChanges } from './memories/list-memory-changes.ts';
import { proveMemory } from './memories/prove-memory.ts';
import { recallMemories } from './memories/recall-memories.ts';
import { retrieveMemory } from './memories/retrieve-memory.ts';
import { undoConsolidation } from './memories/undo-consolidation.ts';
import { verifyMemories } from './memories/verify-memories.ts';
import { cancelTask } from './tasks/cancel-task.ts';
import { createTask } from './tasks/create-task.ts';
import { listTasks } from './tasks/list-tasks.ts';
import { retrieveTask } from './tasks/retrieve-task.ts';
import { retryTask } from './tasks/retry-task.ts';
import { createSchedule } from './schedules/create-schedule.ts';
import { deleteSchedule } from './schedules/delete-schedule.ts';
import { listSchedules } from './schedules/list-schedules.ts';
import { retrieveSchedule } from './schedules/retrieve-schedule.ts';
import { updateSchedule } from './schedules/update-schedule.ts';
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
import { listEventTypes } from './events/list-event-types.ts';
import { listEvents } from './events/list-events.ts';
import { createWebhook } from './webhooks/create-webhook.ts';
import { deleteWebhook } from './webhooks/delete-webhook.ts';
import { listWebhookAttempts } from './webhooks/list-webhook-attempts.ts';
import { listWebhooks } from './webhooks/list-webhooks.ts';
import { replayWebhook } from './webhooks/replay-webhook.ts';
import { retrieveWebhook } from './webhooks/retrieve-webhook.ts';
import { rotateWebhookSecret } from './webhooks/rotate-webhook-secret.ts';
import { testWebhook } from './webhooks/test-webhook.ts';
import { updateWebhook } from './webhooks/update-webhook.ts';
import { createMember } from './members/create-member.ts';
import { deleteMember } from './members/delete-member.ts';
import { listMembers } from './members/list-members.ts';
import { retrieveMember } from './members/retrieve-member.ts';
import { updateMember } from './members/update-member.ts';
import { createIssuer } from './issuers/create-issuer.ts';
import { deleteIssuer } from './issuers/delete-issuer.ts';
import { listIssuers } from './issuers/list-issuers.ts';
import { listSignInOptions } from './issuers/list-sign-in-options.ts';
import { retrieveIssuer } from './issuers/retrieve-issuer.ts';
import { updateIssuer } from './issuers/update-issuer.ts';
import { revokeToken } from './tokens/revoke-token.ts';
import { createHook } from './hooks/create-hook.ts';
import { deleteHook } from './hooks/delete-hook.ts';
import { listHookDeliveries } from './hooks/list-hook-deliveries.ts';
import { listHooks } from './hooks/list-hooks.ts';
import { receiveDelivery } from './hooks/receive-delivery.ts';
import { retrieveHook } from './hooks/retrieve-hook.ts';
import { updateHook } from './hooks/update-hook.ts';
import { createAlert } from './alerts/create-alert.ts';
import { deleteAlert } from './alerts/delete-alert.ts';
import { listAlertIncidents } from './alerts/list-alert-incidents.ts';
import { listAlerts } from './alerts/list-alerts.ts';
import { retrieveAlert } from './alerts/retrieve-alert.ts';
import { updateAlert } from './alerts/update-alert.ts';
import { readPlatformMetrics } from './metrics/read-platform-metrics.ts';
import { readTenantMetrics } from './metrics/read-tenant-metrics.ts';
import { readOperatorTelemetry } from './telemetry/read-operator-telemetry.ts';
import { readTelemetry } from './telemetry/read-telemetry.ts';
import { listUsage } from './usage/list-usage.ts';
import { retrieveReceipt } from './usage/retrieve-receipt.ts';
import { closeInvoice } from './billing/close-invoice.ts';
import { correctEntry } from './billing/correct-entry.ts';
import { exportReceipts } from './billing/export-receipts.ts';
import { grantCredit } from './billing/grant-credit.ts';
import { listClosedInvoices } from './billing/list-closed-invoices.ts';
import { listInvoices } from './billing/list-invoices.ts';
import { listOperatorUsage } from './billing/list-operator-usage.ts';
import { listOwnPrices } from './billing/list-own-prices.ts';
import { listPlanTerms } from './billing/list-plan-terms.ts';
import { listRates } from './billing/list-rates.ts';
import { listUsageEvents } from './billing/list-usage-events.ts';
import { retrieveInvoice } from './billing/retrieve-invoice.ts';
import { setPlanTerms } from './billing/set-plan-terms.ts';
import { setRate } from './billing/set-rate.ts';
import { setTenantTerms } from './billing/set-tenant-terms.ts';
import { createBudget } from './budgets/create-budget.ts';
import { deleteBudget } from './budgets/delete-budget.ts';
import { listBudgets } from './budgets/list-budgets.ts';
import { retrieveBudget } from './budgets/retrieve-budget.ts';
import { updateBudget } from './budgets/update-budget.ts';
import { readChatProfile } from './branding/read-chat-profile.ts';
import { retrieveBranding } from './branding/retrieve-branding.ts';
import { updateBranding } from './branding/update-branding.ts';
import { createAgentSession } from './sessions/create-agent-session.ts';
import { createDomain } from './domains/create-domain.ts';
import { deleteDomain } from './domains/delete-domain.ts';
import { listDomains } from './domains/list-domains.ts';
import { retrieveDomain } from './domains/retrieve-domain.ts';
import { verifyDomain } from './domains/verify-domain.ts';
import { createExport } from './exports/create-export.ts';
import { retrieveOwnTenant } from './tenant/retrieve-own-tenant.ts';
import { createPlan } from './plans/create-plan.ts';
import { deletePlan } from './plans/delete-plan.ts';
import { listPlans } from './plans/list-plans.ts';
import { retrievePlan } from './plans/retrieve-plan.ts';
import { updatePlan } from './plans/update-plan.ts';
import { deleteTenant } from './operator/delete-tenant.ts';
import { exportOperatorAudit } from './operator/export-operator-audit.ts';
import { exportTenant } from './operator/export-tenant.ts';
import { importTenant } from './operator/import-tenant.ts';
import { listOperatorAudit } from './operator/list-operator-audit.ts';
import { updateTenant } from './operator/update-tenant.ts';
import { verifyOperatorAudit } from './operator/verify-operator-audit.ts';
import { createSession } from './sessions/create-session.ts';
import { createEnrolment } from './operator/create-enrolment.ts';
import { createTenantKey } from './operator/create-tenant-key.ts';
import { createTenant } from './operator/create-tenant.ts';
import { listBridges } from './operator/list-bridges.ts';
import { drainNode } from './operator/drain-node.ts';
import { listNodes } from './operator/list-nodes.ts';
import { listRegisteredModels } from './operator/list-registered-models.ts';
import { registerModel } from './operator/register-model.ts';
import { rollBackModel } from './operator/roll-back-model.ts';
import { unregisterModel } from './operator/unregister-model.ts';
import { resumeNode } from './operator/resume-node.ts';
import { listEnrolments } from './operator/list-enrolments.ts';
import { listPrices } from './operator/list-prices.ts';
import { listTenants } from './operator/list-tenants.ts';
import { reactivateTenant } from './operator/reactivate-tenant.ts';
import { retrieveTenant } from './operator/retrieve-tenant.ts';
import { revokeBridge } from './operator/revoke-bridge.ts';
import { setPrice } from './operator/set-price.ts';
import { suspendTenant } from './operator/suspend-tenant.ts';
import { announce } from './bridge/announce.ts';
import { enrol } from './bridge/enrol.ts';
import { openTunnel } from './bridge/open-tunnel.ts';
import { rotateBridgeKey } from './bridge/rotate-key.ts';
import { settleReceipts } from './bridge/settle-receipts.ts';
import { chatScript } from './pages/chat-script.ts';
import { homePage } from './pages/home-page.ts';
import { consolePage } from './pages/console-page.ts';
import { consolePath } from './pages/console-path.ts';
import { docsStyle } from './pages/docs-style.ts';
import { readDocs } from './platform/read-docs.ts';
import { readHealth } from './platform/read-health.ts';
import { readJwks } from './platform/read-jwks.ts';
import { readOpenapi } from './platform/read-openapi.ts';

export const routes: readonly Route[] = [
  listModels,
  retrieveModel,
  createChatCompletion,
  createCompletion,
  createEmbedding,
  createRerank,
  createSpeech,
  createTranscription,
  tokenizeText,
  cancelResponse,
  createResponse,
  countInputTokens,
  deleteResponse,
  listInputItems,
  listEffects,
  listApprovals,
  approveApproval,
  denyApproval,
  retrieveApproval,
  listMcpTools,
  approveMcpTool,
  retrieveResponse,
  createConversation,
  createItems,
  deleteConversation,
  deleteItem,
  listConversations,
  searchConversations,
  branchConversation,
  openConversationSocket,
  listItems,
  retrieveConversation,
  retrieveItem,
  updateConversation,
  createAgentVersion,
  createAgent,
  deleteAgent,
  diffAgentVersions,
  listGreetings,
  listAgentVersions,
  listAgents,
  publishAgent,
  retrieveAgent,
  rollbackAgent,
  suspendAgent,
  resumeAgent,
  updateAgent,
  createGoal,
  listGoals,
  updateGoal,
  deleteGoal,
  retrievePersona,
  updatePersona,
  resetPersona,
  createProtocolHook,
  listProtocolHooks,
  updateProtocolHook,
  deleteProtocolHook,
  listTrace,
  listStateChanges,
  createMemory,
  createMemories,
  deleteMemory,
  forgetMemories,
  exportMemories,
  importMemories,
  proveMemory,
  listMemories,
  recallMemories,
  verifyMemories,
  consolidateMemories,
  listMemoryChanges,
  countMemories,
  listConsolidations,
  undoConsolidation,
  retrieveMemory,
  createTask,
  listTasks,
  retrieveTask,
  cancelTask,
  retryTask,
  createSchedule,
  listSchedules,
  retrieveSchedule,
  updateSchedule,
  deleteSchedule,
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
  listEvents,
  listEventTypes,
  createWebhook,
  deleteWebhook,
  listWebhookAttempts,
  listWebhooks,
  replayWebhook,
  retrieveWebhook,
  rotateWebhookSecret,
  testWebhook,
  updateWebhook,
  createMember,
  deleteMember,
  listMembers,
  retrieveMember,
  updateMember,
  createIssuer,
  deleteIssuer,
  listIssuers,
  listSignInOptions,
  retrieveIssuer,
  updateIssuer,
  revokeToken,
  createHook,
  deleteHook,
  listHookDeliveries,
  listHooks,
  receiveDelivery,
  retrieveHook,
  updateHook,
  readTelemetry,
  readTenantMetrics,
  createAlert,
  listAlerts,
  listAlertIncidents,
  retrieveAlert,
  updateAlert,
  deleteAlert,
  listUsage,
  listUsageEvents,
  exportReceipts,
  retrieveReceipt,
  listOwnPrices,
  listInvoices,
  retrieveInvoice,
  createBudget,
  deleteBudget,
  listBudgets,
  retrieveBudget,
  updateBudget,
  retrieveBranding,
  updateBranding,
  readChatProfile,
  createAgentSession,
  stopTenant,
  resumeTenant,
  createSession,
  createEnrolment,
  retrieveOwnTenant,
  createDomain,
  listDomains,
  verifyDomain,
  retrieveDomain,
  deleteDomain,
  createExport,
  createPlan,
  listPlans,
  retrievePlan,
  updatePlan,
  deletePlan,
  importTenant,
  exportTenant,
  updateTenant,
  deleteTenant,
  verifyOperatorAudit,
  exportOperatorAudit,
  listOperatorAudit,
  createTenantKey,
  createTenant,
  listBridges,
  listEnrolments,
  listPrices,
  listTenants,
  reactivateTenant,
  revokeBridge,
  listNodes,
  listRegisteredModels,
  registerModel,
  rollBackModel,
  unregisterModel,
  drainNode,
  resumeNode,
  retrieveTenant,
  setPrice,
  suspendTenant,
  listRates,
  setRate,
  listPlanTerms,
  setPlanTerms,
  setTenantTerms,
  grantCredit,
  correctEntry,
  closeInvoice,
  listClosedInvoices,
  listOperatorUsage,
  readOperatorTelemetry,
  readPlatformMetrics,
  announce,
  enrol,
  openTunnel,
  rotateBridgeKey,
  settleReceipts,
  consolePage,
  consolePath,
  chatScript,
  homePage,
  docsStyle,
  readDocs,
  readHealth,
  readJwks,
  readOpenapi,
];
