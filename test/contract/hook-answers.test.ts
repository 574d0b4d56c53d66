/**
 * "Answer where it was asked", word by word: the agent and the template of each page of docs/integrations, with only the
 * host of the API changed to one on loopback. A delivery comes, the model calls the tool with what the template told it,
 * and the API gets exactly the documented request, with a credential that no model has seen.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { repositoryRoot } from '../../scripts/platform.ts';
import { createAgent } from '../../shared/contracts/agents.ts';
import type { CreatedHook, HookDelivery } from '../../shared/contracts/hooks.ts';
import type { Task } from '../../shared/contracts/tasks.ts';
import { EffectReceiver, type ReceivedCall } from '../support/effect-receiver.ts';
import type { FakeRequest } from '../support/fake-node.ts';
import {
  EmbeddingModel,
  PlainModel,
  startPlatformWithNode,
  type PlatformWithNode,
} from '../support/platform-with-node.ts';
import {
  makeDiscordApp,
  sendDiscord,
  sendGithub,
  sendGitlab,
  sendSlack,
  type SentRequest,
} from '../support/sign-hook.ts';
import { waitUntil } from '../support/wait-until.ts';

type Message = { readonly role: string; readonly content: string | null };
type List<T> = { readonly data: readonly T[] };

const Canary = 'canary-credential-51d07e';
const seconds = () => Math.floor(Date.now() / 1000);
const discord = makeDiscordApp();
let home: PlatformWithNode;
let api: EffectReceiver;

beforeAll(async () => {
  api = await EffectReceiver.start();
  // An API that repeats what it was sent.
  api.answer = ({ headers }, response) => {
    response.setHeader('content-type', 'application/json');
    response.end(JSON.stringify({ ok: true, headers }));
  };
  home = await startPlatformWithNode();
});
afterAll(async () => {
  await home.stop();
  await api.close();
});

const call = <T>(method: 'GET' | 'POST' | 'PATCH', path: string, body?: object) =>
  home.platform.client(home.tenant).require<T>(method, path, body);

/** The hook, the agent and the template of a page, in this order, and the address of the API. */
function read(page: string) {
  const text = readFileSync(join(repositoryRoot, 'docs/integrations', `${page}.md`), 'utf8');
  const [hook, agent, template] = [...text.matchAll(/```json\n([\s\S]*?)```/g)].map(([, json]) => json!);
  const { url } = (JSON.parse(agent!) as { definition: { tools: [{ url: string }] } }).definition.tools[0];
  const { origin } = new URL(url);
  const moved = createAgent.parse(JSON.parse(agent!.replace(origin, api.url)));
  return { hook: JSON.parse(hook!) as object, agent: moved, template: JSON.parse(template!) as object };
}

type Recipe = {
  readonly page: string;
  /** The hook's secret, where the sender shows it. */
  readonly secret?: string;
  readonly send: (key: string) => SentRequest;
  /** The arguments that a model finds in what it is asked. */
  readonly find: (asked: string) => Readonly<Record<string, unknown>>;
  readonly isApproved?: true;
  readonly expected: {
    readonly path: string;
    readonly headers: Readonly<Record<string, string>>;
    readonly body: object;
  };
};
const found = (asked: string, pattern: RegExp) => pattern.exec(asked)?.[1];

const recipes: readonly Recipe[] = [
  {
    page: 'slack',
    secret: '8f742231b10e8888abcd99yyyzzz85a5',
    send: (key) =>
      sendSlack(
        key,
        seconds(),
        JSON.stringify({
          event: {
            type: 'app_mention',
            user: 'U061F7AUR',
            text: '<@U0LAN0Z89> is it everything?',
            ts: '1515449522.000016',
            thread_ts: '1515449483.000108',
            channel: 'C0LAN0Z89',
          },
          type: 'event_callback',
          event_id: 'Ev0LAN670R',
        }),
      ),
    find: (asked) => ({
      channel: found(asked, /Channel (\w+)/),
      thread_ts: found(asked, /thread ([\d.]+),/),
      text: 'It is.',
    }),
    expected: {
      path: '/api/chat.postMessage',
      headers: { authorization: `Bearer ${Canary}` },
      body: { channel: 'C0LAN0Z89', thread_ts: '1515449483.000108', text: 'It is.' },
    },
  },
  {
    page: 'github',
    send: (key) =>
      sendGithub(
        key,
        '0b989ba4-242f-11e5-81e1-c7b6966d2516',
        'issues',
        JSON.stringify({
          action: 'opened',
          issue: { number: 17, title: 'The lamp is broken', body: 'It does not shine.' },
          repository: { full_name: 'octo-org/octo-repo' },
          sender: { login: 'octocat' },
        }),
      ),
    find: (asked) => ({ issue_number: Number(found(asked, /issue_number (\d+)/)), body: 'Try another bulb.' }),
    isApproved: true,
    expected: {
      path: '/repos/octo-org/octo-repo/issues/17/comments',
      headers: {
        authorization: `Bearer ${Canary}`,
        accept: 'application/vnd.github+json',
        'x-github-api-version': '2022-11-28',
        'user-agent': 'freehold-concierge',
      },
      body: { body: 'Try another bulb.' },
    },
  },
  {
    page: 'gitlab',
    send: (key) =>
      sendGitlab(
        key,
        'f5e5f430-f57b-4e6e-9fac-d9128cd7232f',
        'Issue Hook',
        JSON.stringify({
          object_kind: 'issue',
          user: { username: 'root' },
          project: { id: 278964 },
          object_attributes: { iid: 23, title: 'The lamp is broken', description: 'No light.', action: 'open' },
        }),
      ),
    find: (asked) => ({ issue_iid: Number(found(asked, /issue_iid (\d+)/)), body: '/close' }),
    isApproved: true,
    expected: {
      path: '/api/v4/projects/278964/issues/23/notes',
      headers: { 'private-token': Canary },
      body: { body: '/close' },
    },
  },
  {
    page: 'discord',
    secret: discord.publicKey,
    send: () =>
      sendDiscord(
        discord,
        seconds(),
        JSON.stringify({
          type: 2,
          token: 'A_UNIQUE_TOKEN',
          member: { user: { id: '53908232506183680', username: 'Mason' } },
          id: '786008729715212338',
          data: { options: [{ type: 3, name: 'question', value: 'Is it open?' }], type: 1, name: 'ask' },
          channel_id: '645027906669510667',
        }),
      ),
    find: (asked) => ({
      channel_id: found(asked, /Channel (\d+)/),
      content: 'It is.',
      nonce: found(asked, /command (\d+)/),
      enforce_nonce: true,
    }),
    expected: {
      path: '/api/v10/channels/645027906669510667/messages',
      headers: { authorization: `Bot ${Canary}`, 'user-agent': 'DiscordBot (https://example.com, 1)' },
      body: { content: 'It is.', nonce: '786008729715212338', enforce_nonce: true },
    },
  },
];

