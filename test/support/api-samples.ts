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
  createResponse: ({ agentSlug }) => ({ model: `agent/${agentSlug}`, input: 'What is the answer?' }),
  createConversation: () => ({ metadata: { topic: 'x' }, items: [{ role: 'user', content: 'hello' }] }),
  createItems: () => ({ items: [{ role: 'user', content: 'hello' }] }),
  updateConversation: () => ({ metadata: { topic: 'y' } }),
  createAgentVersion: () => ({ instructions: 'Be kind.' }),
  createAgent: () => ({ slug: fresh('agent'), name: 'An agent' }),
  updateAgent: () => ({ name: 'Another name' }),
  publishAgent: () => ({ version: 2, environment: 'staging' }),
  rollbackAgent: () => ({ environment: 'staging' }),
  createMemory: () => ({ text: fresh('a memory') }),
  recallMemories: () => ({ query: 'What is the answer?' }),
  createKey: () => ({ name: fresh('key'), permissions: ['agents:read'] }),
  rotateKey: () => ({ grace_seconds: 60 }),
  createSecret: () => ({ name: fresh('secret'), value: 'a value' }),
  rotateSecret: () => ({ value: 'another value' }),
  createMember: ({ ids }) => ({ issuer: ids.issuer, subject: fresh('subject'), role: 'viewer' }),
  updateMember: () => ({ role: 'viewer' }),
  createIssuer: () => {
    const issuer = `http://127.0.0.1:9/${fresh('issuer')}`;
    return { issuer, audience: 'freehold', jwks_uri: `${issuer}/jwks` };
  },
  createBudget: ({ ids }) => ({ name: fresh('budget'), limit_micros: 1e12, window: 'month', scope: { key: ids.key } }),
  updateBudget: () => ({ name: fresh('budget') }),
  createSession: () => ({}),
  createTenantKey: () => ({ name: fresh('key') }),
  createTenant: () => ({ slug: fresh('tenant'), name: 'A tenant' }),
  registerBridge: () => ({
    id: `brg_${'0'.repeat(20)}${String(serial++).padStart(6, '0')}`,
    name: 'a bridge',
    url: 'http://127.0.0.1:9',
    public_key: { kty: 'OKP', crv: 'Ed25519', x: 'A'.repeat(43) },
  }),
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
  createResponse: {
    model: ({ ids }) => ({ model: ids.model }),
    conversation: ({ ids }) => ({ model: 'default', conversation: ids.conversation }),
    'conversation.id': ({ ids }) => ({ model: 'default', conversation: { id: ids.conversation } }),
    previous_response_id: ({ ids }) => ({ model: 'default', previous_response_id: ids.response }),
  },
  createAgent: { 'definition.model': ({ ids }) => ({ definition: { model: ids.model } }) },
  createAgentVersion: { model: ({ ids }) => ({ model: ids.model }) },
  updateAgent: { 'definition.model': ({ ids }) => ({ definition: { model: ids.model }, publish: false }) },
  createMemory: { supersedes: ({ ids }) => ({ supersedes: ids.memory }) },
  createKey: { 'scope.agent': ({ ids }) => ({ scope: { agent: ids.agent } }) },
  createMember: { issuer: ({ ids }) => ({ issuer: ids.issuer }) },
  createIssuer: { issuer: ({ ids }) => ({ issuer: ids.issuer }) },
  createBudget: {
    'scope.agent': ({ ids }) => ({ scope: { agent: ids.agent } }),
    'scope.key': ({ ids }) => ({ scope: { key: ids.key } }),
  },
  createSession: { token: ({ visitor }) => ({ token: visitor }) },
};

/** Slots whose value is kept or compared but never looked up, so that a foreign id in them reaches nothing. */
export const inertSlots: Readonly<Record<string, string>> = {
  'createAgent definition.model': 'kept as text; a turn resolves it among plain models only',
  'createAgentVersion model': 'kept as text; a turn resolves it among plain models only',
  'updateAgent definition.model': 'kept as text; a turn resolves it among plain models only',
  'createMemory supersedes': 'kept as a remark of the writer',
  'createSession token': 'a session that is not valid here begins a new visitor',
};
