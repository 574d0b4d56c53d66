/** A tenant with something of every kind, and every text of it a canary that is found again wherever it leaks. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { CreatedTenant, TestPlatform } from './running-platform.ts';

/** What path and body parameters can name, by the parameter's name. */
export type Ids = {
  readonly tenant: string;
  readonly agent: string;
  readonly memory: string;
  readonly conversation: string;
  readonly item: string;
  readonly response: string;
  readonly key: string;
  readonly secret: string;
  readonly issuer: string;
  readonly member: string;
  readonly receipt: string;
  readonly budget: string;
  readonly model: string;
};

export type PopulatedTenant = CreatedTenant & {
  readonly ids: Ids;
  readonly agentSlug: string;
  readonly canaries: readonly string[];
  /** A visitor's session with its first agent. */
  readonly visitor: string;
};

type Made = { readonly id: string };

export async function populateTenant(platform: TestPlatform, slug: string): Promise<PopulatedTenant> {
  const canaries: string[] = [];
  const canary = (what: string) => {
    const text = `canary-${slug}-${what}-${canaries.length}`;
    canaries.push(text);
    return text;
  };
  const tenant = await platform.createTenant(slug);
  const client = platform.client(tenant);
  // Named in requests, so no canary.
  const agentSlug = `${slug}-agent`;
  const agent = await client.require<Made>('POST', '/v1/agents', {
    slug: agentSlug,
    name: canary('name'),
    definition: {
      instructions: canary('instructions'),
      greeting: canary('greeting'),
      goals: [canary('goal'), canary('goal')],
    },
  });
  await client.require('POST', `/v1/agents/${agent.id}/versions`, { instructions: canary('version') });
  await client.require('POST', '/v1/agents', { slug: canary('second'), name: canary('second-name') });
  const memories: Made[] = [];
  for (let at = 0; at < 12; at++) {
    const source = { type: 'document', ref: canary('source') };
    memories.push(
      await client.require<Made>('POST', `/v1/agents/${agent.id}/memories`, {
        text: `The answer is ${canary('memory')}.`,
        source,
      }),
    );
  }
  const key = await client.require<Made>('POST', '/v1/keys', { name: canary('key'), permissions: ['agents:read'] });
  const secret = `${slug}-secret`;
  await client.require('POST', '/v1/secrets', { name: secret, value: canary('secret-value') });
  const issuer = await client.require<Made>('POST', '/v1/issuers', {
    issuer: `http://127.0.0.1:9/${canary('issuer')}`,
    audience: canary('audience'),
    jwks_uri: `http://127.0.0.1:9/${canary('jwks')}`,
    role_mappings: [{ claim: canary('claim'), value: canary('value'), role: 'viewer' }],
  });
  const member = await client.require<Made>('POST', '/v1/members', {
    issuer: issuer.id,
    subject: canary('subject'),
    email: `${canary('email')}@example.com`,
    role: 'developer',
  });
  const budget = await client.require<Made>('POST', '/v1/budgets', {
    name: canary('budget'),
    limit_micros: 1e12,
    window: 'month',
  });
  const conversation = await client.require<Made>('POST', '/v1/conversations', {
    metadata: { note: canary('metadata') },
    items: [canary('item'), canary('item')].map((content) => ({ role: 'user', content })),
  });
  const turn = await client.require<Made>('POST', '/v1/responses', {
    model: `agent/${agentSlug}`,
    input: `What is the answer? ${canary('input')}`,
    metadata: { note: canary('response-metadata') },
    instructions: canary('response-instructions'),
    conversation: conversation.id,
  });
  await client.require('POST', '/v1/responses', { model: 'default', input: canary('plain-input') });
  const items = await client.require<{ data: Made[] }>('GET', `/v1/conversations/${conversation.id}/items?order=asc`);
  const session = await platform.call('POST', `${slug}.localhost`, '/v1/sessions', { body: {} });
  await waitUntil(async () => (await usedRequests(client)) >= 2);
  return {
    ...tenant,
    agentSlug,
    canaries,
    visitor: (session.json() as { token: string }).token,
    ids: {
      tenant: tenant.id,
      agent: agent.id,
      memory: memories[0]!.id,
      conversation: conversation.id,
      item: items.data[0]!.id,
      response: turn.id,
      key: key.id,
      secret,
      issuer: issuer.id,
      member: member.id,
      budget: budget.id,
      receipt: findReceipt(platform, tenant.keyId),
      model: `agent/${agentSlug}`,
    },
  };
}

/** Ids of the right form that name nothing. */
export function strangeIds(ids: Ids): Ids {
  const turned = (id: string) =>
    id.replace(/.{6}$/, (end) => [...end].map((letter) => (letter === 'z' ? 'y' : 'z')).join(''));
  return Object.fromEntries(Object.entries(ids).map(([name, id]) => [name, turned(id)])) as Ids;
}

export async function waitUntil(holds: () => Promise<boolean>, withinMs = 20_000): Promise<void> {
  for (const end = Date.now() + withinMs; !(await holds());) {
    if (Date.now() > end) throw new Error('what was waited for did not come');
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

async function usedRequests(client: ReturnType<TestPlatform['client']>): Promise<number> {
  const usage = await client.require<{ data: { requests: number }[] }>('GET', '/v1/usage');
  return usage.data.reduce((sum, row) => sum + row.requests, 0);
}

/** Receipts are not listed by the API: the id is read where the tenant's object keeps it. */
function findReceipt(platform: TestPlatform, keyId: string): string {
  const folder = join(platform.dataDir, 'state/do/freehold-TenantObject');
  for (const file of readdirSync(folder)) {
    if (!file.endsWith('.sqlite') || file.startsWith('metadata')) continue;
    const database = new DatabaseSync(join(folder, file), { readOnly: true });
    try {
      const row = database.prepare('SELECT id FROM ledger WHERE key_id = ? LIMIT 1').get(keyId) as Made | undefined;
      if (row) return row.id;
    } finally {
      database.close();
    }
  }
  throw new Error(`no receipt of ${keyId}`);
}
