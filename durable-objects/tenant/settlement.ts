/**
 * What a receipt costs by the ticket that its run was admitted with. Pure.
 * A run never costs more than its ticket allows: the bridge clamps to the same bound, and this is the second lock.
 */
import { computeCostMicros, type Micros } from '../../shared/core/money.ts';
import type { MeterReading } from '../../shared/contracts/billing.ts';
import { inputTokensOf, type Receipt } from '../../shared/contracts/inference.ts';
import type { Ticket } from '../../shared/inference/ticket.ts';

export type Settlement =
  | { readonly kind: 'settle'; readonly ticket: Ticket; readonly costMicros: Micros }
  | { readonly kind: 'refuse'; readonly reason: string };

/** `ticket`: what the receipt's ticket says, or undefined where its seal does not hold. */
export function decideSettlement(tenant: string, ticket: Ticket | undefined, receipt: Receipt): Settlement {
  const refuse = (reason: string): Settlement => ({ kind: 'refuse', reason });
  if (!ticket) return refuse('the ticket was not sealed by this platform');
  if (ticket.tenant !== tenant || receipt.tenant !== tenant) return refuse('the ticket is of another tenant');
  if (ticket.run !== receipt.run) return refuse('the ticket is of another run');
  if (ticket.bridge !== receipt.bridge) return refuse('the run was admitted on another bridge');
  if (ticket.model !== receipt.model) return refuse('the run was admitted for another model');
  const cost = computeCostMicros(ticket.price, {
    input: receipt.input_tokens,
    cached: receipt.cached_input_tokens,
    output: receipt.output_tokens,
  });
  return { kind: 'settle', ticket, costMicros: Math.min(cost, ticket.maxMicros) };
}

/** What counts towards limits of tokens. */
export function tokensOf(receipt: Receipt): number {
  return inputTokensOf(receipt) + receipt.output_tokens;
}

/** No node has more GPUs than this; what a receipt says beyond it is not charged. */
const MaxGpus = 64;

/** The answers of a batch that went to callers as they came, as one reading: named by the first, which settles once. */
export function egressOf(receipts: readonly Receipt[], now: number): readonly MeterReading[] {
  const quantity = receipts.reduce((sum, { answer_bytes: bytes = 0 }) => sum + bytes, 0);
  return quantity === 0 ? [] : [{ id: `egress:${receipts[0]!.id}`, sku: 'egress_bytes', quantity, occurredAt: now }];
}

/** What a run used beside its tokens, where its bridge says so. */
export function readingsOf(ticket: Ticket, receipt: Receipt): readonly MeterReading[] {
  if (receipt.gpu_ms === undefined) return [];
  const longest = Math.max(0, receipt.finished_at - receipt.started_at) * MaxGpus;
  return [
    {
      id: `${receipt.id}.gpu`,
      sku: 'gpu_seconds',
      quantity: Math.min(receipt.gpu_ms, longest),
      occurredAt: receipt.finished_at,
      keyId: ticket.payer.kind === 'key' ? ticket.payer.id : null,
      userId: ticket.payer.kind === 'key' ? null : ticket.payer.id,
      agent: ticket.agent,
      project: ticket.project,
      environment: ticket.environment,
      model: receipt.model,
      node: receipt.node,
    },
  ];
}
