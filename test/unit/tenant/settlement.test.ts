/** Settling a receipt: only by a ticket of this platform, this tenant, run, bridge and model, and never above its bound. */
import { describe, expect, test } from 'vitest';
import fc from 'fast-check';
import { decideSettlement } from '../../../durable-objects/tenant/settlement.ts';
import type { Receipt } from '../../../shared/contracts/inference.ts';
import { TicketSeal, type Ticket } from '../../../shared/inference/ticket.ts';

const ticket: Ticket = {
  run: 'run_1',
  tenant: 'tnt_1',
  payer: { kind: 'key', id: 'key_1' },
  agent: null,
  project: null,
  environment: null,
  lease: null,
  bridge: 'brg_1',
  model: 'm',
  priceId: 'p',
  price: { input_micros_per_mtok: 1_000_000, cached_input_micros_per_mtok: 500_000, output_micros_per_mtok: 2_000_000 },
  maxMicros: 100,
  maxTokens: 1_000,
};
const receipt: Receipt = {
  id: 'rcp_1',
  run: 'run_1',
  tenant: 'tnt_1',
  bridge: 'brg_1',
  node: 'n',
  node_kind: 'k',
  external: false,
  operation: 'chat',
  model: 'm',
  input_tokens: 10,
  cached_input_tokens: 4,
  output_tokens: 5,
  counted_by: 'node',
  outcome: 'completed',
  started_at: 0,
  finished_at: 1,
  ticket: 'sealed',
};
const seal = new TicketSeal(JSON.stringify({ d: Buffer.alloc(32, 1).toString('base64url') }));

describe('decideSettlement', () => {
  test('costs what was used at the price of the ticket', () => {
    expect(decideSettlement('tnt_1', ticket, receipt)).toEqual({ kind: 'settle', ticket, costMicros: 18 });
  });

  test('costs never more than the ticket allows and never less than nothing', () => {
    fc.assert(
      fc.property(fc.nat(1e6), fc.nat(1e6), fc.nat(1e6), fc.nat(1_000), (input, cached, output, maxMicros) => {
        const used = { ...receipt, input_tokens: input, cached_input_tokens: cached, output_tokens: output };
        const decided = decideSettlement('tnt_1', { ...ticket, maxMicros }, used);
        expect(decided.kind === 'settle' && decided.costMicros >= 0 && decided.costMicros <= maxMicros).toBe(true);
      }),
    );
  });

  test.each<[string, string, Ticket | undefined, Receipt]>([
    ['no ticket', 'tnt_1', undefined, receipt],
    ['another tenant asks', 'tnt_2', ticket, receipt],
    ['the ticket is of another tenant', 'tnt_1', { ...ticket, tenant: 'tnt_2' }, receipt],
    ['the receipt is of another tenant', 'tnt_1', ticket, { ...receipt, tenant: 'tnt_2' }],
    ['another run', 'tnt_1', ticket, { ...receipt, run: 'run_2' }],
    ['another bridge', 'tnt_1', ticket, { ...receipt, bridge: 'brg_2' }],
    ['another model', 'tnt_1', ticket, { ...receipt, model: 'dearer' }],
  ])('refuses where %s', (_, tenant, held, said) => {
    expect(decideSettlement(tenant, held, said).kind).toBe('refuse');
  });
});

describe('a sealed ticket', () => {
  test('opens to what was sealed, and with any character changed to nothing', () => {
    const text = seal.seal(ticket);
    expect(seal.open(text)).toEqual(ticket);
    for (let at = 0; at < text.length; at++) {
      const other = text[at] === 'A' ? 'B' : 'A';
      const forged = seal.open(text.slice(0, at) + other + text.slice(at + 1));
      expect(forged, `character ${at}`).toBeUndefined();
    }
  });

  test.each(['', '.', 'a.b', '..', 'null.', `${Buffer.from('{}').toString('base64url')}.`])('is not %j', (text) => {
    expect(seal.open(text)).toBeUndefined();
  });

  test('of another platform does not open', () => {
    const foreign = new TicketSeal(JSON.stringify({ d: Buffer.alloc(32, 2).toString('base64url') }));
    expect(seal.open(foreign.seal(ticket))).toBeUndefined();
  });
});
