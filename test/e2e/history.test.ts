/**
 * What clients see of an agent's object while it is written by several at once and killed in between: every history of a
 * register can be explained by one order of its operations. HISTORY_ROUNDS lengthens it.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { LocalClient } from '../../scripts/local-client.ts';
import type { Goal } from '../../shared/contracts/agent-state.ts';
import type { List } from '../../shared/contracts/common.ts';
import { isLinearizable, type Operation } from '../support/linearizable.ts';
import { findFreePort } from '../../scripts/find-free-port.ts';
import { StartedProcess } from '../support/started-process.ts';

const Rounds = Number(process.env['HISTORY_ROUNDS'] ?? 2);
const Clients = 8;
const OperationsPerClient = 25;
/** The kill comes after so many answers of a round, so that operations are under way. */
const KillAfter = 120;

const dataDir = mkdtempSync(join(tmpdir(), 'freehold-history-'));
let port = 0;
let started: StartedProcess;
let client: LocalClient;
const registers: string[] = [];
const histories = new Map<string, Operation[]>();
let serial = 0;

const start = async () => {
  started = await StartedProcess.start(dataDir, ['--no-demo', '--port', String(port)], { FREEHOLD_NODES: '[]' });
};

beforeAll(async () => {
  port = await findFreePort();
  await start();
  const operator = new LocalClient(port, 'localhost', started.dev.operator_token);
  const tenant = await operator.require<{ admin_key: { secret: string } }>('POST', '/operator/v1/tenants', {
    slug: 'acme',
    name: 'Acme',
  });
  client = new LocalClient(port, 'acme.localhost', tenant.admin_key.secret);
  await client.require('POST', '/v1/agents', { slug: 'keeper', name: 'Keeper' });
  for (const text of ['one', 'two']) {
    const { id } = await client.require<Goal>('POST', '/v1/agents/keeper/goals', { text });
    registers.push(id);
    histories.set(id, []);
  }
});
afterAll(async () => {
  await started.killGroup();
  rmSync(dataDir, { recursive: true, force: true });
});

async function write(register: string): Promise<boolean> {
  const value = `value-${serial++}`;
  const invokedAt = performance.now();
  const done = (answeredAt: number | undefined) =>
    histories.get(register)!.push({ kind: 'write', value, invokedAt, answeredAt });
  try {
    const answer = await client.call('PATCH', `/v1/agents/keeper/goals/${register}`, { note: value });
    done(answer.status === 200 ? performance.now() : undefined);
    return answer.status === 200;
  } catch {
    done(undefined);
    return false;
  }
}

async function read(): Promise<boolean> {
  const invokedAt = performance.now();
  try {
    const answer = await client.call('GET', '/v1/agents/keeper/goals');
    if (answer.status !== 200) return false;
    const answeredAt = performance.now();
    for (const { id, note } of (answer.body as List<Goal>).data)
      histories.get(id)!.push({ kind: 'read', value: note, invokedAt, answeredAt });
    return true;
  } catch {
    return false;
  }
}

test('no acknowledged write is lost, and no read is stale, whatever is killed', async () => {
  for (let round = 0; round < Rounds; round++) {
    let answered = 0;
    let killing: Promise<void> | undefined;
    const work = async (index: number) => {
      for (let at = 0; at < OperationsPerClient; at++) {
        const isGood = await ((at + index) % 2 === 0 ? write(registers[(at >> 1) % 2]!) : read());
        // After the kill nobody answers: what was under way is unknown, and the round is over.
        if (!isGood) return;
        if (++answered === KillAfter) killing = started.killGroup();
      }
    };
    await Promise.all(Array.from({ length: Clients }, (_, index) => work(index)));
    await (killing ?? started.killGroup());
    await start();
    expect(await read()).toBe(true);
  }
  for (const [register, history] of histories) {
    expect(history.filter(({ answeredAt }) => answeredAt !== undefined).length).toBeGreaterThan(50);
    expect(isLinearizable(history, ''), register).toBe(true);
  }
});
