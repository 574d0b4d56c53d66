/// <reference types="@cloudflare/vitest-pool-workers/types" />
import { evictDurableObject, runInDurableObject } from 'cloudflare:test';
import { describe, expect, it } from 'vitest';
import type { NodePoolObject } from '../../durable-objects/node-pool/node-pool-object.ts';
import { KeyOverlapMs } from '../../durable-objects/node-pool/bridge-rules.ts';
import { nodePoolMigrations } from '../../durable-objects/node-pool/node-pool-migrations.ts';
import { migrate } from '../../durable-objects/runtime/migrate.ts';
import { KeyMaxAgeMs } from '../../shared/contracts/bridges.ts';
import { mintId } from '../../shared/core/ids.ts';
import { enrolRequest, keyOf, newPool, terms } from './bridge-env.ts';
import { must } from './tenant-env.ts';

const start = Date.UTC(2026, 5, 1);

async function openPool() {
  const stub = newPool(crypto.randomUUID());
  const clock = { at: start, now: () => clock.at };
  const run = <T>(work: (object: NodePoolObject, state: DurableObjectState) => T | Promise<T>): Promise<T> =>
    runInDurableObject<NodePoolObject, T>(stub, (object, state) => {
      object.clock = clock;
      return work(object, state);
    });
  return { stub, clock, run };
}

const announcement = (iss: string) => ({
  iss,
  iat: 0,
  models: [
    {
      id: 'm',
      operations: ['chat' as const],
      context_window: null,
      dimensions: null,
      semantic: true,
      external: false,
      owned_by: 'me',
    },
  ],
  default_model: 'm',
});

describe('the pool', () => {
  it('enrols a bridge by a token that works once, and shows the operator what was refused', async () => {
    const { run } = await openPool();
    await run((pool) => {
      const { id } = must(pool.createEnrolment(terms({ name: 'rig', transport: 'tunnel' })));
      const request = enrolRequest();
      expect(must(pool.enrol(id, request))).toMatchObject({
        id: request.iss,
        name: 'rig',
        transport: 'tunnel',
        url: null,
      });
      expect(pool.enrol(id, enrolRequest())).toMatchObject({ ok: false, failure: { code: 'conflict' } });
      expect(pool.list()).toHaveLength(1);
      expect(pool.listEnrolments()).toMatchObject([
        { status: 'used', bridge: request.iss, refusals: 1, last_refusal: expect.stringContaining('used before') },
      ]);
    });
  });

  it('goes by the address that the operator fixed, before the one that the bridge names', async () => {
    const { run } = await openPool();
    await run((pool) => {
      const fixed = must(pool.createEnrolment(terms({ transport: 'http', url: 'https://gpu.example/' })));
      expect(must(pool.enrol(fixed.id, enrolRequest({ url: 'http://evil' }))).url).toBe('https://gpu.example');
      const free = must(pool.createEnrolment(terms({ transport: 'http' })));
      expect(must(pool.enrol(free.id, enrolRequest({ url: 'http://10.0.0.1:1' }))).url).toBe('http://10.0.0.1:1');
    });
  });

  it('accepts the old key beside the new for an hour, answers a repeated rotation alike, and takes no key back', async () => {
    const { run, clock } = await openPool();
    const request = enrolRequest();
    await run((pool) => {
      must(pool.enrol(must(pool.createEnrolment(terms())).id, request));
      clock.at += 1_000;
      const first = must(pool.rotate(request.iss, keyOf('B').x));
      clock.at += 1_000;
      expect(must(pool.rotate(request.iss, keyOf('B').x))).toEqual(first);
      expect(must(pool.findKeys(request.iss)).keys).toEqual([keyOf('B').x, keyOf('A').x]);
      expect(pool.rotate(request.iss, keyOf('A').x)).toMatchObject({ ok: false, failure: { code: 'conflict' } });
      clock.at = start + 1_000 + KeyOverlapMs;
      expect(must(pool.findKeys(request.iss)).keys).toEqual([keyOf('B').x]);
      clock.at = start + 1_000 + KeyMaxAgeMs;
      expect(pool.findKeys(request.iss)).toMatchObject({ ok: false, failure: { code: 'permission_denied' } });
    });
  });

  it('offers no model of a revoked bridge, hears no announcement of it, and still knows its keys', async () => {
    const { run } = await openPool();
    const request = enrolRequest();
    await run((pool) => {
      must(pool.enrol(must(pool.createEnrolment(terms())).id, request));
      must(pool.announce(announcement(request.iss)));
      expect(pool.snapshot().bridges).toMatchObject([{ id: request.iss, transport: 'tunnel' }]);
      expect(must(pool.revoke(request.iss))).toMatchObject({ status: 'revoked' });
      expect(pool.snapshot()).toMatchObject({ bridges: [], defaultModel: null });
      expect(pool.announce(announcement(request.iss))).toMatchObject({ failure: { code: 'permission_denied' } });
      expect(must(pool.findKeys(request.iss))).toEqual({ keys: [keyOf('A').x], revokedAt: start });
      expect(pool.revoke(mintId('bridge', 1))).toMatchObject({ failure: { code: 'not_found' } });
      const again = pool.createEnrolment(terms({ bridge: request.iss }));
      expect(again).toMatchObject({ failure: { code: 'conflict' } });
    });
  });

  it('remembers a used tunnel token over an eviction, until it can no longer be valid', async () => {
    const { stub, run, clock } = await openPool();
    const request = enrolRequest();
    const admit = () => run((pool) => pool.admitTunnel(request.iss, 'token', start + 10));
    await run((pool) => must(pool.enrol(must(pool.createEnrolment(terms())).id, request)));
    expect((await admit()).ok).toBe(true);
    await evictDurableObject(stub);
    expect((await admit()).ok).toBe(false);
    clock.at = start + 10;
    await run((pool, state) => {
      pool.admitTunnel(request.iss, 'other', start + 20);
      expect(state.storage.sql.exec('SELECT id FROM used_tokens').toArray()).toEqual([{ id: 'other' }]);
    });
  });

  it('keeps a bridge that was registered before there were enrolments, with its key', async () => {
    const { run } = await openPool();
    await run((_, state) => {
      const tables = ['node_changes', 'drained_nodes', 'bridge_keys', 'enrolments', 'used_tokens', 'migrations'];
      for (const table of ['bridges', ...tables]) {
        state.storage.sql.exec(`DROP TABLE ${table}`);
      }
      migrate(state.storage, nodePoolMigrations.slice(0, 2));
      state.storage.sql.exec(
        `INSERT INTO bridges (id, name, url, public_key, registered_at) VALUES ('brg_old', 'old', 'http://b', '${JSON.stringify(keyOf('O'))}', ${start - 5})`,
      );
      migrate(state.storage, nodePoolMigrations);
    });
    await run((pool) => {
      expect(must(pool.findKeys('brg_old')).keys).toEqual([keyOf('O').x]);
      expect(pool.list()).toMatchObject([{ id: 'brg_old', transport: 'http', url: 'http://b', status: 'offline' }]);
    });
  });
});

