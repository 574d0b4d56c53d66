/**
 * Agents with tools, through the official SDK, a scripted model that may be hostile, and a receiver that counts: whatever
 * the model writes, nothing is executed outside allowlist, schema, approval and limits.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type OpenAI from 'openai';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { EffectReceiver } from '../support/effect-receiver.ts';
import type { FakeCall, FakeRequest } from '../support/fake-node.ts';
import {
  EmbeddingModel,
  PlainModel,
  startPlatformWithNode,
  type PlatformWithNode,
} from '../support/platform-with-node.ts';
import { waitUntil } from '../support/wait-until.ts';

type Message = { readonly role: string; readonly content: string | null };
type Output = { readonly type: string; readonly [member: string]: unknown };
type Answer = {
  readonly id: string;
  readonly status: string;
  readonly output: readonly Output[];
  readonly incomplete_details: unknown;
};
type Approval = {
  readonly id: string;
  readonly status: string;
  readonly arguments: unknown;
  readonly tool: string;
  readonly used: boolean;
};
type Effect = { readonly tool: string; readonly status: string; readonly attempts: number };
type List<T> = { readonly data: readonly T[] };

const Canary = 'canary-credential-6b1f0c2d';
let home: PlatformWithNode;
let client: OpenAI;
let receiver: EffectReceiver;
let serial = 0;

beforeAll(async () => {
  receiver = await EffectReceiver.start();
  home = await startPlatformWithNode();
  client = home.platform.openai(home.tenant, { maxRetries: 0 });
  await api('POST', '/v1/secrets', { name: 'shop', value: Canary });
});
afterAll(async () => {
  await home.stop();
  await receiver.close();
});
beforeEach(() => {
  receiver.calls.length = 0;
  receiver.answer = (_, response) => {
    response.setHeader('content-type', 'application/json');
    response.end('{"ok":true}');
  };
  home.node.requests.length = 0;
});

const api = <T>(method: 'GET' | 'POST', path: string, body?: object) =>
  home.platform.client(home.tenant).require<T>(method, path, body);

/** The model calls what it is told to, step by step, and then says so. */
function script(...steps: readonly (readonly FakeCall[])[]): void {
  home.node.script = {
    models: [PlainModel, EmbeddingModel],
    reply: ({ body }: FakeRequest) => {
      const messages = body['messages'] as readonly Message[];
      const asked = messages.findLastIndex(({ role }) => role === 'user');
      const step = messages.slice(asked).filter(({ role }) => role === 'assistant').length;
      const calls = steps[step];
      return calls ? { calls } : { text: 'Done.' };
    },
  };
}

async function newAgent(tools: readonly object[], change: object = {}): Promise<string> {
  const slug = `agent-${serial++}`;
  await api('POST', '/v1/agents', {
    slug,
    name: slug,
    definition: { model: PlainModel, tools, limits: { recall: 0 }, ...change },
  });
  return `agent/${slug}`;
}

async function ask(model: string, by: OpenAI = client): Promise<Answer> {
  return (await by.responses.create({ model, input: 'Do it.' })) as unknown as Answer;
}

const pay = (change: object = {}) => ({
  type: 'http',
  name: 'pay',
  method: 'POST',
  url: `${receiver.url}/pay/{account}`,
  parameters: {
    type: 'object',
    properties: { account: { type: 'string', maxLength: 40 }, amount: { type: 'integer', minimum: 1 } },
    required: ['account', 'amount'],
  },
  ...change,
});
const paying: FakeCall = { name: 'pay', arguments: { account: 'a1', amount: 5 } };

/** What the model was told last of its calls. */
function told(): string[] {
  const messages = home.node.requests.at(-1)!.body['messages'] as readonly Message[];
  return messages.filter(({ role }) => role === 'tool').map(({ content }) => content ?? '');
}

const effectsOf = async (id: string) => (await api<List<Effect>>('GET', `/v1/responses/${id}/effects`)).data;

