/**
 * kill -9 of everything, again and again, under load: what was acknowledged is there after the next start, a run is
 * settled at most once, and every turn comes to exactly one end. FREEHOLD_SEED repeats a run, FREEHOLD_KILLS lengthens it.
 */
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { request } from 'undici';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { LocalClient } from '../../scripts/local-client.ts';
import { SseParser } from '../../shared/core/sse.ts';
import { findFreePort } from '../../scripts/find-free-port.ts';
import { StartedProcess } from '../support/started-process.ts';
import { waitUntil } from '../support/wait-until.ts';
import { randomFrom, seed } from '../support/seeded-random.ts';

const Kills = Number(process.env['FREEHOLD_KILLS'] ?? 8);
const ShortestLoadMs = 30;
const LongestLoadMs = 230;
const Model = 'freehold/extractive';
const terminal = ['completed', 'incomplete', 'failed', 'cancelled'];
const terminalEvents = terminal.map((status) => `response.${status}`);

type Method = 'GET' | 'POST';
type Answer = { readonly status: number; readonly text: string };
type Body = Record<string, unknown>;
/** A write that was sent; acknowledged once its answer was read to the end. */
type Write = { readonly kind: Kind; readonly path: string; readonly body: Body; readonly key: string; answer?: Answer };

const kinds = ['agent', 'key', 'memory', 'conversation', 'items', 'response', 'background', 'chat', 'task'] as const;
type Kind = (typeof kinds)[number];

const random = randomFrom(seed);
const dataDir = mkdtempSync(join(tmpdir(), 'freehold-kill-'));
const writes: Write[] = [];
let port = 0;
let started: StartedProcess;
let tenantKey = '';
/** Chat completions have a key of their own, so that its row of the ledger counts them alone. */
let chatKey = '';
let conversation = '';
let serial = 0;
let killing = false;

beforeAll(async () => {
  console.log(`kill-nine: FREEHOLD_SEED=${seed} FREEHOLD_KILLS=${Kills}`);
  port = await findFreePort();
  await start();
  const operator = new LocalClient(port, 'localhost', started.dev.operator_token);
  const tenant = await operator.require<{ admin_key: { secret: string } }>('POST', '/operator/v1/tenants', {
    slug: 'acme',
    name: 'Acme',
  });
  tenantKey = tenant.admin_key.secret;
  const made = async <T>(path: string, body: Body) => JSON.parse((await call('POST', path, { body })).text) as T;
  chatKey = (await made<{ secret: string }>('/v1/keys', { name: 'chat' })).secret;
  conversation = (await made<{ id: string }>('/v1/conversations', {})).id;
  await made('/v1/agents', { slug: 'keeper', name: 'Keeper', definition: { model: Model } });
});

afterAll(async () => {
  await started.killGroup();
  rmSync(dataDir, { recursive: true, force: true });
});

async function start(): Promise<void> {
  started = await StartedProcess.start(dataDir, ['--no-demo', '--port', String(port)], { FREEHOLD_NODES: '[]' });
}

async function call(
  method: Method,
  path: string,
  options: { readonly body?: Body; readonly key?: string; readonly token?: string } = {},
): Promise<Answer> {
  const answer = await request(`http://127.0.0.1:${port}${path}`, {
    method,
    headers: {
      host: `acme.localhost:${port}`,
      authorization: `Bearer ${options.token ?? tenantKey}`,
      ...(options.body ? { 'content-type': 'application/json' } : {}),
      ...(options.key ? { 'idempotency-key': options.key } : {}),
    },
    ...(options.body ? { body: JSON.stringify(options.body) } : {}),
  });
  return { status: answer.statusCode, text: await answer.body.text() };
}

async function read<T>(path: string, token?: string): Promise<T> {
  const answer = await call('GET', path, token === undefined ? {} : { token });
  expect(answer.status, `GET ${path}: ${answer.text}`).toBe(200);
  return JSON.parse(answer.text) as T;
}

