/**
 * The operations that the console uses, and what each takes and answers, in the types of the wire contracts. A test holds
 * every one of them against the route table.
 */
import type { z } from 'zod';
import type {
  AgentPersona,
  createGoal,
  createProtocolHook,
  Goal,
  ProtocolHook,
  StateChange,
  TraceEntry,
  updateGoal,
  updatePersona,
  updateProtocolHook,
} from '../../../../../shared/contracts/agent-state.ts';
import type {
  Agent,
  AgentDiff,
  AgentVersion,
  createAgent,
  GreetingCount,
  publishAgent,
  rollbackAgent,
  updateAgent,
} from '../../../../../shared/contracts/agents.ts';
import type { Alert, AlertIncident, createAlert, updateAlert } from '../../../../../shared/contracts/alerts.ts';
import type { ApprovalObject, decideApproval } from '../../../../../shared/contracts/approvals.ts';
import type { AuditEntry, AuditVerification } from '../../../../../shared/contracts/audit.ts';
import type {
  Invoice,
  InvoiceSummary,
  PlanTerms,
  Rate,
  setPlanTerms,
  setRate,
} from '../../../../../shared/contracts/billing.ts';
import type { Branding, ChatProfile, UpdateBranding } from '../../../../../shared/contracts/branding.ts';
import type { Bridge, createdEnrolment, createEnrolment, Enrolment } from '../../../../../shared/contracts/bridges.ts';
import type { Budget, createBudget, updateBudget } from '../../../../../shared/contracts/budgets.ts';
import type { List } from '../../../../../shared/contracts/common.ts';
import type {
  Conversation,
  conversationSummary,
  createConversation,
  ItemList,
} from '../../../../../shared/contracts/conversations.ts';
import type { TenantDeletion } from '../../../../../shared/contracts/deletions.ts';
import type { createDomain, Domain } from '../../../../../shared/contracts/domains.ts';
import type { eventTypeEntry, PlatformEvent } from '../../../../../shared/contracts/events.ts';
import type { createExport } from '../../../../../shared/contracts/exports.ts';
import type { createdHook, createHook, Hook, HookDelivery, updateHook } from '../../../../../shared/contracts/hooks.ts';
import type { createIssuer, Issuer, SignInOption, updateIssuer } from '../../../../../shared/contracts/issuers.ts';
import type { ApiKey, CreatedKey, createKey, rotateKey } from '../../../../../shared/contracts/keys.ts';
import type { approveMcpTool, McpToolObject } from '../../../../../shared/contracts/mcp-tools.ts';
import type { createMember, Member, updateMember } from '../../../../../shared/contracts/members.ts';
import type {
  chainVerification,
  Consolidation,
  createMemory,
  forgetRequest,
  InclusionProof,
  Memory,
  recallRequest,
  recallResult,
  signedForgetting,
} from '../../../../../shared/contracts/memories.ts';
import type {
  modelDefinition,
  registeredModel,
  registeredModelList,
  rollBackModel,
} from '../../../../../shared/contracts/model-registry.ts';
import type { Model } from '../../../../../shared/contracts/models.ts';
import type { InferenceNodeView } from '../../../../../shared/contracts/nodes.ts';
import type { createPlan, Plan, updatePlan } from '../../../../../shared/contracts/plans.ts';
import type { CreateResponse, Response } from '../../../../../shared/contracts/responses.ts';
import type { createSecret, rotateSecret, Secret } from '../../../../../shared/contracts/secrets.ts';
import type {
  createSchedule,
  createTask,
  Schedule,
  Task,
  updateSchedule,
} from '../../../../../shared/contracts/tasks.ts';
import type {
  createdTenant,
  createTenant,
  OwnPrice,
  OwnTenant,
  Price,
  setPrice,
  Tenant,
  TenantRuns,
  updateTenant,
} from '../../../../../shared/contracts/tenants.ts';
import type { OperatorTelemetry, Telemetry } from '../../../../../shared/contracts/telemetry.ts';
import type { OperatorUsageRow, UsageRow } from '../../../../../shared/contracts/usage.ts';
import type {
  createdWebhook,
  createWebhook,
  replayWebhook,
  rotateWebhookSecret,
  testedWebhook,
  updateWebhook,
  Webhook,
  WebhookAttempt,
  WebhookReplay,
} from '../../../../../shared/contracts/webhooks.ts';

type Op<Answer, Body = undefined> = { readonly answer: Answer; readonly body: Body };
type In<S extends z.ZodType> = z.input<S>;
type Out<S extends z.ZodType> = z.infer<S>;
type Deleted = { readonly id: string; readonly deleted: true };