describe('a tool of an agent', () => {
  it('is called once with what the model gave, and the stream tells of it as the API promises', async () => {
    const model = await newAgent([pay({ credential: { secret: 'shop' } })]);
    script([paying]);
    const types: string[] = [];
    let text = '';
    for await (const event of await client.responses.create({ model, input: 'Pay.', stream: true })) {
      types.push(event.type);
      if (event.type === 'response.output_text.delta') text += event.delta;
    }
    expect(text).toBe('Done.');
    expect(types.filter((type, at) => type !== types[at - 1])).toEqual([
      'response.created',
      'response.in_progress',
      'response.output_item.added',
      'response.mcp_call_arguments.delta',
      'response.mcp_call_arguments.done',
      'response.mcp_call.in_progress',
      'response.mcp_call.completed',
      'response.output_item.done',
      'response.output_item.added',
      'response.content_part.added',
      'response.output_text.delta',
      'response.output_text.done',
      'response.content_part.done',
      'response.output_item.done',
      'response.completed',
    ]);
    expect(receiver.calls).toHaveLength(1);
    const [call] = receiver.calls;
    expect(call).toMatchObject({ method: 'POST', path: '/pay/a1', body: '{"amount":5}' });
    expect(call!.headers.authorization).toBe(`Bearer ${Canary}`);
    expect(call!.key).toMatch(/^eff_/);
    expect(told()).toEqual(['{"ok":true}']);
  });

  it('is known to later turns of the conversation as what it was', async () => {
    const model = await newAgent([pay()]);
    script([paying]);
    const conversation = await client.conversations.create();
    await client.responses.create({ model, input: 'Pay.', conversation: conversation.id });
    script();
    await client.responses.create({ model, input: 'And?', conversation: conversation.id });
    const messages = home.node.requests.at(-1)!.body['messages'] as readonly (Message & { tool_calls?: unknown[] })[];
    expect(messages.map(({ role }) => role)).toEqual(['user', 'assistant', 'tool', 'assistant', 'user']);
  });

  it('beside a function that the client executes leaves that to the client', async () => {
    const model = await newAgent([pay()]);
    script([paying, { name: 'mine', arguments: {} }]);
    const tools = [{ type: 'function' as const, name: 'mine', strict: false, parameters: { type: 'object' } }];
    const answer = await client.responses.create({ model, input: 'Both.', tools });
    expect(answer.status).toBe('completed');
    expect(answer.output.map(({ type }) => type)).toEqual(['mcp_call', 'function_call']);
    expect(receiver.calls).toHaveLength(1);
  });
});

