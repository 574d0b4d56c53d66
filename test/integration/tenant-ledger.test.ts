/** The ledger in workerd: a run is settled once, whatever arrives twice, and a receipt without a ticket of ours never. */
import { runInDurableObject } from 'cloudflare:test';
import { expect, test } from 'vitest';
import { operatorActor } from '../../shared/contracts/audit.ts';
import type { Receipt } from '../../shared/contracts/inference.ts';
import { mintId } from '../../shared/core/ids.ts';
import { TicketSeal, type Ticket } from '../../shared/inference/ticket.ts';
import { openTenant } from './platform-env.ts';
import { newKey, platformSigningKey } from './tenant-env.ts';

const Now = Date.parse('2026-11-20T12:00:00Z');
const seal = new TicketSeal(platformSigningKey);

function receiptOf(tenant: string, run: string, id: string, change: Partial<Ticket> = {}): Receipt {
  const bridge = 'brg_1';
  const ticket = seal.seal({
    run,
    tenant,
    payer: { kind: 'key', id: 'key_1' },
    agent: null,
    project: null,
    environment: null,
    lease: null,
    bridge,
    model: 'm',
    priceId: 'p',
    price: { input_micros_per_mtok: 1_000_000, cached_input_micros_per_mtok: 0, output_micros_per_mtok: 1_000_000 },
    maxMicros: 1_000,
    maxTokens: 1_000,
    ...change,
  });
  return {
    id,
    run,
    tenant,
    bridge,
    node: 'n',
    node_kind: 'vllm',
    external: false,
    operation: 'chat',
    model: 'm',
    input_tokens: 3,
    cached_input_tokens: 0,
    output_tokens: 4,
    counted_by: 'node',
    outcome: 'completed',
    started_at: Now,
    finished_at: Now,
    ticket,
  };
}

test('a run is settled once: twice in a batch, in a later batch, and under another receipt id', async () => {
  const id = mintId('tenant', Now);
  await runInDurableObject(openTenant(id), (tenant) => {
    tenant.provision(newKey(), operatorActor);
    const first = receiptOf(id, 'run_a', 'rcp_1');
    const again = receiptOf(id, 'run_a', 'rcp_2');
    const other = receiptOf(id, 'run_b', 'rcp_3');
    expect(tenant.settle('brg_1', [first, again, other], 'jws')).toEqual({
      settled: ['rcp_1', 'rcp_2', 'rcp_3'],
      refused: [],
    });
    expect(tenant.settle('brg_1', [again, first], 'jws').settled).toEqual(['rcp_2', 'rcp_1']);
    expect(tenant.usage('model', 0, Number.MAX_SAFE_INTEGER)).toMatchObject([
      { model: 'm', requests: 2, input_tokens: 6, output_tokens: 8, cost_micros: 14 },
    ]);
  });
});

test('a receipt of another tenant, run or platform is refused with the reason, and settles nothing', async () => {
  const id = mintId('tenant', Now);
  await runInDurableObject(openTenant(id), (tenant) => {
    tenant.provision(newKey(), operatorActor);
    const foreign = receiptOf(id, 'run_a', 'rcp_1', { tenant: mintId('tenant', 1) });
    const swapped = receiptOf(id, 'run_b', 'rcp_2', { run: 'run_z' });
    const forged = { ...receiptOf(id, 'run_c', 'rcp_3'), ticket: 'e30.AAAA' };
    const { settled, refused } = tenant.settle('brg_1', [foreign, swapped, forged], 'jws');
    expect(settled).toEqual([]);
    expect(refused.map(({ id: refusedId }) => refusedId)).toEqual(['rcp_1', 'rcp_2', 'rcp_3']);
    expect(tenant.usage('model', 0, Number.MAX_SAFE_INTEGER)).toEqual([]);
  });
});