export type Operations = {
  'GET /v1/tenant': Op<OwnTenant>;
  'POST /v1/tenant/stop': Op<TenantRuns>;
  'POST /v1/tenant/resume': Op<TenantRuns>;
  'POST /v1/exports': Op<never, In<typeof createExport>>;
  'GET /v1/chat/profile': Op<ChatProfile>;
  'GET /v1/telemetry': Op<Telemetry>;
  'GET /v1/alerts': Op<List<Alert>>;
  'POST /v1/alerts': Op<Alert, In<typeof createAlert>>;
  'PATCH /v1/alerts/{alert}': Op<Alert, In<typeof updateAlert>>;
  'DELETE /v1/alerts/{alert}': Op<Deleted>;
  'GET /v1/alerts/{alert}/incidents': Op<List<AlertIncident>>;
  'GET /v1/models': Op<{ data: Model[] }>;

  'GET /v1/agents': Op<List<Agent>>;
  'POST /v1/agents': Op<Agent, In<typeof createAgent>>;
  'GET /v1/agents/{agent}': Op<Agent>;
  'PATCH /v1/agents/{agent}': Op<Agent, In<typeof updateAgent>>;
  'DELETE /v1/agents/{agent}': Op<Deleted>;
  'GET /v1/agents/{agent}/versions': Op<List<AgentVersion>>;
  'GET /v1/agents/{agent}/diff': Op<AgentDiff>;
  'GET /v1/agents/{agent}/greetings': Op<List<GreetingCount>>;
  'POST /v1/agents/{agent}/publish': Op<Agent, In<typeof publishAgent>>;
  'POST /v1/agents/{agent}/rollback': Op<Agent, In<typeof rollbackAgent>>;
  'POST /v1/agents/{agent}/suspend': Op<Agent>;
  'POST /v1/agents/{agent}/resume': Op<Agent>;

  'GET /v1/agents/{agent}/goals': Op<List<Goal>>;
  'POST /v1/agents/{agent}/goals': Op<Goal, In<typeof createGoal>>;
  'PATCH /v1/agents/{agent}/goals/{goal}': Op<Goal, In<typeof updateGoal>>;
  'DELETE /v1/agents/{agent}/goals/{goal}': Op<Deleted>;
  'GET /v1/agents/{agent}/persona': Op<AgentPersona>;
  'PATCH /v1/agents/{agent}/persona': Op<AgentPersona, In<typeof updatePersona>>;
  'DELETE /v1/agents/{agent}/persona': Op<AgentPersona>;
  'GET /v1/agents/{agent}/protocol_hooks': Op<List<ProtocolHook>>;
  'POST /v1/agents/{agent}/protocol_hooks': Op<ProtocolHook, In<typeof createProtocolHook>>;
  'PATCH /v1/agents/{agent}/protocol_hooks/{protocol_hook}': Op<ProtocolHook, In<typeof updateProtocolHook>>;
  'DELETE /v1/agents/{agent}/protocol_hooks/{protocol_hook}': Op<Deleted>;
  'GET /v1/agents/{agent}/trace': Op<List<TraceEntry>>;
  'GET /v1/agents/{agent}/state_changes': Op<List<StateChange>>;

  'POST /v1/responses': Op<Response, CreateResponse>;
  'POST /v1/responses/{response}/cancel': Op<Response>;
  'POST /v1/conversations': Op<Conversation, In<typeof createConversation>>;
  'GET /v1/conversations': Op<List<Out<typeof conversationSummary>>>;
  'GET /v1/conversations/{conversation}/items': Op<ItemList>;
  'DELETE /v1/conversations/{conversation}': Op<Deleted>;

  'GET /v1/agents/{agent}/memories': Op<List<Memory>>;
  'POST /v1/agents/{agent}/memories': Op<Memory, In<typeof createMemory>>;
  'POST /v1/agents/{agent}/memories/recall': Op<Out<typeof recallResult>, In<typeof recallRequest>>;
  'POST /v1/agents/{agent}/memories/forget': Op<Out<typeof signedForgetting>, In<typeof forgetRequest>>;
  'POST /v1/agents/{agent}/memories/consolidate': Op<Consolidation>;
  'GET /v1/agents/{agent}/memories/consolidations': Op<List<Consolidation>>;
  'POST /v1/agents/{agent}/memories/consolidations/{consolidation}/undo': Op<Consolidation>;
  'GET /v1/agents/{agent}/memories/verify': Op<Out<typeof chainVerification>>;
  'GET /v1/agents/{agent}/memories/{memory}': Op<Memory>;
  'GET /v1/agents/{agent}/memories/{memory}/proof': Op<InclusionProof>;

  'GET /v1/agents/{agent}/tasks': Op<List<Task>>;
  'POST /v1/agents/{agent}/tasks': Op<Task, In<typeof createTask>>;
  'GET /v1/tasks/{task}': Op<Task>;
  'POST /v1/tasks/{task}/cancel': Op<Task>;
  'POST /v1/tasks/{task}/retry': Op<Task>;
  'GET /v1/agents/{agent}/schedules': Op<List<Schedule>>;
  'POST /v1/agents/{agent}/schedules': Op<Schedule, In<typeof createSchedule>>;
  'PATCH /v1/agents/{agent}/schedules/{schedule}': Op<Schedule, In<typeof updateSchedule>>;
  'DELETE /v1/agents/{agent}/schedules/{schedule}': Op<Deleted>;

  'GET /v1/approvals': Op<List<ApprovalObject>>;
  'POST /v1/approvals/{approval}/approve': Op<ApprovalObject, In<typeof decideApproval>>;
  'POST /v1/approvals/{approval}/deny': Op<ApprovalObject, In<typeof decideApproval>>;
  'GET /v1/mcp_tools': Op<List<McpToolObject>>;
  'POST /v1/mcp_tools/{mcp_tool}/approve': Op<McpToolObject, In<typeof approveMcpTool>>;

  'GET /v1/keys': Op<List<ApiKey>>;
  'POST /v1/keys': Op<CreatedKey, In<typeof createKey>>;
  'POST /v1/keys/{key}/rotate': Op<CreatedKey, In<typeof rotateKey>>;
  'POST /v1/keys/{key}/revoke': Op<ApiKey>;
  'GET /v1/members': Op<List<Member>>;
  'POST /v1/members': Op<Member, In<typeof createMember>>;
  'PATCH /v1/members/{member}': Op<Member, In<typeof updateMember>>;
  'DELETE /v1/members/{member}': Op<Deleted>;
  'GET /v1/issuers': Op<List<Issuer>>;
  'GET /v1/console/sign_in_options': Op<List<SignInOption>>;
  'POST /v1/issuers': Op<Issuer, In<typeof createIssuer>>;
  'PATCH /v1/issuers/{issuer}': Op<Issuer, In<typeof updateIssuer>>;
  'DELETE /v1/issuers/{issuer}': Op<Deleted>;
  'GET /v1/secrets': Op<List<Secret>>;
  'POST /v1/secrets': Op<Secret, In<typeof createSecret>>;
  'POST /v1/secrets/{secret}/rotate': Op<Secret, In<typeof rotateSecret>>;
  'DELETE /v1/secrets/{secret}': Op<{ readonly name: string; readonly deleted: true }>;

  'GET /v1/usage': Op<List<UsageRow>>;
  'GET /v1/prices': Op<List<OwnPrice>>;
  'GET /v1/invoices': Op<List<InvoiceSummary>>;
  'GET /v1/invoices/{invoice}': Op<Invoice>;
  'GET /v1/budgets': Op<List<Budget>>;
  'POST /v1/budgets': Op<Budget, In<typeof createBudget>>;
  'PATCH /v1/budgets/{budget}': Op<Budget, In<typeof updateBudget>>;
  'DELETE /v1/budgets/{budget}': Op<Deleted>;

  'GET /v1/hooks': Op<List<Hook>>;
  'POST /v1/hooks': Op<Out<typeof createdHook>, In<typeof createHook>>;
  'GET /v1/hooks/{hook}': Op<Hook>;
  'PATCH /v1/hooks/{hook}': Op<Hook, In<typeof updateHook>>;
  'DELETE /v1/hooks/{hook}': Op<Deleted>;
  'GET /v1/hooks/{hook}/deliveries': Op<List<HookDelivery>>;
  'GET /v1/webhooks': Op<List<Webhook>>;
  'POST /v1/webhooks': Op<Out<typeof createdWebhook>, In<typeof createWebhook>>;
  'PATCH /v1/webhooks/{webhook}': Op<Webhook, In<typeof updateWebhook>>;
  'DELETE /v1/webhooks/{webhook}': Op<Deleted>;
  'GET /v1/webhooks/{webhook}/attempts': Op<List<WebhookAttempt>>;
  'POST /v1/webhooks/{webhook}/replay': Op<WebhookReplay, In<typeof replayWebhook>>;
  'POST /v1/webhooks/{webhook}/test': Op<Out<typeof testedWebhook>>;
  'POST /v1/webhooks/{webhook}/rotate_secret': Op<Out<typeof createdWebhook>, In<typeof rotateWebhookSecret>>;
  'GET /v1/events': Op<List<PlatformEvent>>;
  'GET /v1/events/types': Op<List<Out<typeof eventTypeEntry>>>;
  'GET /v1/audit': Op<List<AuditEntry>>;
  'GET /v1/audit/verify': Op<AuditVerification>;
  'GET /v1/branding': Op<Branding>;
  'PATCH /v1/branding': Op<Branding, UpdateBranding>;
  'GET /v1/domains': Op<List<Domain>>;
  'POST /v1/domains': Op<Domain, In<typeof createDomain>>;
  'POST /v1/domains/{domain}/verify': Op<Domain>;
  'DELETE /v1/domains/{domain}': Op<Deleted>;

  'GET /operator/v1/tenants': Op<List<Tenant>>;
  'POST /operator/v1/tenants': Op<Out<typeof createdTenant>, In<typeof createTenant>>;
  'GET /operator/v1/tenants/{tenant}': Op<Tenant>;
  'PATCH /operator/v1/tenants/{tenant}': Op<Tenant, In<typeof updateTenant>>;
  'POST /operator/v1/tenants/{tenant}/suspend': Op<Tenant>;
  'POST /operator/v1/tenants/{tenant}/reactivate': Op<Tenant>;
  'POST /operator/v1/tenants/{tenant}/keys': Op<CreatedKey, { readonly name?: string }>;
  'POST /operator/v1/tenants/{tenant}/export': Op<never, In<typeof createExport>>;
  'DELETE /operator/v1/tenants/{tenant}': Op<TenantDeletion>;
  'GET /operator/v1/models': Op<Out<typeof registeredModelList>>;
  'POST /operator/v1/models': Op<Out<typeof registeredModel>, In<typeof modelDefinition>>;
  'POST /operator/v1/models/{registered_model}/rollback': Op<Out<typeof registeredModel>, In<typeof rollBackModel>>;
  'DELETE /operator/v1/models/{registered_model}': Op<Deleted>;
  'GET /operator/v1/plans': Op<List<Plan>>;
  'POST /operator/v1/plans': Op<Plan, In<typeof createPlan>>;
  'PATCH /operator/v1/plans/{plan}': Op<Plan, In<typeof updatePlan>>;
  'DELETE /operator/v1/plans/{plan}': Op<Deleted>;
  'GET /operator/v1/plan_terms': Op<List<PlanTerms>>;
  'POST /operator/v1/plan_terms': Op<PlanTerms, In<typeof setPlanTerms>>;
  'GET /operator/v1/prices': Op<List<Price>>;
  'POST /operator/v1/prices': Op<Price, In<typeof setPrice>>;
  'GET /operator/v1/rates': Op<List<Rate>>;
  'POST /operator/v1/rates': Op<Rate, In<typeof setRate>>;
  'GET /operator/v1/bridges': Op<List<Bridge>>;
  'POST /operator/v1/bridges': Op<Out<typeof createdEnrolment>, In<typeof createEnrolment>>;
  'GET /operator/v1/bridges/enrolments': Op<List<Enrolment>>;
  'POST /operator/v1/bridges/{bridge}/revoke': Op<Bridge>;
  'GET /operator/v1/nodes': Op<List<InferenceNodeView>>;
  'POST /operator/v1/bridges/{bridge}/nodes/{node}/drain': Op<InferenceNodeView>;
  'POST /operator/v1/bridges/{bridge}/nodes/{node}/resume': Op<InferenceNodeView>;
  'GET /operator/v1/telemetry': Op<OperatorTelemetry>;
  'GET /operator/v1/usage': Op<List<OperatorUsageRow>>;
  'GET /operator/v1/invoices': Op<List<InvoiceSummary>>;
  'GET /operator/v1/audit': Op<List<AuditEntry>>;
  'GET /operator/v1/audit/verify': Op<AuditVerification>;
};

export type Operation = keyof Operations;
export type AnswerOf<K extends Operation> = Operations[K]['answer'];

/** The names between braces in an operation's path. */
type Names<Path> = Path extends `${string}{${infer Name}}${infer Rest}` ? Name | Names<Rest> : never;
export type ParamsOf<K extends Operation> = [Names<K>] extends [never]
  ? { readonly params?: undefined }
  : { readonly params: Readonly<Record<Names<K>, string>> };
export type BodyOf<K extends Operation> = undefined extends Operations[K]['body']
  ? { readonly body?: undefined }
  : { readonly body: Operations[K]['body'] };

/** Operations whose answer is a list, and what is in it. */
export type ListOperation = { [K in Operation]: AnswerOf<K> extends List<infer _> ? K : never }[Operation];
export type ItemOf<K extends Operation> = AnswerOf<K> extends List<infer T> ? T : never;