function plan(kind: Kind): Write {
  serial++;
  const unique = `w${serial}`;
  const text = `Write number ${serial}.`;
  const [path, body] = (
    {
      agent: ['/v1/agents', { slug: unique, name: text }],
      key: ['/v1/keys', { name: unique }],
      memory: ['/v1/agents/keeper/memories', { text }],
      conversation: ['/v1/conversations', { metadata: { unique }, items: [{ role: 'user', content: text }] }],
      items: [`/v1/conversations/${conversation}/items`, { items: [{ role: 'user', content: text }] }],
      response: ['/v1/responses', { model: 'agent/keeper', input: text }],
      background: ['/v1/responses', { model: 'agent/keeper', input: text, background: true }],
      task: ['/v1/agents/keeper/tasks', { input: text, max_attempts: 20 }],
      chat: ['/v1/chat/completions', { model: Model, messages: [{ role: 'user', content: text }] }],
    } satisfies Record<Kind, [string, Body]>
  )[kind];
  return { kind, path, body, key: `key-${unique}` };
}

async function send(write: Write): Promise<Answer> {
  const token = write.kind === 'chat' ? chatKey : tenantKey;
  return call('POST', write.path, { body: write.body, key: write.key, token });
}

/** Writes until the connection breaks. */
async function load(kind: Kind): Promise<void> {
  for (;;) {
    const write = plan(kind);
    writes.push(write);
    const answer = await send(write);
    // The processes die one after the other: the platform may still tell that its bridge has gone.
    if (killing && (answer.status >= 500 || answer.text.includes('"status":"failed"'))) return;
    expect(answer.status, `${kind}: ${answer.text}`).toBeLessThan(300);
    write.answer = answer;
  }
}

const audits: Record<Kind, (made: Body) => Promise<unknown>> = {
  agent: async (made) => expect(await read(`/v1/agents/${String(made['id'])}`)).toMatchObject(made),
  key: async (made) => expect(await read('/v1/models', String(made['secret']))).toMatchObject({ object: 'list' }),
  memory: async (made) => expect(await read(`/v1/agents/keeper/memories/${String(made['id'])}`)).toEqual(made),
  conversation: async (made) => {
    expect(await read(`/v1/conversations/${String(made['id'])}`)).toEqual(made);
    const { data } = await read<{ data: unknown[] }>(`/v1/conversations/${String(made['id'])}/items`);
    expect(data).toHaveLength(1);
  },
  items: async (made) => {
    const [item] = made['data'] as { id: string }[];
    expect(await read(`/v1/conversations/${conversation}/items/${item!.id}`)).toEqual(item);
  },
  response: async (made) => {
    expect(await read(`/v1/responses/${String(made['id'])}`)).toEqual(made);
    expect(made).toMatchObject({ status: 'completed', error: null });
  },
  background: (made) => auditTurn(String(made['id'])),
  chat: async () => {},
  task: async ({ id, input }) => expect(await read(`/v1/tasks/${String(id)}`)).toMatchObject({ id, input }),
};

/** Every accepted task was done, once: its thread holds what it was given one time. */
async function auditTasks(): Promise<void> {
  const tasks = writes.filter(({ kind, answer }) => kind === 'task' && answer);
  for (const { answer } of tasks) {
    const { id } = JSON.parse(answer!.text) as { id: string };
    const done = await waitUntil(
      `task ${id}`,
      async () => {
        const task = await read<{ status: string; conversation: string }>(`/v1/tasks/${id}`);
        return ['succeeded', 'failed', 'dead', 'cancelled'].includes(task.status) && task;
      },
      { withinMs: 90_000 },
    );
    expect(done.status).toBe('succeeded');
    const items = await read<{ data: { role?: string }[] }>(`/v1/conversations/${done.conversation}/items?limit=100`);
    expect(items.data.filter(({ role }) => role === 'user')).toHaveLength(1);
  }
}

