/** A tenant's inbound hooks inside workerd: taken in once, handed over once, through copies, crashes and evictions. (O-8) */
import { env } from 'cloudflare:workers';
import { evictDurableObject, runDurableObjectAlarm } from 'cloudflare:test';
import { describe, expect, test, vi } from 'vitest';
import type { NewTask } from '../../durable-objects/agent/task-store.ts';
import { createAgent } from '../../shared/contracts/agents.ts';
import { operatorActor } from '../../shared/contracts/audit.ts';
import { createHook, type CreateHook, type Hook, type HookDelivery } from '../../shared/contracts/hooks.ts';
import { mintId } from '../../shared/core/ids.ts';
import { ok } from '../../shared/core/result.ts';
import type { Principal } from '../../shared/core/principal.ts';
import { sendGithub, sendStandard, type SentRequest } from '../support/sign-hook.ts';
import { admin, must, newKey, openTenant, start } from './tenant-env.ts';

const origin = { requestId: 'req_1', traceparent: '00-1-2-01' };

/** In the agents' place, because here no call goes through a stub's property: what they were given, a known task once. */
const given = new Map<string, NewTask>();
let handOvers = 0;
const tasks = {
  create: (task: NewTask) => {
    handOvers++;
    if (!given.has(task.id)) given.set(task.id, task);
    return Promise.resolve(ok(given.get(task.id)));
  },
};
Object.assign((env as unknown as { AGENT: DurableObjectNamespace }).AGENT, { get: () => ({ tasks }) });
const tasksOf = (hook: Hook) => [...given.values()].filter(({ metadata }) => metadata['hook'] === hook.id);
const secret = 'a-secret-of-the-test';
const payload = (title: string) => JSON.stringify({ action: 'opened', issue: { title } });
const request = ({ headers, body }: SentRequest) => ({
  headers,
  body: new Uint8Array(new TextEncoder().encode(body)),
});

/** A tenant with an agent, and a hook that its first key has made. */
async function openHook(change: Partial<CreateHook> = {}) {
  const opened = await openTenant();
  const { run, adminKey } = opened;
  const principal: Principal = { ...admin, id: adminKey.id };
  const agent = must(
    await run((object) =>
      object.agents.create(mintId('agent', start), createAgent.parse({ slug: 'helper', name: 'Helper' }), admin),
    ),
  );
  const wanted = createHook.parse({
    name: 'issues',
    agent: 'helper',
    verification: { scheme: 'github' },
    template: 'New issue: {{payload.issue.title}}',
    ...change,
  });
  const id = mintId('hook', start);
  const hook = must(
    await run((object) => object.hooks.create({ ...wanted, secret: wanted.secret ?? secret, id }, principal)),
  );
  const deliver = (sent: SentRequest) => run((object) => object.hooks.receive(id, request(sent), origin));
  const deliveries = async (): Promise<readonly HookDelivery[]> =>
    must(await run((object) => object.hooks.deliveries(id, 100, undefined))).data;
  return { ...opened, principal, agent, hook, deliver, deliveries };
}

/** Until nothing waits: by the alarm, which the runtime rings as soon as it is due, or that is rung here. */
async function settle({ run, stub, deliveries }: Awaited<ReturnType<typeof openHook>>): Promise<void> {
  await run(() => undefined);
  await vi.waitFor(
    async () => {
      await runDurableObjectAlarm(stub);
      expect((await deliveries()).map(({ status }) => status)).not.toContain('received');
    },
    { timeout: 20_000, interval: 10 },
  );
}

