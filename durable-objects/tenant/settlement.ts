/**
 * What a receipt costs by the ticket that its run was admitted with. Pure.
 * A run never costs more than its ticket allows: the bridge clamps to the same bound, and this is the second lock.
 */
import { computeCostMicros, type Micros } from '../../shared/core/money.ts';
import type { Receipt } from '../../shared/contracts/inference.ts';
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
