/**
 * kill -9 of everything at a random moment of a turn with two tools: every turn comes to exactly one end, a client that
 * comes back each time sees every event once and in order and reads the text that counts, and no effect is made twice.
 * Several turns are under way at each kill, each at a moment of its own. FREEHOLD_SEED repeats a run, FREEHOLD_TURN_RUNS
 * lengthens it.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { request } from 'undici';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { LocalClient } from '../../scripts/local-client.ts';
import { SseParser } from '../../shared/core/sse.ts';
import { EffectReceiver } from '../support/effect-receiver.ts';
import { FakeNode, type FakeRequest } from '../support/fake-node.ts';
import { findFreePort } from '../../scripts/find-free-port.ts';
import { StartedProcess } from '../support/started-process.ts';
import { waitUntil } from '../support/wait-until.ts';
import { randomFrom, seed } from '../support/seeded-random.ts';

const Runs = Number(process.env['FREEHOLD_TURN_RUNS'] ?? 12);
const TurnsPerKill = 4;
const LongestRunMs = 450;
const Model = 'org/tiny';
const terminal = ['response.completed', 'response.incomplete', 'response.failed', 'response.cancelled'];

type Message = { readonly id: string; readonly type: string; readonly content?: readonly { readonly text: string }[] };
type Event = {
  readonly type: string;
  readonly sequence_number: number;
  readonly item_id?: string;
  readonly delta?: string;
  readonly response?: { readonly id: string; readonly output: readonly Message[] };
};
type Effect = { readonly tool: string; readonly status: string; readonly attempts: number };

const random = randomFrom(seed);
const dataDir = mkdtempSync(join(tmpdir(), 'freehold-turn-kill-'));
let node: FakeNode;
let receiver: EffectReceiver;
let port = 0;
let started: StartedProcess;
let tenantKey = '';

/** Charges first, books then, and says so at the end: by what it has been told so far. */
function reply({ body }: FakeRequest) {
  const messages = body['messages'] as { readonly role: string; readonly content: string }[];
  const run = messages.find(({ role }) => role === 'user')!.content;
  const told = messages.filter(({ role }) => role === 'tool').length;
  if (told === 0) return { text: 'I charge it now.', calls: [{ name: 'charge', arguments: { run } }] };
  if (told === 1) return { text: 'And I book it.', calls: [{ name: 'book', arguments: { run } }] };
  return { text: 'All of it is done as well as can be known.' };
}

beforeAll(async () => {
  console.log(`turn-kill: FREEHOLD_SEED=${seed} FREEHOLD_TURN_RUNS=${Runs}`);
  node = await FakeNode.start({ models: [Model], paceMs: 4, reply });
  receiver = await EffectReceiver.start();
  receiver.answer = (_, response) => {
    const send = () => response.writeHead(200, { 'content-type': 'application/json' }).end('{"ok":true}');
    setTimeout(send, random() * 60);
  };
  port = await findFreePort();
  await start();
  const operator = new LocalClient(port, 'localhost', started.dev.operator_token);
  const tenant = await operator.require<{ admin_key: { secret: string } }>('POST', '/operator/v1/tenants', {
    slug: 'acme',
    name: 'Acme',
  });
  tenantKey = tenant.admin_key.secret;
  const parameters = { type: 'object', properties: { run: { type: 'string' } }, required: ['run'] };
  const tool = (name: string, idempotent: boolean) => ({
    type: 'http',
    name,
    method: 'POST',
    url: `${receiver.url}/${name}`,
    parameters,
    idempotent,
  });
  const definition = { model: Model, tools: [tool('charge', false), tool('book', true)], limits: { recall: 0 } };
  await new LocalClient(port, 'acme.localhost', tenantKey).require('POST', '/v1/agents', {
    slug: 'clerk',
    name: 'Clerk',
    definition,
  });
  await waitUntil('the model is offered', async () => (await call('GET', '/v1/models')).text.includes(Model));
});

afterAll(async () => {
  await started.killGroup();
  await node.close();
  await receiver.close();
  rmSync(dataDir, { recursive: true, force: true });
});

async function start(): Promise<void> {
  const nodes = JSON.stringify([{ kind: 'openai-compatible', name: 'fake', url: node.url }]);
  started = await StartedProcess.start(dataDir, ['--no-demo', '--port', String(port)], {
    FREEHOLD_NODES: nodes,
    EGRESS_ALLOW: '127.0.0.0/8',
  });
}

const headers = () => ({ host: `acme.localhost:${port}`, authorization: `Bearer ${tenantKey}` });