describe('a delivery', () => {
  test('is acknowledged when it is written down, and becomes a task of the agent', async () => {
    const opened = await openHook({ lane: 'batch', max_attempts: 5 });
    const { deliver, deliveries } = opened;
    const answered = must(await deliver(sendGithub(secret, 'd-1', 'issues', payload('Broken'))));
    expect(answered).toMatchObject({ status: 202, receipt: { duplicate: false } });
    expect(await deliveries()).toMatchObject([{ id: answered.receipt.delivery, delivery_id: 'd-1', event: 'issues' }]);
    await settle(opened);
    const [delivery] = await deliveries();
    expect(delivery).toMatchObject({ status: 'handed_over', attempts: 1, error: null });
    const [task, ...others] = tasksOf(opened.hook);
    expect(others).toEqual([]);
    expect(task).toMatchObject({
      id: delivery!.task,
      conversationId: delivery!.conversation,
      agentId: opened.agent.id,
      input: 'New issue: Broken',
      lane: 'batch',
      maxAttempts: 5,
      principal: { id: opened.principal.id, permissions: ['inference:invoke'], scope: { agent: opened.agent.id } },
      metadata: { hook: opened.hook.id, delivery: delivery!.id },
    });
  });

  test('that comes in ten copies at once is one delivery, one task', async () => {
    const opened = await openHook();
    const sent = sendGithub(secret, 'd-1', 'issues', payload('Broken'));
    const answers = (await Promise.all(Array.from({ length: 10 }, () => opened.deliver(sent)))).map(must);
    expect(answers.filter(({ receipt }) => !receipt.duplicate)).toHaveLength(1);
    expect(new Set(answers.map(({ receipt }) => receipt.delivery)).size).toBe(1);
    await settle(opened);
    expect(await opened.deliveries()).toHaveLength(1);
    expect(tasksOf(opened.hook)).toHaveLength(1);
  });

  test('that is replayed under another name, which nobody signed, is the same one', async () => {
    const opened = await openHook();
    const first = must(await opened.deliver(sendGithub(secret, 'd-1', 'issues', payload('Broken'))));
    await evictDurableObject(opened.stub);
    opened.clock.at += 3_600_000;
    const again = must(await opened.deliver(sendGithub(secret, 'd-2', 'issues', payload('Broken'))));
    expect(again.receipt).toEqual({ ...first.receipt, duplicate: true });
  });

  test('is handed over after an eviction', async () => {
    const opened = await openHook();
    must(await opened.deliver(sendGithub(secret, 'd-1', 'issues', payload('Broken'))));
    await evictDurableObject(opened.stub);
    await settle(opened);
    expect(await opened.deliveries()).toMatchObject([{ status: 'handed_over' }]);
  });

  test('that was handed over by an isolate that died before it could note so is handed over as the same task', async () => {
    const opened = await openHook();
    must(await opened.deliver(sendGithub(secret, 'd-1', 'issues', payload('Broken'))));
    await settle(opened);
    const [before] = await opened.deliveries();
    const earlier = handOvers;
    await opened.run((_, state) => {
      state.storage.sql.exec(
        "UPDATE hook_deliveries SET status = 'received', attempts = 0, due_at = received_at, task = NULL, input = 'New issue: Broken'",
      );
      return state.storage.setAlarm(start);
    });
    await settle(opened);
    const [after] = await opened.deliveries();
    expect(after).toMatchObject({ status: 'handed_over', task: before!.task });
    expect(handOvers).toBe(earlier + 1);
    expect(tasksOf(opened.hook)).toHaveLength(1);
  });

  test('that is not signed, or not in time, is refused, noted at the hook, and leaves nothing', async () => {
    const opened = await openHook({
      verification: { scheme: 'standard_webhooks' },
      secret: `whsec_${btoa('x'.repeat(32))}`,
    });
    const sign = (seconds: number) =>
      sendStandard(`whsec_${btoa('x'.repeat(32))}`, 'msg_1', start / 1000 + seconds, '{}');
    expect(await opened.deliver(sign(-600))).toMatchObject({
      failure: { code: 'invalid_api_key', reason: 'hook: clock' },
    });
    expect(await opened.deliver({ headers: {}, body: '{}' })).toMatchObject({ failure: { code: 'invalid_api_key' } });
    expect(must(await opened.run((object) => object.hooks.find(opened.hook.id))).last_refusal).toEqual({
      at: new Date(start).toISOString(),
      reason: 'clock',
    });
    expect(await opened.deliveries()).toEqual([]);
    expect(must(await opened.deliver(sign(0)))).toMatchObject({ receipt: { duplicate: false } });
  });

  test('whose body is no JSON is refused', async () => {
    const { deliver, deliveries } = await openHook();
    expect(await deliver(sendGithub(secret, 'd', 'issues', '{"a":'))).toMatchObject({
      failure: { code: 'invalid_json' },
    });
    expect(await deliver(sendGithub(secret, 'd', 'issues', '['.repeat(10_000)))).toMatchObject({
      failure: { code: 'invalid_json' },
    });
    expect(await deliveries()).toEqual([]);
  });

  test('to a hook that is off, or is none, or of a suspended tenant, is refused', async () => {
    const { deliver, run, hook, principal } = await openHook();
    const sent = sendGithub(secret, 'd-1', 'issues', payload('Broken'));
    must(await run((object) => object.hooks.update(hook.id, { enabled: false }, principal)));
    expect(await deliver(sent)).toMatchObject({ failure: { code: 'not_found' } });
    must(await run((object) => object.hooks.update(hook.id, { enabled: true }, principal)));
    must(await run((object) => object.tenancy.setStatus('suspended', operatorActor)));
    expect(await deliver(sent)).toMatchObject({ failure: { code: 'tenant_suspended' } });
    expect(await run((object) => object.hooks.receive(mintId('hook', 0), request(sent), origin))).toMatchObject({
      failure: { code: 'not_found' },
    });
  });
});