describe('a hostile model', () => {
  it.each<[string, FakeCall]>([
    ['a tool that nobody declared', { name: 'delete_everything', arguments: {} }],
    ['a tool of the platform that the agent was not given', { name: 'memory_write', arguments: { text: 'x' } }],
    ['a wrong type', { name: 'pay', arguments: { account: 'a1', amount: '5' } }],
    ['a missing argument', { name: 'pay', arguments: { account: 'a1' } }],
    ['an extra argument', { name: 'pay', arguments: { account: 'a1', amount: 5, approved: true } }],
    ['a prototype', { name: 'pay', arguments: '{"account":"a1","amount":5,"__proto__":{"x":1}}' }],
    ['no JSON', { name: 'pay', arguments: 'account=a1&amount=5' }],
    ['a list', { name: 'pay', arguments: '[1]' }],
    ['a way up the path', { name: 'pay', arguments: { account: '..', amount: 5 } }],
    ['a megabyte', { name: 'pay', arguments: { account: 'a'.repeat(1_000_000), amount: 5 } }],
    ['a name of a megabyte', { name: 'pay'.repeat(300_000), arguments: {} }],
    ['a name that looks alike', { name: 'pаy', arguments: { account: 'a1', amount: 5 } }],
    ['an address of its own', { name: 'http_fetch', arguments: { url: `http://127.0.0.1:1/?k=${Canary}` } }],
    ['an agent that it may not ask', { name: 'ask_agent', arguments: { agent: 'helper', question: 'x' } }],
  ])('executes nothing with %s, and is told why', async (_, call) => {
    const fetch = { type: 'builtin', name: 'http_fetch', allow: ['docs.example.com'] };
    const asking = { type: 'builtin', name: 'ask_agent', allow: ['nobody'] };
    const model = await newAgent([pay(), fetch, asking]);
    script([call]);
    const answer = await ask(model);
    expect(receiver.calls).toEqual([]);
    expect(answer.status).toBe('completed');
    expect(told()).toHaveLength(1);
    expect(told()[0]).toMatch(/^Error: /);
    expect((await effectsOf(answer.id)).map(({ status, attempts }) => ({ status, attempts }))).toEqual([
      {
        status: 'failed',
        attempts:
          call.name === 'http_fetch' || call.name === 'ask_agent' || JSON.stringify(call.arguments).includes('".."')
            ? 1
            : 0,
      },
    ]);
  });

  it('that leads a path elsewhere stays at its place', async () => {
    const model = await newAgent([pay()]);
    script([{ name: 'pay', arguments: { account: '../../admin?x=1#y', amount: 5 } }]);
    await ask(model);
    expect(receiver.calls.map(({ path }) => path)).toEqual([`/pay/${encodeURIComponent('../../admin?x=1#y')}`]);
  });

  it.each([40, 10_000])('that writes %d calls at once gets no more than its limit', async (count) => {
    const model = await newAgent([pay()], { limits: { recall: 0, max_tool_calls: 7 } });
    const calls = Array.from({ length: count }, (_, at) => ({
      name: 'pay',
      arguments: { account: 'a', amount: at + 1 },
    }));
    script(calls);
    const answer = await ask(model);
    // Ten thousand are more than an answer may hold: the bridge cuts it, and a cut answer executes nothing.
    expect(receiver.calls).toHaveLength(count === 40 ? 7 : 0);
    expect(answer.status).toBe(count === 40 ? 'completed' : 'incomplete');
  });

  it('that never stops calling is stopped', async () => {
    const model = await newAgent([pay()], { limits: { recall: 0, max_steps: 5, max_tool_calls: 256 } });
    let amount = 0;
    home.node.script = {
      models: [PlainModel],
      reply: () => ({ calls: [{ name: 'pay', arguments: { account: 'a', amount: ++amount } }] }),
    };
    const answer = await ask(model);
    expect(answer).toMatchObject({ status: 'incomplete', incomplete_details: { reason: 'max_steps' } });
    expect(receiver.calls).toHaveLength(4);
    expect(home.node.requests.at(-1)!.body['tools']).toBeUndefined();
  });

  it('that makes one call over and over makes it three times', async () => {
    const model = await newAgent([pay()], { limits: { recall: 0, max_steps: 20 } });
    home.node.script = { models: [PlainModel], reply: () => ({ calls: [paying] }) };
    const answer = await ask(model);
    expect(answer).toMatchObject({ status: 'incomplete', incomplete_details: { reason: 'tool_loop' } });
    expect(receiver.calls).toHaveLength(3);
  });

  it('spends no more than its turn may cost', async () => {
    const model = await newAgent([pay()], { limits: { recall: 0, max_cost_micros: 0 } });
    script([paying]);
    await home.platform.operator.require('POST', '/operator/v1/prices', {
      model: PlainModel,
      input_micros_per_mtok: 1_000_000,
      cached_input_micros_per_mtok: 1_000_000,
      output_micros_per_mtok: 1_000_000,
    });
    await waitUntil('the price is in force', async () => {
      const answer = await ask(model);
      return answer.status === 'incomplete' && JSON.stringify(answer.incomplete_details).includes('max_cost');
    });
    home.node.requests.length = 0;
    await ask(model);
    expect(home.node.requests).toHaveLength(0);
  });
});