async function call(method: 'GET' | 'POST', path: string, body?: object) {
  const answer = await request(`http://127.0.0.1:${port}${path}`, {
    method,
    headers: { ...headers(), ...(body ? { 'content-type': 'application/json' } : {}) },
    ...(body ? { body: JSON.stringify(body) } : {}),
  });
  return { status: answer.statusCode, text: await answer.body.text() };
}

/** Reads a stream of events until it ends or breaks; what was read whole is kept. */
async function readEvents(path: string, events: Event[], body?: object): Promise<void> {
  try {
    const answer = await request(`http://127.0.0.1:${port}${path}`, {
      method: body ? 'POST' : 'GET',
      headers: { ...headers(), ...(body ? { 'content-type': 'application/json' } : {}) },
      ...(body ? { body: JSON.stringify(body) } : {}),
    });
    if (answer.statusCode !== 200) {
      await answer.body.dump();
      return;
    }
    const parser = new SseParser();
    const decoder = new TextDecoder();
    for await (const bytes of answer.body)
      for (const { data } of parser.push(decoder.decode(bytes as Uint8Array, { stream: true })))
        events.push(JSON.parse(data) as Event);
  } catch {
    // The connection broke: what was read before stands.
  }
}

async function finishTurn(run: string, events: Event[]): Promise<string> {
  if (events.length === 0) {
    // Nothing was acknowledged: a client begins again.
    await readEvents('/v1/responses', events, { model: 'agent/clerk', input: run, background: true, stream: true });
  }
  const id = events[0]!.response!.id;
  for (let tries = 0; tries < 5 && !terminal.includes(events.at(-1)!.type); tries++)
    await readEvents(`/v1/responses/${id}?stream=true&starting_after=${events.at(-1)!.sequence_number}`, events);
  return id;
}

type Output = { readonly id: string; readonly type: string };
type Stored = { readonly status: string; readonly output: readonly Output[] };

const read = async <T>(path: string) => JSON.parse((await call('GET', path)).text) as T;

async function awaitApproval(slug: string, run: string): Promise<{ id: string; approval: string }> {
  const answer = await call('POST', '/v1/responses', { model: `agent/${slug}`, input: run });
  const response = JSON.parse(answer.text) as Stored & { readonly id: string };
  expect(response.status).toBe('in_progress');
  return { id: response.id, approval: response.output.find(({ type }) => type === 'mcp_approval_request')!.id };
}

it('a call that waits for a person waits on after kill -9, is made once when it is approved, and is told when nobody did', async () => {
  const parameters = { type: 'object', properties: { run: { type: 'string' } }, required: ['run'] };
  const tools = ['charge', 'book'].map((name) => ({
    type: 'http',
    name,
    method: 'POST',
    url: `${receiver.url}/asked/${name}`,
    parameters,
    approval: name === 'charge' ? 'always' : 'never',
  }));
  for (const [slug, seconds] of Object.entries({ patient: 3_600, hasty: 10 }))
    await new LocalClient(port, 'acme.localhost', tenantKey).require('POST', '/v1/agents', {
      slug,
      name: slug,
      definition: { model: Model, tools, limits: { recall: 0, approval_timeout_seconds: seconds } },
    });
  const patient = await awaitApproval('patient', 'asked-1');
  const hasty = await awaitApproval('hasty', 'asked-2');
  for (let kill = 0; kill < 2; kill++) {
    await started.killGroup();
    await start();
  }
  expect(await read(`/v1/approvals/${patient.approval}`)).toMatchObject({ status: 'pending' });
  expect(receiver.of('/asked/charge')).toEqual([]);
  expect((await call('POST', `/v1/approvals/${patient.approval}/approve`, {})).status).toBe(200);
  const over = (id: string) =>
    waitUntil('the turn has ended', async () => {
      const stored = await read<Stored>(`/v1/responses/${id}`);
      return stored.status === 'in_progress' ? undefined : stored;
    });
  expect((await over(patient.id)).status).toBe('completed');
  expect((await over(hasty.id)).status).toBe('completed');
  expect(await read(`/v1/approvals/${hasty.approval}`)).toMatchObject({ status: 'expired', used: false });
  expect(receiver.of('/asked/charge').map(({ body }) => body)).toEqual(['{"run":"asked-1"}']);
}, 120_000);