describe('handing over', () => {
  test('fails and says why where the key that made the hook is revoked, until somebody else saves the hook', async () => {
    const opened = await openHook();
    const other = newKey();
    must(await opened.run((object) => object.keys.create(other, admin)));
    must(await opened.run((object) => object.keys.revoke(opened.adminKey.id, admin)));
    must(await opened.deliver(sendGithub(secret, 'd-1', 'issues', payload('one'))));
    await settle(opened);
    expect(await opened.deliveries()).toMatchObject([
      { status: 'failed', error: expect.stringContaining('Save it again') as string },
    ]);
    must(await opened.run((object) => object.hooks.update(opened.hook.id, {}, { ...admin, id: other.id })));
    must(await opened.deliver(sendGithub(secret, 'd-2', 'issues', payload('two'))));
    await settle(opened);
    const second = (await opened.deliveries()).find(({ delivery_id }) => delivery_id === 'd-2');
    expect(second).toMatchObject({ status: 'handed_over' });
  });

  test('fails and says why where the agent is gone', async () => {
    const opened = await openHook();
    must(await opened.run((object) => object.agents.delete('helper', admin)));
    must(await opened.deliver(sendGithub(secret, 'd-1', 'issues', payload('one'))));
    await settle(opened);
    expect(await opened.deliveries()).toMatchObject([
      { status: 'failed', error: expect.stringContaining('agent') as string },
    ]);
  });
});

describe('a hook', () => {
  test('keeps its secret sealed, out of the list of secrets, through a rotation of the data key, and takes it along', async () => {
    const { run, hook, principal, deliver } = await openHook();
    const rows = await run((_, { storage }) => JSON.stringify(storage.sql.exec('SELECT * FROM hooks').toArray()));
    expect(rows).not.toContain(secret);
    expect(await run((object) => object.vault.list(100, undefined).data)).toEqual([]);
    for (const name of [`hook:${hook.id}`, hook.id])
      expect(await run((object) => object.vault.reveal(name, 'a test', admin))).toMatchObject({
        failure: { code: 'not_found' },
      });
    expect(await run((object) => object.vault.delete(`hook:${hook.id}`, admin))).toMatchObject({
      failure: { code: 'not_found' },
    });
    must(await run((object) => object.vault.rotateDataKey(admin)));
    must(await deliver(sendGithub(secret, 'd-1', 'issues', payload('one'))));
    must(await run((object) => object.hooks.delete(hook.id, principal)));
    const left = (table: string) => run((_, { storage }) => storage.sql.exec(`SELECT * FROM ${table}`).toArray());
    for (const table of ['hooks', 'hook_deliveries', 'hook_delivery_keys', 'secrets', 'secret_versions'])
      expect([table, await left(table)]).toEqual([table, []]);
  });

  test('with a new secret knows the old one no more', async () => {
    const { run, hook, principal, deliver } = await openHook();
    must(await run((object) => object.hooks.update(hook.id, { secret: 'another-secret' }, principal)));
    expect(await deliver(sendGithub(secret, 'd-1', 'issues', '{}'))).toMatchObject({
      failure: { code: 'invalid_api_key' },
    });
    must(await deliver(sendGithub('another-secret', 'd-1', 'issues', '{}')));
  });

  test('is on the audit trail when it is made, changed and removed', async () => {
    const { run, hook, principal, trail } = await openHook();
    must(await run((object) => object.hooks.update(hook.id, { name: 'other' }, principal)));
    must(await run((object) => object.hooks.delete(hook.id, principal)));
    expect((await trail()).flatMap(({ action, target }) => (target === hook.id ? [action] : []))).toEqual([
      'hook.created',
      'hook.updated',
      'hook.deleted',
    ]);
  });

  test('gives nobody more than they hold', async () => {
    const { run, hook, principal } = await openHook();
    const weak: Principal = { ...principal, permissions: ['hooks:write'] };
    expect(await run((object) => object.hooks.update(hook.id, { name: 'x' }, weak))).toMatchObject({
      failure: { code: 'permission_denied' },
    });
    const elsewhere: Principal = { ...principal, scope: { ...principal.scope, agent: mintId('agent', 1) } };
    expect(await run((object) => object.hooks.update(hook.id, { name: 'x' }, elsewhere))).toMatchObject({
      failure: { code: 'permission_denied' },
    });
  });
});
