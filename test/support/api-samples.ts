/**
 * A valid body for every operation that takes one, by the operation's name. `ids` are whose resources the body names.
 * A route without an entry fails the suites that walk the table: it cannot be left out by being forgotten.
 */
import { HashEmbeddingModel } from '../../shared/core/hash-embedding.ts';
import type { PopulatedTenant } from './populated-tenant.ts';

type Named = Pick<PopulatedTenant, 'ids' | 'agentSlug' | 'visitor'>;

let serial = 0;
const fresh = (prefix: string) => `${prefix}-${process.pid}-${serial++}`;

export const sampleBodies: Readonly<Record<string, (named: Named) => object>> = {
  createChatCompletion: ({ agentSlug }) => ({
    model: `agent/${agentSlug}`,
    messages: [{ role: 'user', content: 'What is the answer?' }],
  }),
  createEmbedding: () => ({ model: HashEmbeddingModel, input: 'text' }),
  // No model of the suites' own bridge does these: test/contract/inference-operations.test.ts has one that does.
  createCompletion: () => ({ model: 'nobody', prompt: 'text' }),
  createRerank: () => ({ model: 'nobody', query: 'text', documents: ['text'] }),
  tokenizeText: () => ({ model: 'nobody', prompt: 'text' }),
  createTranscription: () => ({ model: 'nobody', file: { name: 'a.mp3', type: 'audio/mpeg', data: 'AAAA' } }),
  createSpeech: () => ({ model: 'nobody', input: 'text', voice: 'alloy' }),
  createResponse: ({ agentSlug }) => ({ model: `agent/${agentSlug}`, input: 'What is the answer?' }),
  countInputTokens: ({ agentSlug }) => ({ model: `agent/${agentSlug}`, input: 'What is the answer?' }),
  createConversation: () => ({ metadata: { topic: 'x' }, items: [{ role: 'user', content: 'hello' }] }),
  createItems: () => ({ items: [{ role: 'user', content: 'hello' }] }),
  branchConversation: ({ ids }) => ({ item: ids.item }),
  updateConversation: () => ({ metadata: { topic: 'y' } }),
  createAgentVersion: () => ({ instructions: 'Be kind.' }),
  createAgent: () => ({ slug: fresh('agent'), name: 'An agent' }),
  updateAgent: () => ({ name: 'Another name' }),
  publishAgent: () => ({ version: 2, environment: 'staging' }),
  rollbackAgent: () => ({ environment: 'staging' }),
  createTask: () => ({ input: 'Say hello.', run_at: '2100-01-01T00:00:00Z' }),
  createSchedule: () => ({ name: fresh('schedule'), cron: '0 7 1 1 *', input: 'Say hello.' }),
  updateSchedule: () => ({ name: fresh('schedule') }),
  createGoal: () => ({ text: fresh('a goal') }),
  updateGoal: () => ({ note: fresh('a note') }),
  updatePersona: () => ({ tone: fresh('a tone') }),
  createProtocolHook: () => ({ name: fresh('hook'), moment: 'before_turn', action: { type: 'instruct', text: 'x' } }),
  updateProtocolHook: () => ({ name: fresh('hook') }),
  createMemory: () => ({ text: fresh('a memory') }),
  createMemories: () => ({ memories: [{ text: fresh('a memory') }] }),
  forgetMemories: () => ({ subject: fresh('nobody') }),
  // An export of nothing, in canonical form; a full one is a test's own affair (test/contract/memory-upkeep.test.ts).
  importMemories: ({ ids }) => ({
    agent: ids.agent,
    hash: '0'.repeat(64),
    head: true,
    sequence: 0,
    tenant: ids.tenant,
  }),
  recallMemories: () => ({ query: 'What is the answer?' }),
  approveApproval: () => ({}),
  denyApproval: () => ({ reason: 'not now' }),
  approveMcpTool: () => ({ hash: 'a'.repeat(64) }),
  createKey: () => ({ name: fresh('key'), permissions: ['agents:read'] }),
  rotateKey: () => ({ grace_seconds: 60 }),
  createSecret: () => ({ name: fresh('secret'), value: 'a value' }),
  rotateSecret: () => ({ value: 'another value' }),
  createMember: ({ ids }) => ({ issuer: ids.issuer, subject: fresh('subject'), role: 'viewer' }),
  updateMember: () => ({ role: 'viewer' }),
  revokeToken: ({ ids }) => ({ issuer: ids.issuer, jti: fresh('jti') }),
  updateIssuer: () => ({ client_id: null }),
  createIssuer: () => {
    const issuer = `https://op.example.com/${fresh('issuer')}`;
    return { issuer, audience: 'freehold', jwks_uri: `${issuer}/jwks` };
  },
  createBudget: ({ ids }) => ({ name: fresh('budget'), limit_micros: 1e12, window: 'month', scope: { key: ids.key } }),
  updateBudget: () => ({ name: fresh('budget') }),
  updateBranding: () => ({ name: fresh('brand') }),
  createAgentSession: () => ({ visitor: fresh('visitor'), ttl_seconds: 60 }),
  createAlert: () => ({ name: fresh('alert'), metric: 'error_rate', threshold: 0.5 }),
  updateAlert: () => ({ name: fresh('alert') }),
  createWebhook: () => ({ url: 'https://hooks.example.com/in', description: fresh('webhook') }),
  updateWebhook: () => ({ description: fresh('webhook') }),
  rotateWebhookSecret: () => ({ grace_seconds: 60 }),
  replayWebhook: () => ({ since: new Date().toISOString() }),
  createHook: ({ agentSlug }) => ({ name: fresh('hook'), agent: agentSlug, verification: { scheme: 'github' } }),
  updateHook: () => ({ name: fresh('hook') }),
  receiveDelivery: () => ({ action: 'opened' }),
  createSession: () => ({}),
  createDomain: () => ({ hostname: `${fresh('host')}.example.com` }),
  createExport: () => ({}),
  exportTenant: () => ({}),
  updateTenant: () => ({ name: 'Another name' }),
  // A good archive is a test's own affair (test/contract/archives.test.ts).
  importTenant: () => ({}),
  createPlan: () => ({ id: fresh('plan'), name: 'A plan', limits: { agents: 5 } }),
  updatePlan: () => ({ name: 'Another name' }),
  createTenantKey: () => ({ name: fresh('key') }),
  createTenant: () => ({ slug: fresh('tenant'), name: 'A tenant' }),
  setRate: () => ({ sku: 'tool_calls', unit_price_micros: 0 }),
  setPlanTerms: () => ({ plan: fresh('plan'), platform_fee_micros: 1, included: { tool_calls: 1 } }),
  setTenantTerms: () => ({ markup_bps: 0 }),
  grantCredit: () => ({ amount_micros: 1, reference: fresh('credit'), reason: 'a reason' }),
  correctEntry: ({ ids }) => ({ entry: `${ids.receipt}.input`, quantity: serial++, reason: 'a reason' }),
  closeInvoice: ({ ids }) => ({ tenant: ids.tenant, month: '2020-01' }),
  createEnrolment: () => ({ name: 'a bridge' }),
  registerModel: () => ({
    id: fresh('model'),
    versions: [{ version: '1', model: fresh('announced') }],
    current: '1',
  }),
  rollBackModel: () => ({}),
  setPrice: () => ({
    model: fresh('model'),
    input_micros_per_mtok: 1,
    cached_input_micros_per_mtok: 1,
    output_micros_per_mtok: 1,
  }),
};