describe('an answer of a tool', () => {
  it.each<[string, EffectReceiver['answer'], RegExp, string]>([
    ['of ten megabytes', (_, response) => void response.end(`"${'x'.repeat(10_000_000)}"`), /larger than/, 'confirmed'],
    ['that is no JSON', (_, response) => void response.end('<html>'), /not JSON/, 'confirmed'],
    ['that never comes', () => {}, /did not answer within 1 second/, 'unknown'],
    ['that breaks off', (_, response) => void response.socket?.destroy(), /connection to the tool broke/, 'unknown'],
    [
      'that leads to a metadata service',
      (_, response) => void response.writeHead(302, { location: 'http://169.254.169.254/' }).end(),
      /redirect/,
      'failed',
    ],
    ['that is a refusal', (_, response) => void response.writeHead(403).end('no'), /status 403/, 'failed'],
    ['that is a failure', (_, response) => void response.writeHead(500).end('oops'), /status 500/, 'unknown'],
  ])('%s is a clear error to the model, and is not tried again', async (_, answer, text, status) => {
    const model = await newAgent([pay({ timeout_seconds: 1 })]);
    receiver.answer = answer;
    script([paying]);
    const { id } = await ask(model);
    expect(told()[0]).toMatch(text);
    expect(receiver.calls).toHaveLength(1);
    expect(await effectsOf(id)).toMatchObject([{ tool: 'pay', status, attempts: 1 }]);
  });

  it('that breaks off is asked for again with the same key where the tool is idempotent', async () => {
    const model = await newAgent([pay({ idempotent: true })]);
    let times = 0;
    receiver.answer = (_, response) => void (++times === 1 ? response.socket?.destroy() : response.end('{"ok":1}'));
    script([paying]);
    const { id } = await ask(model);
    expect(receiver.calls).toHaveLength(2);
    expect(new Set(receiver.calls.map(({ key }) => key)).size).toBe(1);
    expect(await effectsOf(id)).toMatchObject([{ status: 'confirmed', attempts: 2 }]);
  });

  it('that does not hold what the tool promises is refused', async () => {
    const result = { type: 'object', properties: { ok: { type: 'boolean' } }, required: ['ok'] };
    const model = await newAgent([pay({ result })]);
    receiver.answer = (_, response) => void response.end('{"ok":"yes"}');
    script([paying]);
    await ask(model);
    expect(told()[0]).toMatch(/does not fit/);
  });

  it('that echoes a credential shows it neither to the model nor to anybody', async () => {
    const model = await newAgent([pay({ credential: { secret: 'shop' } })]);
    receiver.answer = (call, response) => void response.end(JSON.stringify({ sent: call.headers.authorization }));
    script([paying]);
    const answer = await ask(model);
    const stream = await home.platform.call(
      'GET',
      `${home.tenant.slug}.localhost`,
      `/v1/responses/${answer.id}?stream=true`,
      { token: home.tenant.key },
    );
    expect(told()[0]).toContain('[redacted]');
    for (const shown of [JSON.stringify(answer), stream.text, JSON.stringify(home.node.requests)])
      expect(shown).not.toContain(Canary);
  });

  it('comes to a tool whose credential is missing as an error, and nothing is sent', async () => {
    const model = await newAgent([pay({ credential: { secret: 'nothing' } })]);
    script([paying]);
    await ask(model);
    expect(told()[0]).toMatch(/credential/);
    expect(receiver.calls).toEqual([]);
  });
});

