/** A tenant with something of every kind, and every text of it a canary that is found again wherever it leaks. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { enrolByHand } from './hand-bridge.ts';
import { mintId } from '../../shared/core/ids.ts';
import { McpPeer } from './mcp-peer.ts';
import type { CreatedTenant, TestPlatform } from './running-platform.ts';

/** What path and body parameters can name, by the parameter's name. */
export type Ids = {
  readonly tenant: string;
  readonly agent: string;
  readonly memory: string;
  readonly consolidation: string;
  readonly task: string;
  readonly schedule: string;
  readonly goal: string;
  readonly protocol_hook: string;
  readonly conversation: string;
  readonly item: string;
  readonly response: string;
  readonly approval: string;
  readonly mcp_tool: string;
  readonly key: string;
  readonly secret: string;
  readonly issuer: string;
  readonly member: string;
  readonly receipt: string;
  readonly budget: string;
  readonly invoice: string;
  readonly webhook: string;
  readonly event: string;
  readonly hook: string;
  readonly model: string;
  /** The operator's name of one, in a registry without it. */
  readonly registered_model: string;
  /** A page of the console: the same for everybody. */
  readonly path: string;
  /** One of the operator's, that serves nobody. */
  readonly bridge: string;
  readonly node: string;
  readonly domain: string;
  readonly alert: string;
  readonly plan: string;
};

export type PopulatedTenant = CreatedTenant & {
  readonly ids: Ids;
  readonly agentSlug: string;
  readonly canaries: readonly string[];
  /** A visitor's session with its first agent. */
  readonly visitor: string;
};

type Made = { readonly id: string };

/** `dataDir`: where the platform runs on this machine, so that what its API does not list can be found. */
export type PopulateTarget = Pick<TestPlatform, 'createTenant' | 'client' | 'call' | 'operator'> & {
  readonly dataDir?: string;
  readonly domain?: string;
};