/** Members of bodies that name something by its id, with the bodies that name it. */
export const bodyReferences: Readonly<Record<string, Readonly<Record<string, (named: Named) => object>>>> = {
  createChatCompletion: { model: ({ ids }) => ({ model: ids.model }) },
  createEmbedding: { model: ({ ids }) => ({ model: ids.model }) },
  createCompletion: { model: ({ ids }) => ({ model: ids.model }) },
  createRerank: { model: ({ ids }) => ({ model: ids.model }) },
  tokenizeText: { model: ({ ids }) => ({ model: ids.model }) },
  createTranscription: { model: ({ ids }) => ({ model: ids.model }) },
  createSpeech: { model: ({ ids }) => ({ model: ids.model }) },
  createResponse: {
    model: ({ ids }) => ({ model: ids.model }),
    conversation: ({ ids }) => ({ model: 'default', conversation: ids.conversation }),
    'conversation.id': ({ ids }) => ({ model: 'default', conversation: { id: ids.conversation } }),
    previous_response_id: ({ ids }) => ({ model: 'default', previous_response_id: ids.response }),
  },
  countInputTokens: {
    model: ({ ids }) => ({ model: ids.model }),
    conversation: ({ ids }) => ({ model: 'default', conversation: ids.conversation }),
    'conversation.id': ({ ids }) => ({ model: 'default', conversation: { id: ids.conversation } }),
    previous_response_id: ({ ids }) => ({ model: 'default', previous_response_id: ids.response }),
  },
  branchConversation: { item: ({ ids }) => ({ item: ids.item }) },
  createAgent: { 'definition.model': ({ ids }) => ({ definition: { model: ids.model } }) },
  createAgentVersion: { model: ({ ids }) => ({ model: ids.model }) },
  updateAgent: { 'definition.model': ({ ids }) => ({ definition: { model: ids.model }, publish: false }) },
  createMemory: { supersedes: ({ ids }) => ({ supersedes: ids.memory }) },
  createMemories: {
    'memories.supersedes': ({ ids }) => ({ memories: [{ text: fresh('a memory'), supersedes: ids.memory }] }),
  },
  createKey: { 'scope.agent': ({ ids }) => ({ scope: { agent: ids.agent } }) },
  createMember: { issuer: ({ ids }) => ({ issuer: ids.issuer }) },
  revokeToken: { issuer: ({ ids }) => ({ issuer: ids.issuer }) },
  createIssuer: { issuer: ({ ids }) => ({ issuer: ids.issuer }) },
  createBudget: {
    'scope.agent': ({ ids }) => ({ scope: { agent: ids.agent } }),
    'scope.key': ({ ids }) => ({ scope: { key: ids.key } }),
  },
  correctEntry: { entry: ({ ids }) => ({ entry: `${ids.receipt}.input` }) },
  closeInvoice: { tenant: ({ ids }) => ({ tenant: ids.tenant }) },
  setPrice: { tenant: ({ ids }) => ({ tenant: ids.tenant }) },
  setRate: { tenant: ({ ids }) => ({ tenant: ids.tenant }) },
  createWebhook: { agent: ({ ids }) => ({ agent: ids.agent }) },
  updateWebhook: { agent: ({ ids }) => ({ agent: ids.agent }) },
  createAlert: {
    agent: ({ ids }) => ({ agent: ids.agent }),
    webhooks: ({ ids }) => ({ webhooks: [ids.webhook] }),
  },
  updateAlert: {
    agent: ({ ids }) => ({ agent: ids.agent }),
    webhooks: ({ ids }) => ({ webhooks: [ids.webhook] }),
  },
  replayWebhook: { event: ({ ids }) => ({ event: ids.event }) },
  createHook: { agent: ({ ids }) => ({ agent: ids.agent }), secret: ({ ids }) => ({ secret: ids.secret }) },
  updateHook: { agent: ({ ids }) => ({ agent: ids.agent }), secret: ({ ids }) => ({ secret: ids.secret }) },
  createSession: { token: ({ visitor }) => ({ token: visitor }) },
  createEnrolment: { bridge: ({ ids }) => ({ bridge: ids.bridge }) },
};

/** Slots whose value is kept or compared but never looked up, so that a foreign id in them reaches nothing. */
export const inertSlots: Readonly<Record<string, string>> = {
  'createAgent definition.model': 'kept as text; a turn resolves it among plain models only',
  'createAgentVersion model': 'kept as text; a turn resolves it among plain models only',
  'updateAgent definition.model': 'kept as text; a turn resolves it among plain models only',
  'createHook secret': 'a value to verify with, not the name of one',
  'updateHook secret': 'a value to verify with, not the name of one',
  'createSession token': 'a session that is not valid here begins a new visitor',
};