describe('the nodes of a bridge', () => {
  const node = (name: string, state: 'ready' | 'hung' = 'ready') => ({
    name,
    kind: 'vllm',
    external: false,
    state,
    reason: '',
    since: start,
    models: ['m'],
    outstanding: 0,
    running: 2,
    waiting: null,
    first_token_ms: 20,
  });
  const change = (id: string, at: number, state: 'ready' | 'hung', before: 'ready' | 'starting') => ({
    id,
    at,
    node: 'n0',
    state,
    before,
    reason: 'why',
  });

  it('are listed with their state and their latest changes, each told once however often it is repeated', async () => {
    const { run, clock } = await openPool();
    await run((pool) => {
      const request = enrolRequest();
      must(pool.enrol(must(pool.createEnrolment(terms())).id, request));
      const first = change('e-1', start, 'ready', 'starting');
      must(pool.announce({ ...announcement(request.iss), nodes: [node('n0'), node('n1')], node_changes: [first] }));
      const changes = [first, change('e-2', start + 5, 'hung', 'ready')];
      must(
        pool.announce({ ...announcement(request.iss), nodes: [node('n0', 'hung'), node('n1')], node_changes: changes }),
      );
      const nodes = pool.listNodes();
      expect(nodes.map((each) => [each.name, each.state])).toEqual([
        ['n0', 'hung'],
        ['n1', 'ready'],
      ]);
      expect(nodes[0]?.events.map((event) => event.type)).toEqual(['node.hung', 'node.ready']);
      clock.at += 60_000;
      expect(pool.listNodes().map((each) => each.state)).toEqual(['unknown', 'unknown']);
    });
  });

  it('keep no more than a thousand changes', async () => {
    const { run } = await openPool();
    await run((pool, state) => {
      const request = enrolRequest();
      must(pool.enrol(must(pool.createEnrolment(terms())).id, request));
      for (let batch = 0; batch < 12; batch++) {
        const ids = Array.from({ length: 100 }, (_, at) => batch * 100 + at);
        const changes = ids.map((id) => change(`e-${id}`, start + id, 'ready', 'starting'));
        must(pool.announce({ ...announcement(request.iss), nodes: [node('n0')], node_changes: changes }));
      }
      const kept = state.storage.sql.exec<{ n: number; first: number }>(
        'SELECT count(*) n, min(at) first FROM node_changes',
      );
      expect(kept.one()).toEqual({ n: 1000, first: start + 200 });
    });
  });

  it('are drained by the operator until it resumes them, which the bridge hears with every announcement', async () => {
    const { run } = await openPool();
    await run((pool) => {
      const request = enrolRequest();
      must(pool.enrol(must(pool.createEnrolment(terms())).id, request));
      const said = { ...announcement(request.iss), nodes: [node('n0')] };
      expect(must(pool.announce(said))).toEqual([]);
      expect(must(pool.drainNode(request.iss, 'n0', true))).toMatchObject({ name: 'n0', draining: true });
      expect(must(pool.announce(said))).toEqual(['n0']);
      must(pool.drainNode(request.iss, 'n0', false));
      expect(must(pool.announce(said))).toEqual([]);
      expect(pool.drainNode(request.iss, 'nothing', true)).toMatchObject({ failure: { code: 'not_found' } });
    });
  });
});