export async function populateTenant(platform: PopulateTarget, slug: string): Promise<PopulatedTenant> {
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
  const consolidation = await client.require<Made>('POST', `/v1/agents/${agent.id}/memories/consolidate`);
  const key = await client.require<Made>('POST', '/v1/keys', { name: canary('key'), permissions: ['agents:read'] });
  const secret = `${slug}-secret`;
  await client.require('POST', '/v1/secrets', { name: secret, value: canary('secret-value') });
  const issuer = await client.require<Made>('POST', '/v1/issuers', {
    issuer: `https://op.example.com/${canary('issuer')}`,
    audience: canary('audience'),
    jwks_uri: `https://op.example.com/${canary('jwks')}`,
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
  const task = await client.require<Made>('POST', `/v1/agents/${agent.id}/tasks`, {
    input: canary('task'),
    run_at: '2100-01-01T00:00:00Z',
    metadata: { note: canary('task-metadata') },
  });
  const schedule = await client.require<Made>('POST', `/v1/agents/${agent.id}/schedules`, {
    name: canary('schedule'),
    cron: '0 7 1 1 *',
    input: canary('schedule-input'),
  });
  const goal = await client.require<Made>('POST', `/v1/agents/${agent.id}/goals`, {
    text: canary('own-goal'),
    note: canary('goal-note'),
  });
  const protocolHook = await client.require<Made>('POST', `/v1/agents/${agent.id}/protocol_hooks`, {
    name: canary('protocol-hook'),
    moment: 'after_turn',
    when: `status = "${canary('condition')}"`,
    action: { type: 'task', input: canary('hook-input') },
    enabled: false,
  });
  await client.require('PATCH', `/v1/agents/${agent.id}/persona`, { tone: canary('tone') });
  const webhook = await client.require<Made>('POST', '/v1/webhooks', {
    url: `https://hooks.example.com/${canary('webhook')}`,
    description: canary('webhook-description'),
    // Nothing is sent that nobody asked for: what the sweeps compare stands still.
    events: ['webhook.test'],
  });
  const alert = await client.require<Made>('POST', '/v1/alerts', {
    name: canary('alert'),
    metric: 'error_rate',
    threshold: 1,
    // What the sweeps compare stands still.
    enabled: false,
  });
  const event = (await client.require<{ data: Made[] }>('GET', '/v1/events?type=agent.created')).data[0]!;
  const hook = await client.require<Made>('POST', '/v1/hooks', {
    name: canary('hook'),
    agent: agent.id,
    verification: { scheme: 'hmac', header: 'x-signature' },
    secret: canary('hook-secret'),
    template: canary('hook-template'),
  });
  // The operator's, which stays when the tenant goes: no canary.
  const plan = `plan-of-${slug}`;
  await platform.operator.require('POST', '/operator/v1/plans', { id: plan, name: plan });
  const domain = await client.require<Made>('POST', '/v1/domains', { hostname: `${canary('hostname')}.example.com` });
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
  const approval = await requestApproval(client, canary('second-slug'), canary('question'));
  const mcpTool = await offerTool(client, canary('mcp-slug'), canary('tool'));
  const items = await client.require<{ data: Made[] }>('GET', `/v1/conversations/${conversation.id}/items?order=asc`);
  const invoices = await client.require<{ data: Made[] }>('GET', '/v1/invoices');
  const session = await platform.call('POST', `${slug}.${platform.domain ?? 'localhost'}`, '/v1/sessions', {
    body: {},
  });
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
      consolidation: consolidation.id,
      task: task.id,
      schedule: schedule.id,
      goal: goal.id,
      protocol_hook: protocolHook.id,
      conversation: conversation.id,
      item: items.data[0]!.id,
      response: turn.id,
      approval,
      mcp_tool: mcpTool,
      key: key.id,
      secret,
      issuer: issuer.id,
      member: member.id,
      budget: budget.id,
      invoice: invoices.data[0]!.id,
      webhook: webhook.id,
      event: event.id,
      hook: hook.id,
      receipt:
        platform.dataDir === undefined ? mintId('receipt', Date.now()) : findReceipt(platform.dataDir, tenant.keyId),
      model: `agent/${agentSlug}`,
      registered_model: 'a-model',
      path: 'a-page',
      bridge: (await enrolByHand(platform)).id,
      node: mintId('node', Date.now()),
      domain: domain.id,
      alert: alert.id,
      plan,
    },
  };
}

type Client = ReturnType<TestPlatform['client']>;

/** A call that waits for somebody: the extractive engine makes it because the request names the tool. */
async function requestApproval(client: Client, slug: string, question: string): Promise<string> {
  const tools = [{ type: 'builtin', name: 'http_fetch', allow: ['docs.example.com'], approval: 'always' }];
  await client.require('POST', '/v1/agents', { slug, name: slug, definition: { tools } });
  const input = `http_fetch "https://docs.example.com/${question}"`;
  type Waiting = { output: { id: string; type: string }[] };
  const { output } = await client.require<Waiting>('POST', '/v1/responses', { model: `agent/${slug}`, input });
  return output.find(({ type }) => type === 'mcp_approval_request')!.id;
}

async function offerTool(client: Client, slug: string, description: string): Promise<string> {
  const peer = await McpPeer.start([{ name: 'look', description, inputSchema: { type: 'object' } }]);
  const tools = [{ type: 'mcp', server_label: 'peer', server_url: peer.url }];
  await client.require('POST', '/v1/agents', { slug, name: slug, definition: { tools } });
  await client.require('POST', '/v1/responses', { model: `agent/${slug}`, input: 'Hello.' });
  await peer.close();
  const { data } = await client.require<{ data: Made[] }>('GET', '/v1/mcp_tools');
  return data[0]!.id;
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
function findReceipt(dataDir: string, keyId: string): string {
  const folder = join(dataDir, 'state/do/freehold-TenantObject');
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