describe('an approval', () => {
  async function waiting(change: object = { approval: 'always' }): Promise<{ answer: Answer; approval: Approval }> {
    const model = await newAgent([pay(change)]);
    script([paying]);
    const answer = await ask(model);
    expect(answer.status).toBe('in_progress');
    const request = answer.output.find(({ type }) => type === 'mcp_approval_request')!;
    const approval = await api<Approval>('GET', `/v1/approvals/${String(request['id'])}`);
    return { answer, approval };
  }
  const ended = (id: string) =>
    waitUntil('the turn has ended', async () => {
      const answer = await api<Answer>('GET', `/v1/responses/${id}`);
      return answer.status === 'in_progress' ? undefined : answer;
    });

  it('shows what would be done, is listed, and lets the call be made once', async () => {
    const { answer, approval } = await waiting();
    expect(approval).toMatchObject({ status: 'pending', tool: 'pay', arguments: { account: 'a1', amount: 5 } });
    expect(receiver.calls).toEqual([]);
    const { data } = await api<List<Approval>>('GET', '/v1/approvals?status=pending');
    expect(data.map(({ id }) => id)).toContain(approval.id);
    await api('POST', `/v1/approvals/${approval.id}/approve`, {});
    expect((await ended(answer.id)).status).toBe('completed');
    expect(receiver.calls).toHaveLength(1);
    await api('POST', `/v1/approvals/${approval.id}/approve`, {});
    expect(receiver.calls).toHaveLength(1);
    expect(await api('GET', `/v1/approvals/${approval.id}`)).toMatchObject({ status: 'approved', used: true });
    const late = await home.platform.client(home.tenant).call('POST', `/v1/approvals/${approval.id}/deny`, {});
    expect(late.status).toBe(409);
  });

  it('that is refused tells the model so, and nothing is sent', async () => {
    const { answer, approval } = await waiting();
    await api('POST', `/v1/approvals/${approval.id}/deny`, { reason: 'too much' });
    expect((await ended(answer.id)).status).toBe('completed');
    expect(told()[0]).toMatch(/refused this call: too much/);
    expect(receiver.calls).toEqual([]);
  });

  it('is decided by mcp_approval_response items, and the answer is the response that waited', async () => {
    const { answer, approval } = await waiting();
    const item = { type: 'mcp_approval_response' as const, approval_request_id: approval.id };
    const body = { model: 'agent/any', previous_response_id: answer.id };
    const decide = (change: object, by: OpenAI = client) =>
      by.responses.create({ ...body, input: [{ ...item, approve: true }], ...change } as typeof body & {
        input: OpenAI.Responses.ResponseInput;
      });
    const { secret } = await api<{ secret: string }>('POST', '/v1/keys', {
      name: 'asks',
      permissions: ['inference:invoke'],
    });
    const asker = home.platform.openai({ slug: home.tenant.slug, key: secret }, { maxRetries: 0 });
    const other = (await waiting()).answer.id;
    const model = await newAgent([]);
    await expect(decide({ model }, asker)).rejects.toMatchObject({ status: 403 });
    await expect(decide({ model, previous_response_id: other })).rejects.toMatchObject({ status: 404 });
    await expect(decide({ model, previous_response_id: null })).rejects.toMatchObject({ status: 400 });
    const mixed = [
      { ...item, approve: true },
      { role: 'user', content: 'And?' },
    ];
    await expect(decide({ model, input: mixed })).rejects.toMatchObject({ status: 400 });
    expect(await api('GET', `/v1/approvals/${approval.id}`)).toMatchObject({ status: 'pending' });
    const ended = await decide({ model });
    expect(ended).toMatchObject({ id: answer.id, status: 'completed', output_text: 'Done.' });
    expect(receiver.calls).toHaveLength(1);
    await expect(decide({ model, input: [{ ...item, approve: false }] })).rejects.toMatchObject({ status: 409 });
  });

  it('decided in a stream shows the whole response, its refusal and its end', async () => {
    const { answer, approval } = await waiting();
    const model = await newAgent([]);
    const input = [
      { type: 'mcp_approval_response' as const, approval_request_id: approval.id, approve: false, reason: 'no' },
    ];
    const stream = client.responses.stream({ model, previous_response_id: answer.id, input });
    expect(await stream.finalResponse()).toMatchObject({ id: answer.id, status: 'completed' });
    expect(told()[0]).toMatch(/refused this call: no/);
    expect(receiver.calls).toEqual([]);
  });

  it('is asked for only where its condition holds', async () => {
    await waiting({ approval: { when: 'amount >= 5' } });
    const model = await newAgent([pay({ approval: { when: 'amount > 5' } })]);
    script([paying]);
    expect((await ask(model)).status).toBe('completed');
    expect(receiver.calls).toHaveLength(1);
  });

  it('is decided by nobody without the permission, and is not found by a visitor', async () => {
    const { approval } = await waiting();
    const made = await api<{ secret: string }>('POST', '/v1/keys', {
      name: 'k',
      permissions: ['inference:invoke', 'approvals:read'],
    });
    const host = `${home.tenant.slug}.localhost`;
    const decide = (token: string) =>
      home.platform.call('POST', host, `/v1/approvals/${approval.id}/approve`, { token, body: {} });
    expect((await decide(made.secret)).status).toBe(403);
    expect(receiver.calls).toEqual([]);
  });

  it('ends with its turn', async () => {
    const model = await newAgent([pay({ approval: 'always' })]);
    script([paying]);
    const { id } = await client.responses.create({ model, input: 'Pay.', background: true });
    const request = await waitUntil('it waits', async () =>
      (await api<Answer>('GET', `/v1/responses/${id}`)).output.find(({ type }) => type === 'mcp_approval_request'),
    );
    await client.responses.cancel(id);
    expect(await api('GET', `/v1/approvals/${String(request['id'])}`)).toMatchObject({ status: 'cancelled' });
    const late = await home.platform
      .client(home.tenant)
      .call('POST', `/v1/approvals/${String(request['id'])}/approve`, {});
    expect(late.status).toBe(409);
    expect(receiver.calls).toEqual([]);
  });
});

