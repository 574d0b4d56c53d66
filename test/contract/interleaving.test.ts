/**
 * Many clients of many tenants at once, through one isolate: reads that the edge remembers, completions, streams, and
 * callers that leave in the middle. Every answer carries its own caller's mark and nobody else's. (I-3)
 */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { request } from 'undici';
import { startTestPlatform, type CreatedTenant, type TestPlatform } from '../support/running-platform.ts';

const Tenants = 8;
const ClientsEach = 8;
const Requests = 4_000;

type Marked = CreatedTenant & { readonly mark: string; readonly agent: string; readonly conversation: string };

let platform: TestPlatform;
let tenants: readonly Marked[];

beforeAll(async () => {
  platform = await startTestPlatform();
  tenants = await Promise.all(
    Array.from({ length: Tenants }, async (_, at) => {
      const tenant = await platform.createTenant(`tenant-${at}`);
      const client = platform.client(tenant);
      const mark = `stamp-${at}-${'abcdefgh'[at]}`;
      // The same slug everywhere: only the host tells the agents apart.
      const agent = await client.require<{ id: string }>('POST', '/v1/agents', {
        slug: 'desk',
        name: mark,
        definition: { greeting: mark, instructions: `The word of the day is ${mark}.` },
      });
      await client.require('POST', '/v1/agents/desk/memories', { text: `The word of the day is ${mark}.` });
      const conversation = await client.require<{ id: string }>('POST', '/v1/conversations', { metadata: { mark } });
      return { ...tenant, mark, agent: agent.id, conversation: conversation.id };
    }),
  );
});
afterAll(() => platform.stop());

type Seen = { readonly text: string; readonly status: number };
type Job = (tenant: Marked, at: number) => Promise<Seen>;

const ask = (tenant: Marked, method: 'GET' | 'POST', path: string, body?: object) =>
  platform.call(method, `${tenant.slug}.localhost`, path, { token: tenant.key, ...(body ? { body } : {}) });
const question = (tenant: Marked, at: number) => `${at}: what is the word of the day? I am ${tenant.mark}.`;

/** Begins a stream and leaves after the first bytes. */
async function leaveStream(tenant: Marked, at: number): Promise<Seen> {
  const answer = await request(`http://127.0.0.1:${platform.port}/v1/chat/completions`, {
    method: 'POST',
    headers: {
      host: `${tenant.slug}.localhost`,
      authorization: `Bearer ${tenant.key}`,
      'content-type': 'application/json',
    },
    body: JSON.stringify({
      model: 'agent/desk',
      stream: true,
      messages: [{ role: 'user', content: question(tenant, at) }],
    }),
  });
  let text = '';
  try {
    for await (const chunk of answer.body) {
      text += String(chunk);
      break;
    }
  } catch {
    // Leaving is the point.
  }
  return { status: answer.statusCode, text };
}

const jobs: Readonly<Record<string, { readonly weight: number; readonly marked: boolean; readonly run: Job }>> = {
  agent: { weight: 8, marked: true, run: (tenant) => ask(tenant, 'GET', '/v1/agents/desk') },
  agents: { weight: 6, marked: true, run: (tenant) => ask(tenant, 'GET', '/v1/agents') },
  memories: { weight: 6, marked: true, run: (tenant) => ask(tenant, 'GET', '/v1/agents/desk/memories') },
  recall: {
    weight: 4,
    marked: true,
    run: (tenant) => ask(tenant, 'POST', '/v1/agents/desk/memories/recall', { query: 'the word of the day' }),
  },
  conversation: {
    weight: 6,
    marked: true,
    run: (tenant) => ask(tenant, 'GET', `/v1/conversations/${tenant.conversation}`),
  },
  session: { weight: 3, marked: true, run: (tenant) => ask(tenant, 'POST', '/v1/sessions', {}) },
  models: { weight: 3, marked: false, run: (tenant) => ask(tenant, 'GET', '/v1/models') },
  missing: { weight: 2, marked: false, run: (tenant) => ask(tenant, 'GET', '/v1/agents/nobody') },
  completion: {
    weight: 3,
    marked: true,
    run: (tenant, at) =>
      ask(tenant, 'POST', '/v1/chat/completions', {
        model: 'agent/desk',
        messages: [{ role: 'user', content: question(tenant, at) }],
      }),
  },
  stream: {
    weight: 3,
    marked: true,
    run: async (tenant, at) => {
      const answer = await ask(tenant, 'POST', '/v1/chat/completions', {
        model: 'agent/desk',
        stream: true,
        messages: [{ role: 'user', content: question(tenant, at) }],
      });
      // The words of a stream come in pieces: put together what they say.
      const said = [...answer.text.matchAll(/"content":"((?:[^"\\]|\\.)*)"/g)].map((match) => match[1]).join('');
      return { status: answer.status, text: `${said} ${answer.text}` };
    },
  },
  response: {
    weight: 2,
    marked: true,
    run: (tenant, at) =>
      ask(tenant, 'POST', '/v1/responses', {
        model: 'agent/desk',
        input: question(tenant, at),
        metadata: { mark: tenant.mark },
      }),
  },
  leave: { weight: 2, marked: false, run: leaveStream },
};
const deck = Object.entries(jobs).flatMap(([name, { weight }]) => Array.from({ length: weight }, () => name));

test(`of ${Requests} answers to ${Tenants * ClientsEach} clients, none carries another tenant's mark`, async () => {
  const faults: string[] = [];
  const counts: Record<string, number> = {};
  let next = 0;
  const client = async (tenant: Marked) => {
    for (let at = next++; at < Requests; at = next++) {
      // A fixed shuffle: the same mixture in every run.
      const name = deck[(at * 31 + Math.floor(at / deck.length) * 17) % deck.length]!;
      const job = jobs[name]!;
      const seen = await job.run(tenant, at);
      counts[name] = (counts[name] ?? 0) + 1;
      const foreign = tenants.filter(
        (other) =>
          other !== tenant && [other.mark, other.id, other.agent, other.keyId].some((sign) => seen.text.includes(sign)),
      );
      if (foreign.length > 0)
        faults.push(
          `${at} ${name} of ${tenant.slug} shows ${foreign.map(({ slug }) => slug).join()}: ${seen.text.slice(0, 300)}`,
        );
      if (seen.status >= 500) faults.push(`${at} ${name}: ${seen.status} ${seen.text.slice(0, 300)}`);
      if (job.marked && !seen.text.includes(tenant.mark))
        faults.push(`${at} ${name} of ${tenant.slug} lacks its mark: ${seen.status} ${seen.text.slice(0, 300)}`);
    }
  };
  await Promise.all(tenants.flatMap((tenant) => Array.from({ length: ClientsEach }, () => client(tenant))));
  console.log(`interleaving: ${JSON.stringify(counts)}`);
  expect(faults.slice(0, 10)).toEqual([]);
  expect(Object.values(counts).reduce((sum, count) => sum + count, 0)).toBe(Requests);
  expect(Object.keys(counts).sort()).toEqual(Object.keys(jobs).sort());
});
