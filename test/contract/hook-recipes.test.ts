/**
 * The recipes of docs/integrations, word by word: the hook is made with the JSON of the page, and a request of the shape
 * that the sender really has is taken in with the right signature and refused with a wrong one. (O-8)
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { repositoryRoot } from '../../scripts/platform.ts';
import type { CreatedHook, HookDelivery } from '../../shared/contracts/hooks.ts';
import type { Task } from '../../shared/contracts/tasks.ts';
import { startTestPlatform, type Answer, type CreatedTenant, type TestPlatform } from '../support/running-platform.ts';
import {
  makeDiscordApp,
  sendBearer,
  sendDiscord,
  sendGithub,
  sendGitlab,
  sendHmac,
  sendSlack,
  type SentRequest,
} from '../support/sign-hook.ts';
import { waitUntil } from '../support/wait-until.ts';

let platform: TestPlatform;
let tenant: CreatedTenant;

beforeAll(async () => {
  platform = await startTestPlatform();
  tenant = await platform.createTenant('acme');
  await platform.client(tenant).require('POST', '/v1/agents', { slug: 'concierge', name: 'Concierge' });
});
afterAll(() => platform.stop());

/** Makes the hook of a page's JSON block; what the page leaves to fill in is given. */
async function follow(page: string, block: number, secret?: string): Promise<CreatedHook & { readonly key: string }> {
  const text = readFileSync(join(repositoryRoot, 'docs/integrations', `${page}.md`), 'utf8');
  const settings = JSON.parse([...text.matchAll(/```json\n([\s\S]*?)```/g)][block]![1]!) as { secret?: string };
  expect(settings.secret?.startsWith('<') ?? false).toBe(secret !== undefined);
  const wanted = secret === undefined ? settings : { ...settings, secret };
  const made = await platform.client(tenant).require<CreatedHook>('POST', '/v1/hooks', wanted);
  return { ...made, key: made.secret ?? secret! };
}

function send(hook: CreatedHook, { headers, body }: SentRequest): Promise<Answer> {
  return platform.call('POST', 'acme.localhost', hook.path, { rawBody: body, headers });
}

const deliveriesOf = async (hook: CreatedHook) =>
  (await platform.client(tenant).require<{ data: HookDelivery[] }>('GET', `/v1/hooks/${hook.id}/deliveries`)).data;

/** What the agent was asked for the hook's only delivery, once its task is done. */
async function taskOf(hook: CreatedHook): Promise<{ readonly delivery: HookDelivery; readonly task: string }> {
  const delivery = await waitUntil('the delivery is handed over', async () =>
    (await deliveriesOf(hook)).find(({ status }) => status === 'handed_over'),
  );
  const done = await waitUntil('the task is done', async () => {
    const task = await platform.client(tenant).require<Task>('GET', `/v1/tasks/${delivery.task}`);
    expect(['queued', 'running', 'succeeded']).toContain(task.status);
    return task.status === 'succeeded' && task;
  });
  expect(await deliveriesOf(hook)).toHaveLength(1);
  return { delivery, task: String(done.input) };
}

const seconds = () => Math.floor(Date.now() / 1000);

/** A wrong signature and an altered body are refused; the right one is taken in, and again, and is one delivery. */
async function expectVerified(
  hook: CreatedHook & { readonly key: string },
  sign: (key: string) => SentRequest,
  expected: { readonly status: number; readonly other?: string; readonly covers?: false },
): Promise<Answer> {
  const wrong = await send(hook, sign(expected.other ?? `${hook.key}x`));
  expect([wrong.status, wrong.json()]).toMatchObject([401, { error: { code: 'invalid_api_key' } }]);
  const good = sign(hook.key);
  if (expected.covers !== false) expect((await send(hook, { ...good, body: `${good.body} ` })).status).toBe(401);
  expect(await deliveriesOf(hook)).toEqual([]);
  const answer = await send(hook, good);
  expect([answer.status, answer.text]).toMatchObject([expected.status, expect.any(String)]);
  expect((await send(hook, good)).status).toBe(expected.status);
  return answer;
}