it('messages that wait in a busy conversation are answered in their order after kill -9', async () => {
  await new LocalClient(port, 'acme.localhost', tenantKey).require('POST', '/v1/agents', {
    slug: 'queue',
    name: 'Queue',
    definition: { model: Model, limits: { recall: 0 }, double_texting: 'enqueue' },
  });
  const { id: conversation } = JSON.parse((await call('POST', '/v1/conversations', {})).text) as { id: string };
  const texts = ['first', 'second', 'third'];
  const ids: string[] = [];
  for (const input of texts) {
    const body = { model: 'agent/queue', input, conversation, background: true };
    ids.push((JSON.parse((await call('POST', '/v1/responses', body)).text) as { id: string }).id);
  }
  await started.killGroup();
  await start();
  await waitUntil(
    'all have been answered',
    async () => {
      const stored = await Promise.all(ids.map((id) => read<Stored>(`/v1/responses/${id}`)));
      return stored.every(({ status }) => status === 'completed');
    },
    { withinMs: 60_000 },
  );
  type Said = { readonly role: string; readonly content: readonly { readonly text: string }[] };
  const { data } = await read<{ data: Said[] }>(`/v1/conversations/${conversation}/items?order=asc`);
  expect(data.filter(({ role }) => role === 'user').map(({ content }) => content[0]!.text)).toEqual(texts);
  const roles = data.flatMap(({ role }) => role ?? []);
  expect(roles.filter((role, at) => role !== roles[at - 1])).toEqual(texts.flatMap(() => ['user', 'assistant']));
}, 120_000);

const ends: Record<string, number> = {};
const effects: Record<string, number> = {};
const texts: Record<string, number> = {};
const count = (into: Record<string, number>, what: string) => (into[what] = (into[what] ?? 0) + 1);
const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

async function audit(run: string, events: Event[]): Promise<void> {
  const id = await finishTurn(run, events);
  expect(events.map(({ sequence_number: number }) => number)).toEqual(events.map((_, at) => at));
  const last = events.filter(({ type }) => terminal.includes(type));
  expect(last).toHaveLength(1);
  expect(events.at(-1)).toBe(last[0]);
  count(ends, last[0]!.type);
  // Over all its connections a client was shown of every message that counts its text, no more and no less.
  const messages = last[0]!.response!.output.filter(({ type }) => type === 'message');
  for (const { id: item, content = [] } of messages) {
    count(texts, content.length === 0 ? 'taken back' : 'kept');
    const shown = events.filter(({ type, item_id: of }) => type === 'response.output_text.delta' && of === item);
    if (content.length > 0) expect(shown.map(({ delta }) => delta).join('')).toBe(content[0]!.text);
  }
  const stored = JSON.parse((await call('GET', `/v1/responses/${id}`)).text) as {
    status: string;
    error: object | null;
  };
  expect(`response.${stored.status}`).toBe(last[0]!.type);
  const { data } = JSON.parse((await call('GET', `/v1/responses/${id}/effects`)).text) as { data: Effect[] };
  for (const { tool, status } of data) count(effects, `${tool} ${status}`);
  const made = (path: string) => receiver.of(path).filter(({ body }) => body === JSON.stringify({ run }));
  // A turn that was never acknowledged may have run to its end beside the one that the client began anew.
  const turns = new Set(made('/charge').map(({ key }) => key)).size;
  expect(turns, 'one key a turn').toBeLessThanOrEqual(2);
  expect(made('/charge'), 'what is not idempotent is sent once').toHaveLength(turns);
  expect(new Set(made('/book').map(({ key }) => key)).size).toBeLessThanOrEqual(Math.max(1, turns));
  expect(stored.error, 'a turn that was accepted comes to its answer').toBeNull();
  const charge = data.find(({ tool }) => tool === 'charge')!;
  if (charge.status === 'confirmed') expect(made('/charge').length).toBeGreaterThanOrEqual(1);
  expect(charge.attempts).toBeLessThanOrEqual(1);
  expect(data.find(({ tool }) => tool === 'book')?.status).toBe('confirmed');
}

it(`${Runs} turns with two tools, killed in the middle: one end each, no event lost or repeated, no effect twice`, async () => {
  let kills = 0;
  for (let done = 0; done < Runs; done += TurnsPerKill) {
    kills++;
    const runs = Array.from({ length: Math.min(TurnsPerKill, Runs - done) }, (_, at) => ({
      run: `run-${done + at}`,
      events: [] as Event[],
      headStartMs: random() * LongestRunMs,
    }));
    const reading = runs.map(async ({ run, events, headStartMs }) => {
      await pause(LongestRunMs - headStartMs);
      await readEvents('/v1/responses', events, { model: 'agent/clerk', input: run, background: true, stream: true });
    });
    await pause(LongestRunMs);
    await started.killGroup();
    await Promise.all(reading);
    await start();
    await Promise.all(runs.map(({ run, events }) => audit(run, events)));
  }
  console.log(`turn-kill: ${Runs} turns, ${kills} kills, ${JSON.stringify({ ends, effects, texts })}`);
  expect(Object.values(ends).reduce((sum, each) => sum + each, 0)).toBe(Runs);
}, 3_000_000);