describe('who asks an agent', () => {
  it('gains no right by it: the tool needs what its caller holds', async () => {
    const model = await newAgent([{ type: 'builtin', name: 'memory_write' }]);
    const slug = model.slice('agent/'.length);
    const write: FakeCall = { name: 'memory_write', arguments: { text: 'The code is 1234.' } };
    script([write]);
    const made = await api<{ secret: string }>('POST', '/v1/keys', {
      name: 'k',
      permissions: ['inference:invoke', 'conversations:read'],
    });
    await ask(model, home.platform.openai({ slug: home.tenant.slug, key: made.secret }, { maxRetries: 0 }));
    expect(told()[0]).toMatch(/lacks the permission "memories:write"/);
    expect((await api<List<object>>('GET', `/v1/agents/${slug}/memories`)).data).toEqual([]);
    const own = await ask(model);
    expect(told()[0]).toMatch(/remembered/);
    const { data } = await api<List<object>>('GET', `/v1/agents/${slug}/memories`);
    expect(data).toMatchObject([
      { text: 'The code is 1234.', provenance: { source: { type: 'tool', ref: own.id }, author: home.tenant.keyId } },
    ]);
  });

  it.each([
    { text: 'x', author: 'system' },
    { text: 'x', source: { type: 'person', ref: null } },
    { text: 'x', agent: 'agt_other' },
    { text: 'x', kind: 'instruction' },
  ])('cannot write a memory in another name: %o', async (args) => {
    const model = await newAgent([{ type: 'builtin', name: 'memory_write' }]);
    script([{ name: 'memory_write', arguments: args }]);
    await ask(model);
    expect(told()[0]).toMatch(/do not fit/);
  });

  it('may have it ask another agent, which answers within what is left', async () => {
    const helper = await newAgent([], { instructions: 'HELPER' });
    const slug = helper.slice('agent/'.length);
    const model = await newAgent([{ type: 'builtin', name: 'ask_agent', allow: [slug] }]);
    home.node.script = {
      models: [PlainModel],
      reply: ({ body }) => {
        const messages = body['messages'] as readonly Message[];
        if (messages[0]!.content?.includes('HELPER')) return { text: 'It is 42.' };
        return messages.at(-1)!.role === 'tool'
          ? { text: messages.at(-1)!.content ?? '' }
          : { calls: [{ name: 'ask_agent', arguments: { agent: slug, question: 'What is it?' } }] };
      },
    };
    const answer = (await client.responses.create({ model, input: 'Ask.' })) as OpenAI.Responses.Response;
    expect(answer.output_text).toBe('It is 42.');
  });

  it('does not see agents ask one another in a circle', async () => {
    const one = `circle-${serial++}`;
    const two = `circle-${serial++}`;
    const tools = (other: string) => [{ type: 'builtin', name: 'ask_agent', allow: [other] }];
    for (const [slug, other] of [
      [one, two],
      [two, one],
    ] as const)
      await api('POST', '/v1/agents', {
        slug,
        name: slug,
        definition: { model: PlainModel, instructions: `ask ${other}`, tools: tools(other), limits: { recall: 0 } },
      });
    home.node.script = {
      models: [PlainModel],
      reply: ({ body }) => {
        const messages = body['messages'] as readonly Message[];
        const other = messages[0]!.content!.split(' ')[1]!;
        return messages.at(-1)!.role === 'tool'
          ? { text: messages.at(-1)!.content ?? '' }
          : { calls: [{ name: 'ask_agent', arguments: { agent: other, question: 'And you?' } }] };
      },
    };
    const answer = (await client.responses.create({
      model: `agent/${one}`,
      input: 'Go.',
    })) as OpenAI.Responses.Response;
    expect(answer.output_text).toMatch(/waiting for this very answer/);
    expect(home.node.requests.length).toBeLessThan(8);
  });
});