test('GitHub: an issue is opened', async () => {
  const hook = await follow('github', 0);
  const ping = '{"zen":"Keep it logically awesome.","hook_id":109948940,"hook":{"type":"Repository","active":true}}';
  expect((await send(hook, sendGithub(hook.key, '72d3162e-cc78-11e3-81ab-4c9367dc0958', 'ping', ping))).status).toBe(
    202,
  );
  const body = JSON.stringify({
    action: 'opened',
    issue: {
      url: 'https://api.github.com/repos/octo-org/octo-repo/issues/17',
      number: 17,
      title: 'The lamp is broken',
      user: { login: 'octocat', id: 1 },
      labels: [{ name: 'bug', color: 'd73a4a' }],
      state: 'open',
      body: 'It does not shine — at all.',
    },
    repository: { id: 35129377, full_name: 'octo-org/octo-repo', private: false },
    sender: { login: 'octocat', id: 1 },
  });
  await expectVerified(hook, (key) => sendGithub(key, '0b989ba4-242f-11e5-81e1-c7b6966d2516', 'issues', body), {
    status: 202,
  });
  const { delivery, task } = await taskOf(hook);
  expect(delivery).toMatchObject({ event: 'issues', delivery_id: '0b989ba4-242f-11e5-81e1-c7b6966d2516' });
  expect(task).toBe(
    'issues opened in octo-org/octo-repo by octocat.\n\n#17: The lamp is broken\n\nIt does not shine — at all.',
  );
});

test('GitLab: an issue is opened', async () => {
  const hook = await follow('gitlab', 0);
  const body = JSON.stringify({
    object_kind: 'issue',
    event_type: 'issue',
    user: { id: 1, name: 'Administrator', username: 'root' },
    project: { id: 1, path_with_namespace: 'gitlabhq/gitlab-test' },
    object_attributes: { id: 301, iid: 23, title: 'The lamp is broken', description: 'No light.', action: 'open' },
    labels: [],
  });
  await expectVerified(hook, (key) => sendGitlab(key, 'f5e5f430-f57b-4e6e-9fac-d9128cd7232f', 'Issue Hook', body), {
    status: 202,
    covers: false,
  });
  const { task } = await taskOf(hook);
  expect(task).toBe('open by root in gitlabhq/gitlab-test.\n\n#23: The lamp is broken\n\nNo light.');
});

describe('Slack', () => {
  const signing = '8f742231b10e8888abcd99yyyzzz85a5';

  test('verifies the URL, and somebody mentions the agent', async () => {
    const hook = await follow('slack', 0, signing);
    const challenge =
      '{"token":"Jhj5dZrVaK7ZwHHjRyZWjbDl","challenge":"3eZbrw1aBm2rZgRNFdxV2595E9CY3gmdALWMmHkvFXO7tYXAYM8P","type":"url_verification"}';
    expect((await send(hook, sendSlack(`${signing}x`, seconds(), challenge))).status).toBe(401);
    const verified = await send(hook, sendSlack(signing, seconds(), challenge));
    expect([verified.status, verified.json()]).toEqual([
      200,
      { challenge: '3eZbrw1aBm2rZgRNFdxV2595E9CY3gmdALWMmHkvFXO7tYXAYM8P' },
    ]);
    const body = JSON.stringify({
      token: 'ZZZZZZWSxiZZZ2yIvs3peJ',
      team_id: 'T061EG9R6',
      api_app_id: 'A0MDYCDME',
      event: {
        type: 'app_mention',
        user: 'U061F7AUR',
        text: '<@U0LAN0Z89> is it everything?',
        ts: '1515449522.000016',
        channel: 'C0LAN0Z89',
      },
      type: 'event_callback',
      event_id: 'Ev0LAN670R',
      event_time: 1515449522000016,
      authorizations: [{ team_id: 'T061EG9R6', user_id: 'U0LAN0Z89', is_bot: true }],
    });
    const answer = await expectVerified(hook, (key) => sendSlack(key, seconds(), body), { status: 200 });
    expect(answer.text).toBe('');
    const retry = sendSlack(signing, seconds() + 60, body);
    const retried = {
      ...retry,
      headers: { ...retry.headers, 'x-slack-retry-num': '1', 'x-slack-retry-reason': 'http_timeout' },
    };
    expect((await send(hook, retried)).status).toBe(200);
    const { delivery, task } = await taskOf(hook);
    expect(delivery).toMatchObject({ event: 'app_mention', delivery_id: 'Ev0LAN670R' });
    expect(task).toBe('In the Slack channel C0LAN0Z89 the user U061F7AUR wrote:\n\n<@U0LAN0Z89> is it everything?');
  });

  test('a slash command comes as a form', async () => {
    const hook = await follow('slack', 0, signing);
    await platform
      .client(tenant)
      .require('PATCH', `/v1/hooks/${hook.id}`, { template: '{{payload.user_name}}: {{payload.text}}' });
    const body =
      'token=gIkuvaNzQIHg97ATvDxqgjtO&team_id=T0001&team_domain=example&channel_id=C2147483705&user_id=U2147483697&user_name=Steve&command=%2Fask&text=Is+it+open%3F&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2F1234%2F5678&trigger_id=13345224609.738474920.8088930838d88f008e0&api_app_id=A123456';
    await expectVerified(hook, (key) => sendSlack(key, seconds(), body, 'application/x-www-form-urlencoded'), {
      status: 200,
    });
    expect((await taskOf(hook)).task).toBe('Steve: Is it open?');
  });
});

