/** The switches over the wire: an agent or a whole tenant is stopped at once, and its turns under way with it. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  AgentModel,
  AgentSlug,
  PlainModel,
  startPlatformWithNode,
  type PlatformWithNode,
} from '../support/platform-with-node.ts';
import { waitUntil, within } from '../support/wait-until.ts';

type Stored = { readonly id: string; readonly status: string };

/** What the promise allows, and a wide margin for a machine that has other work to do. */
const StoppedWithinMs = 10_000;

let world: PlatformWithNode;

beforeAll(async () => {
  world = await startPlatformWithNode({ script: { words: ['a', 'b', 'c', 'd'] } });
});
afterAll(() => world.stop());

const call = (method: 'GET' | 'POST', path: string, body?: object) =>
  world.platform.call(method, 'acme.localhost', path, { token: world.tenant.key, ...(body ? { body } : {}) });
const post = (path: string, body?: object) => call('POST', path, body);
const codeOf = (answer: { json(): unknown }) => (answer.json() as { error?: { code: string } }).error?.code;
const ask = (model: string) => post('/v1/responses', { model, input: 'hello', background: true });
const chat = (model: string) =>
  post('/v1/chat/completions', { model, messages: [{ role: 'user', content: 'hello' }], max_tokens: 20 });

async function startHanging(model: string, count: number): Promise<readonly string[]> {
  const before = world.node.requests.length;
  world.node.script = { ...world.node.script, pauseAt: 1 };
  const ids = await Promise.all(Array.from({ length: count }, async () => ((await ask(model)).json() as Stored).id));
  await waitUntil('the node has the runs', () => world.node.requests.length >= before + count);
  return ids;
}

async function statusOf(id: string): Promise<string> {
  return ((await call('GET', `/v1/responses/${id}`)).json() as Stored).status;
}

async function areCancelled(ids: readonly string[]): Promise<boolean> {
  return (await Promise.all(ids.map(statusOf))).every((status) => status === 'cancelled');
}

function letGo(): void {
  const { pauseAt: _, ...script } = world.node.script;
  world.node.script = script;
  world.node.release();
}

describe('a suspended agent', () => {
  it('starts nothing, its turns under way are cancelled and the node is told, and others go on', async () => {
    const ids = await startHanging(AgentModel, 5);
    const aborted = world.node.aborted;
    const suspended = await post(`/v1/agents/${AgentSlug}/suspend`);
    expect(suspended.json()).toMatchObject({ object: 'agent', suspended_at: expect.any(String) as string });
    const task = await post(`/v1/agents/${AgentSlug}/tasks`, { input: 'hello' });
    for (const answer of [await ask(AgentModel), await chat(AgentModel), task]) {
      expect([answer.status, codeOf(answer)]).toEqual([403, 'agent_suspended']);
    }
    await within(
      'the turns are cancelled',
      StoppedWithinMs,
      waitUntil('cancelled', () => areCancelled(ids)),
    );
    await waitUntil('the node was told', () => world.node.aborted >= aborted + ids.length);
    letGo();
    expect((await chat(PlainModel)).status).toBe(200);
    expect((await call('GET', '/v1/models')).status).toBe(200);
    expect((await call('GET', `/v1/agents/${AgentSlug}`)).status).toBe(200);
    expect((await post(`/v1/agents/${AgentSlug}/resume`)).json()).toMatchObject({ suspended_at: null });
    expect((await chat(AgentModel)).status).toBe(200);
  });

  it('has a task that comes due meanwhile fail and say why, and its model is not asked', async () => {
    // Suspended before it is due, however slow the machine.
    let id = '';
    for (let leadMs = 1_500, isIn = false; !isIn; leadMs *= 2) {
      await post(`/v1/agents/${AgentSlug}/resume`);
      const dueAt = Date.now() + leadMs;
      const body = { input: 'Later.', run_at: new Date(dueAt).toISOString() };
      ({ id } = (await post(`/v1/agents/${AgentSlug}/tasks`, body)).json() as Stored);
      await post(`/v1/agents/${AgentSlug}/suspend`);
      isIn = Date.now() < dueAt;
    }
    const asked = world.node.requests.length;
    const task = await waitUntil('the end of the task', async () => {
      const found = (await call('GET', `/v1/tasks/${id}`)).json() as Stored;
      return !['scheduled', 'queued', 'running'].includes(found.status) && found;
    });
    await post(`/v1/agents/${AgentSlug}/resume`);
    expect(task).toMatchObject({ status: 'failed', attempts: 1, error: { code: 'agent_suspended' } });
    expect(world.node.requests.length).toBe(asked);
  });

  it('that is not there is not found', async () => {
    for (const verb of ['suspend', 'resume']) expect((await post(`/v1/agents/nobody/${verb}`)).status).toBe(404);
  });

  it('and its resuming are on the audit trail, once each, however often they were asked for', async () => {
    for (const verb of ['suspend', 'suspend', 'resume', 'resume']) await post(`/v1/agents/${AgentSlug}/${verb}`);
    const { data } = (await call('GET', '/v1/audit?action=agent.*&limit=2')).json() as { data: { action: string }[] };
    expect(data.map(({ action }) => action)).toEqual(['agent.resumed', 'agent.suspended']);
  });
});

describe('a stopped tenant', () => {
  it('starts no run of any kind, its turns under way are cancelled, and all else stays open', async () => {
    const ids = [...(await startHanging(AgentModel, 3)), ...(await startHanging(PlainModel, 2))];
    expect((await post('/v1/tenant/stop')).json()).toEqual({ object: 'tenant.runs', stopped: true });
    expect(codeOf(await ask(AgentModel))).toBe('tenant_stopped');
    await within(
      'the turns are cancelled',
      StoppedWithinMs,
      waitUntil('cancelled', () => areCancelled(ids)),
    );
    letGo();
    await waitUntil(
      'no isolate admits a plain run any more',
      async () => codeOf(await chat(PlainModel)) === 'tenant_stopped',
    );
    expect((await call('GET', '/v1/models')).status).toBe(200);
    expect((await call('GET', '/v1/agents')).status).toBe(200);
    expect((await post('/v1/tenant/resume')).json()).toEqual({ object: 'tenant.runs', stopped: false });
    expect((await chat(PlainModel)).status).toBe(200);
    expect((await chat(AgentModel)).status).toBe(200);
  });
});