describe('a tenant that is suspended', () => {
  it('has its turns stop before their next effect', async () => {
    const other = await home.platform.createTenant(`stopped-${serial++}`);
    await home.platform.client(other).require('POST', '/v1/agents', {
      slug: 'payer',
      name: 'Payer',
      definition: { model: PlainModel, tools: [pay()], limits: { recall: 0 } },
    });
    script([paying]);
    home.node.script.hang = true;
    const work = home.platform
      .openai(other, { maxRetries: 0 })
      .responses.create({ model: 'agent/payer', input: 'Go.' });
    await home.node.waitForRequests(1);
    await home.platform.operator.require('POST', `/operator/v1/tenants/${other.id}/suspend`, {});
    home.node.release();
    expect(await work).toMatchObject({ status: 'failed', error: { code: 'tenant_suspended' } });
    expect(receiver.calls).toEqual([]);
  });
});

describe('an OpenAPI document', () => {
  it('becomes tools when the version is made', async () => {
    const document = {
      openapi: '3.1.0',
      info: { title: 'Shop', version: '1' },
      servers: [{ url: receiver.url }],
      components: {
        schemas: { Order: { type: 'object', properties: { item: { type: 'string' } }, required: ['item'] } },
      },
      paths: {
        '/orders/{id}': {
          get: {
            operationId: 'readOrder',
            summary: 'Reads an order.',
            parameters: [{ name: 'id', in: 'path', required: true, schema: { type: 'string' } }],
          },
          put: {
            operationId: 'putOrder',
            parameters: [{ name: 'id', in: 'path', required: true, schema: { type: 'string' } }],
            requestBody: {
              required: true,
              content: { 'application/json': { schema: { $ref: '#/components/schemas/Order' } } },
            },
          },
        },
      },
    };
    const model = await newAgent([{ type: 'openapi', document, approval: 'never' }]);
    const agent = await api<{ definition: { tools: { type: string; name: string }[] } }>(
      'GET',
      `/v1/agents/${model.slice(6)}`,
    );
    expect(agent.definition.tools.map(({ type, name }) => `${type} ${name}`)).toEqual([
      'http readOrder',
      'http putOrder',
    ]);
    script([
      { name: 'readOrder', arguments: { id: '7' } },
      { name: 'putOrder', arguments: { id: '7', item: 'tea' } },
    ]);
    await ask(model);
    expect(receiver.calls.map(({ method, path, body }) => `${method} ${path} ${body}`).sort()).toEqual([
      'GET /orders/7 ',
      'PUT /orders/7 {"item":"tea"}',
    ]);
  });

  it.each<[string, object]>([
    ['of an old version', { swagger: '2.0' }],
    [
      'that refers outside',
      { openapi: '3.0.0', servers: [{ url: 'https://example.com' }], paths: { '/x': { $ref: 'https://evil/x' } } },
    ],
    ['without a server', { openapi: '3.0.0', paths: { '/x': { get: {} } } }],
    [
      'that refers to itself',
      { openapi: '3.0.0', servers: [{ url: 'https://example.com' }], paths: { '/x': { $ref: '#/paths/~1x' } } },
    ],
  ])('%s is refused with a reason, and no agent is made', async (_, document) => {
    const answer = await home.platform.client(home.tenant).call('POST', '/v1/agents', {
      slug: `agent-${serial++}`,
      name: 'x',
      definition: { tools: [{ type: 'openapi', document }] },
    });
    expect(answer.status).toBe(400);
  });
});

it('leaves no credential in any log', () => {
  const log = readFileSync(join(home.platform.dataDir, 'platform.log'), { encoding: 'utf8', flag: 'a+' });
  expect(log).not.toContain(Canary);
});