describe('Discord', () => {
  const app = makeDiscordApp();
  const stranger = makeDiscordApp();
  const sign = (body: string) => (key: string) => sendDiscord(key === 'other' ? stranger : app, seconds(), body);

  test('pings with a good and a bad signature, and somebody gives the command', async () => {
    const hook = await follow('discord', 0, app.publicKey);
    const ping =
      '{"application_id":"775799577604522054","id":"787053080478613554","token":"ThisIsATokenFromDiscordThatIsVeryLong","type":1,"user":{"id":"82198898841029460"},"version":1}';
    expect((await send(hook, sign(ping)('other'))).status).toBe(401);
    const pong = await send(hook, sign(ping)(''));
    expect([pong.status, pong.json()]).toEqual([200, { type: 1 }]);
    const body = JSON.stringify({
      type: 2,
      token: 'A_UNIQUE_TOKEN',
      member: { user: { id: '53908232506183680', username: 'Mason' }, roles: ['539082325061836999'] },
      id: '786008729715212338',
      application_id: '775799577604522054',
      guild_id: '290926798626357999',
      data: {
        options: [{ type: 3, name: 'question', value: 'Is it open?' }],
        type: 1,
        name: 'ask',
        id: '771825006014889984',
      },
      channel_id: '645027906669510667',
    });
    const answer = await expectVerified(hook, sign(body), { status: 200, other: 'other' });
    expect(answer.json()).toEqual({ type: 4, data: { content: 'Received.', flags: 64 } });
    const { delivery, task } = await taskOf(hook);
    expect(delivery).toMatchObject({ event: 'ask', delivery_id: '786008729715212338' });
    expect(task).toBe('On Discord Mason asks:\n\nIs it open?');
  });

  test('webhook events are answered with 204, and so is their ping', async () => {
    const hook = await follow('discord', 0, app.publicKey);
    expect((await send(hook, sign('{"version":1,"application_id":"1234560123453231555","type":0}')(''))).status).toBe(
      204,
    );
    const body =
      '{"version":1,"application_id":"1234560123453231555","type":1,"event":{"type":"APPLICATION_AUTHORIZED","timestamp":"2024-10-18T14:42:53.064834","data":{"integration_type":1,"user":{"username":"Mason"}}}}';
    await expectVerified(hook, sign(body), { status: 204, other: 'other' });
    expect((await taskOf(hook)).delivery.event).toBe('APPLICATION_AUTHORIZED');
  });
});

describe('n8n', () => {
  const body = JSON.stringify({ question: 'Is it open?' });

  test('with a token', async () => {
    const hook = await follow('n8n', 0);
    await expectVerified(hook, (key) => sendBearer(key, body, '231-0'), { status: 202, covers: false });
    expect((await taskOf(hook)).task).toBe('Is it open?');
  });
  test('signed', async () => {
    const hook = await follow('n8n', 1);
    await expectVerified(hook, (key) => sendHmac(key, body, { seconds: seconds(), id: '231-0' }), { status: 202 });
    expect((await send(hook, sendHmac(hook.key, body, { seconds: seconds() - 600, id: '231-1' }))).status).toBe(401);
    expect((await taskOf(hook)).task).toBe('Is it open?');
  });
});