test.each(recipes)('$page: the answer comes where it was asked, exactly once', async (recipe) => {
  const { hook, agent, template } = read(recipe.page);
  const [tool] = agent.definition.tools;
  if (tool?.type !== 'http' || tool.credential === null) throw new Error('no http tool with a credential');
  const slug = `${agent.slug}-${recipe.page}`;
  await call('POST', '/v1/secrets', { name: tool.credential.secret, value: Canary });
  await call('POST', '/v1/agents', {
    ...agent,
    slug,
    definition: { ...agent.definition, model: PlainModel, limits: { recall: 0 } },
  });
  const secret = recipe.secret === undefined ? {} : { secret: recipe.secret };
  const made = await call<CreatedHook>('POST', '/v1/hooks', { ...hook, agent: slug, ...secret });
  await call('PATCH', `/v1/hooks/${made.id}`, template);

  home.node.requests.length = 0;
  home.node.script = {
    models: [PlainModel, EmbeddingModel],
    reply: ({ body }: FakeRequest) => {
      const messages = body['messages'] as readonly Message[];
      if (messages.some(({ role }) => role === 'tool')) return { text: 'Answered.' };
      const asked = messages.findLast(({ role }) => role === 'user')!.content!;
      return { calls: [{ name: tool.name, arguments: recipe.find(asked) }] };
    },
  };
  api.calls.length = 0;
  const { headers, body } = recipe.send(made.secret ?? recipe.secret!);
  const trace = crypto.randomUUID().replaceAll('-', '');
  const traced = { ...headers, traceparent: `00-${trace}-b7ad6b7169203331-01` };
  const answer = await home.platform.call('POST', 'acme.localhost', made.path, { rawBody: body, headers: traced });
  expect([answer.status, answer.text]).toEqual([expect.closeTo(200, -1), expect.any(String)]);

  const delivery = await waitUntil('the delivery is handed over', async () =>
    (await call<List<HookDelivery>>('GET', `/v1/hooks/${made.id}/deliveries`)).data.find(({ task }) => task !== null),
  );
  if (recipe.isApproved) {
    await waitUntil(
      'the task waits',
      async () => (await call<Task>('GET', `/v1/tasks/${delivery.task}`)).status === 'waiting_approval',
    );
    const { data } = await call<List<{ id: string }>>('GET', '/v1/approvals?status=pending');
    expect(data).toHaveLength(1);
    expect(api.calls).toEqual([]);
    await call('POST', `/v1/approvals/${data[0]!.id}/approve`, {});
  }
  const task = await waitUntil('the task is done', async () => {
    const now = await call<Task>('GET', `/v1/tasks/${delivery.task}`);
    return now.finished_at !== null && now;
  });
  expect(task).toMatchObject({ status: 'succeeded', output: 'Answered.', error: null });

  expect(api.calls).toHaveLength(1);
  const { method, path, headers: sent, body: sentBody, key } = api.calls[0] as ReceivedCall;
  expect([method, path, JSON.parse(sentBody)]).toEqual(['POST', recipe.expected.path, recipe.expected.body]);
  expect(sent).toMatchObject({ ...recipe.expected.headers, 'content-type': 'application/json' });
  expect(key).toMatch(/^eff_/);
  const seen = JSON.stringify(home.node.requests);
  expect(seen).toContain('private-token' in sent ? 'private-token' : 'authorization');
  expect(seen).not.toContain(Canary);
  // What the model is asked for a delivery stands in the delivery's own trace.
  for (const asked of home.node.requests) expect(asked.headers['traceparent']).toContain(trace);
  const items = await call('GET', `/v1/conversations/${delivery.conversation}/items`);
  expect(JSON.stringify(items)).not.toContain(Canary);
});
