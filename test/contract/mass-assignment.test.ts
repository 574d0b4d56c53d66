/**
 * What a caller may not set cannot be set: every writable body with every internal member is refused or leaves that
 * member alone, and every good answer holds nothing that its schema does not declare. (I-5; ASVS 8.2.3)
 */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { fillPath, readApi, type Api, type Operation } from '../support/api-operations.ts';
import { sampleBodies } from '../support/api-samples.ts';
import { populateTenant, type PopulatedTenant } from '../support/populated-tenant.ts';
import { startTestPlatform, type Answer, type TestPlatform } from '../support/running-platform.ts';

/** A value that would be noticed wherever it came up again. */
const Mark = 'mass-assigned';
/** What the server sets, or what the engine underneath would obey. */
const internals: Readonly<Record<string, unknown>> = {
  id: `${Mark}-id`,
  object: Mark,
  tenant: Mark,
  tenant_id: Mark,
  tenantId: Mark,
  agent_id: Mark,
  owner: Mark,
  owner_id: Mark,
  owner_kind: Mark,
  role: 'admin',
  kind: Mark,
  permissions: ['*'],
  status: 'active',
  secret: Mark,
  secret_hash: Mark,
  secretHash: Mark,
  prefix: Mark,
  author: Mark,
  provenance: { author: Mark },
  sequence: 999_999,
  content_hash: Mark,
  previous_hash: Mark,
  hash: Mark,
  embedding_space: Mark,
  scope: Mark,
  version: 999_999,
  published: { prod: 999_999 },
  created_at: '1999-01-01T00:00:00.000Z',
  updated_at: '1999-01-01T00:00:00.000Z',
  revoked_at: null,
  last_used_at: '1999-01-01T00:00:00.000Z',
  balance: 999_999,
  cost_micros: -1,
  plan: Mark,
  region: Mark,
  url: `http://${Mark}/`,
  listed: 0,
  usage: { total_tokens: 0 },
  output: [{ type: 'message', content: Mark }],
  recalled_memories: [{ id: Mark }],
  toString: Mark,
  hasOwnProperty: Mark,
};
const prototypes = [
  `{"${'__proto__'}":{"status":"${Mark}","isAdmin":true}}`,
  `{"constructor":{"prototype":{"isAdmin":"${Mark}"}}}`,
];

let platform: TestPlatform;
let api: Api;
let tenant: PopulatedTenant;
let tenants = 0;

beforeAll(async () => {
  platform = await startTestPlatform();
  api = await readApi(platform);
});
beforeEach(async () => {
  tenant = await populateTenant(platform, `acme-${tenants++}`);
});
afterAll(() => platform.stop());

const hostOf = ({ slug }: PopulatedTenant) => `${slug}.localhost`;

function writers(): readonly Operation[] {
  return api.operations.filter(({ body, access }) => body?.media === 'application/json' && access !== 'public');
}

/** What the pipeline hands to a model as it came: the model's business, and the answer's schema is checked all the same. */
const passedOn = new Set(['createChatCompletion', 'createEmbedding']);

function send(operation: Operation, text: string): Promise<Answer> {
  const apex = operation.host === 'apex';
  return platform.call(operation.method, apex ? 'localhost' : hostOf(tenant), fillPath(operation.path, tenant.ids), {
    token: apex ? platform.secrets.operator_token : tenant.key,
    rawBody: text,
  });
}

/** Puts a member into a body as JSON would carry it, `__proto__` included. */
function withMember(body: object, name: string, value: unknown): string {
  return JSON.stringify(body).replace(
    /\}$/,
    `${Object.keys(body).length > 0 ? ',' : ''}${JSON.stringify(name)}:${JSON.stringify(value)}}`,
  );
}

function violationOf(operation: Operation, answer: Answer): string | undefined {
  const declared = operation.responses[String(answer.status)] ?? {};
  const media = String(answer.headers['content-type']).split(';')[0]!;
  if (media !== 'application/json' && media in declared) return undefined;
  const schema = declared['application/json']?.schema;
  return schema ? api.schemas.findViolation(schema, answer.json()) : `undocumented ${answer.status}`;
}

/** Everything that the tenant's key can read. */
async function readAll(): Promise<string> {
  const texts: string[] = [];
  for (const operation of api.operations.filter(({ access, method }) => access === 'tenant' && method === 'GET')) {
    const limit = operation.queryParams.some(({ name }) => name === 'limit') ? '?limit=100' : '';
    texts.push(
      (
        await platform.call('GET', hostOf(tenant), fillPath(operation.path, tenant.ids) + limit, {
          token: tenant.key,
        })
      ).text,
    );
  }
  texts.push(
    (
      await platform.call('GET', 'localhost', `/operator/v1/tenants/${tenant.id}`, {
        token: platform.secrets.operator_token,
      })
    ).text,
  );
  return texts.join('\n');
}