/** Asks for the events first, before anything could have looked after the turn. */
async function auditTurn(id: string): Promise<void> {
  const { text } = await call('GET', `/v1/responses/${id}?stream=true`);
  const events = new SseParser()
    .push(text)
    .map(({ data }) => JSON.parse(data) as { type: string; sequence_number: number });
  expect(events.map((event) => event.sequence_number)).toEqual(events.map((_, at) => at));
  expect(events.filter(({ type }) => terminalEvents.includes(type)).map(({ type }) => type)).toHaveLength(1);
  const { status } = await read<{ status: string }>(`/v1/responses/${id}`);
  expect(`response.${status}`).toBe(events.at(-1)!.type);
}

async function audit(these: readonly Write[]): Promise<void> {
  await Promise.all(these.map(async ({ kind, answer }) => answer && audits[kind](JSON.parse(answer.text) as Body)));
  expect(await read('/v1/agents/keeper/memories/verify')).toMatchObject({ valid: true, first_invalid: null });
}

/** The same key again: what was acknowledged is replayed, what was not is done now or still counts as running. */
async function repeat(these: readonly Write[]): Promise<void> {
  await Promise.all(
    these.map(async (write) => {
      const again = await send(write);
      if (write.answer) expect(again, `${write.kind} ${write.key}`).toEqual(write.answer);
      else expect([200, 201, 409], `${write.kind}: ${again.text}`).toContain(again.status);
      if (!write.answer && again.status !== 409) write.answer = again;
    }),
  );
}

it(`${Kills} kills lose no acknowledged write, settle no run twice, and leave no turn without its end`, async () => {
  for (let kill = 0; kill < Kills; kill++) {
    const from = writes.length;
    const loads = [...kinds, ...kinds].map((kind) => load(kind).catch((error: unknown) => error));
    const loadMs = ShortestLoadMs + Math.floor(random() * (LongestLoadMs - ShortestLoadMs));
    await new Promise((resolve) => setTimeout(resolve, loadMs));
    // However slow the machine: one of each kind, so that there is something to lose.
    const isAcknowledged = (kind: Kind) => writes.slice(from).some((write) => write.kind === kind && write.answer);
    await waitUntil('a write of each kind', () => kinds.every(isAcknowledged), { withinMs: 60_000 });
    killing = true;
    await started.killGroup();
    for (const error of await Promise.all(loads)) {
      // The load ends with a broken connection; an assertion that failed is a finding.
      if (error instanceof Error && error.name === 'AssertionError') throw error;
    }
    killing = false;
    await start();
    const fresh = writes.slice(from);
    await audit(fresh);
    await repeat(fresh);
  }
  const acknowledged = writes.filter(({ answer }) => answer);
  expect(acknowledged.length).toBeGreaterThan(Kills * kinds.length);
  await audit(acknowledged);
  await auditTasks();
  await auditLedger();
  console.log(`kill-nine: ${writes.length} writes, ${acknowledged.length} acknowledged, ${Kills} kills`);
}, 900_000);

async function auditLedger(): Promise<void> {
  const chats = writes.filter(({ kind }) => kind === 'chat');
  const acknowledged = chats.filter(({ answer }) => answer);
  const produced = acknowledged.reduce((sum, { answer }) => {
    const { usage } = JSON.parse(answer!.text) as { usage: { completion_tokens: number } };
    return sum + usage.completion_tokens;
  }, 0);
  type Row = { key_id: string | null; requests: number; output_tokens: number };
  const row = await waitUntil('every acknowledged chat is settled', async () => {
    const { data } = await read<{ data: Row[] }>('/v1/usage?group_by=key');
    return data.find(
      ({ key_id: id, requests }) => id !== null && chatKey.includes(id.slice(4)) && requests >= acknowledged.length,
    );
  });
  // An interrupted one may have run twice, once before the kill and once when it was repeated, but no more often.
  const interrupted = chats.length - acknowledged.length + Kills;
  expect(row.requests).toBeLessThanOrEqual(acknowledged.length + interrupted);
  expect(row.output_tokens).toBeGreaterThanOrEqual(produced);
  expect(existsSync(join(dataDir, 'bridge', 'refused-receipts.ndjson')), 'a receipt was refused').toBe(false);
}