describe('a body', () => {
  test('with a member that the server sets is refused, or the member is ignored and reads back unchanged', async () => {
    const accepted: string[] = [];
    let tried = 0;
    for (const operation of writers()) {
      const known = Object.keys((operation.body!.schema['properties'] ?? {}) as object);
      for (const [name, value] of Object.entries(internals).filter(([member]) => !known.includes(member))) {
        const answer = await send(operation, withMember(sampleBodies[operation.id]!(tenant), name, value));
        tried++;
        expect(answer.status, `${operation.id} ${name}: ${answer.text}`).toBeLessThan(500);
        if (answer.status >= 300) continue;
        accepted.push(`${operation.id} ${name}`);
        expect(violationOf(operation, answer), `${operation.id} ${name}`).toBeUndefined();
        expect(answer.text, `${operation.id} ${name}`).not.toContain(Mark);
      }
    }
    expect(tried).toBeGreaterThan(500);
    expect(accepted.filter((each) => !passedOn.has(each.split(' ')[0]!))).toEqual([]);
    const now = await readAll();
    expect(now).not.toContain(Mark);
    expect(now).not.toContain('1999-01-01');
    expect(now).not.toContain('999999');
  });

  test('with a member of a nested object that the server sets leaves it alone', async () => {
    const nested: readonly (readonly [operation: string, body: object])[] = [
      ['createAgent', { slug: 'nested', name: 'n', definition: { id: Mark, tenant_id: Mark } }],
      ['createAgent', { slug: 'nested', name: 'n', definition: { limits: { balance: Mark } } }],
      ['createKey', { name: 'n', scope: { tenant: Mark } }],
      ['createMemory', { text: 'nested one', source: { type: 'person', ref: null, author: Mark, recorded_at: Mark } }],
      [
        'createConversation',
        { items: [{ role: 'user', content: 'x', id: Mark, status: Mark, position: Mark, response_id: Mark }] },
      ],
      [
        'createItems',
        { items: [{ role: 'user', content: [{ type: 'input_text', text: 'x', author: Mark }], id: Mark }] },
      ],
      [
        'createItems',
        {
          items: [
            { type: 'function_call', id: Mark, call_id: 'c', name: 'f', arguments: '{}', status: Mark, owner: Mark },
          ],
        },
      ],
      ['createResponse', { model: 'default', input: [{ role: 'user', content: 'x', id: Mark, status: Mark }] }],
    ];
    for (const [id, body] of nested) {
      const operation = api.operations.find((each) => each.id === id)!;
      const answer = await send(operation, JSON.stringify(body));
      expect(answer.status, `${id}: ${answer.text}`).toBeLessThan(500);
      expect(answer.text, id).not.toContain(`"${Mark}"`);
      if (answer.status < 300) expect(violationOf(operation, answer), id).toBeUndefined();
    }
    expect(await readAll()).not.toContain(Mark);
  });

  test.each(prototypes)(
    'with %s changes no prototype: nothing is granted by it, and the next answers are as before',
    async (poison) => {
      for (const operation of writers()) {
        const body = JSON.stringify(sampleBodies[operation.id]!(tenant));
        const answer = await send(operation, body.replace(/\}$/, `${body === '{}' ? '' : ','}${poison.slice(1)}`));
        expect(answer.status, `${operation.id}: ${answer.text}`).toBeLessThan(500);
        if (answer.status < 300) expect(passedOn.has(operation.id), `${operation.id} accepts ${poison}`).toBe(true);
        expect(answer.text).not.toContain(Mark);
      }
      expect(await readAll()).not.toContain(Mark);
      expect((await platform.call('GET', hostOf(tenant), '/v1/agents')).status).toBe(401);
    },
  );

  test('that names a higher right than its key has does not get it', async () => {
    const made = await platform.client(tenant).require<{ secret: string }>('POST', '/v1/keys', {
      name: 'k',
      permissions: ['agents:write', 'conversations:write'],
    });
    for (const [path, body] of [
      ['/v1/agents', { slug: 'raised', name: 'n', permissions: ['*'] }],
      ['/v1/conversations', { permissions: ['*'], role: 'admin' }],
    ] as const) {
      expect((await platform.call('POST', hostOf(tenant), path, { token: made.secret, body })).status).toBe(400);
    }
    expect((await platform.call('GET', hostOf(tenant), '/v1/keys', { token: made.secret })).status).toBe(403);
  });
});

test('every good answer holds what its schema declares and nothing else', async () => {
  const good: string[] = [];
  const last = [
    'deleteItem',
    'deleteResponse',
    'deleteConversation',
    'deleteMemory',
    'deleteSecret',
    'deleteBudget',
    'deleteWebhook',
    'deleteMember',
    'deleteIssuer',
    'deleteHook',
    'deleteAgent',
    'deleteDomain',
    'deletePlan',
    'suspendTenant',
    'reactivateTenant',
    'deleteTenant',
  ];
  for (const operation of api.operations.filter(({ access, id }) => access !== 'public' && !last.includes(id))) {
    const answer = await send(operation, operation.body ? JSON.stringify(sampleBodies[operation.id]!(tenant)) : '');
    if (answer.status >= 300) continue;
    expect(violationOf(operation, answer), operation.id).toBeUndefined();
    good.push(operation.id);
  }
  for (const id of last) {
    const operation = api.operations.find((each) => each.id === id)!;
    const answer = await send(operation, '');
    expect(answer.status, id).toBe(200);
    expect(violationOf(operation, answer), id).toBeUndefined();
    good.push(id);
  }
  const open = api.operations.filter(({ access }) => access !== 'public').map(({ id }) => id);
  // A response that has ended can no longer be cancelled, an approval is decided once, a tool is approved by the hash of
  // what was read, no month of a new tenant is over, the sample of an archive is none, a bridge of a key has no node, and
  // the built-in model chats and embeds, and does nothing else; a model is registered under a name of its own each time.
  const undone = open.filter((id) => !good.includes(id)).sort();
  expect(undone).toEqual([
    'approveMcpTool',
    'cancelResponse',
    'closeInvoice',
    'createCompletion',
    'createRerank',
    'createSpeech',
    'createTranscription',
    'denyApproval',
    'drainNode',
    'importMemories',
    'importTenant',
    'resumeNode',
    'rollBackModel',
    'tokenizeText',
    'unregisterModel',
  ]);
});
