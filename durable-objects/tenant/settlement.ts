/**
 * What a receipt costs against the reservation that its run was admitted with. Pure.
 * A run never costs more than was reserved for it: the bridge clamps to the same bound, and this is the second lock.
 */
import { computeCostMicros, type Micros, type TokenPrice } from '../../shared/core/money.ts';
import type { Receipt } from '../../shared/contracts/inference.ts';

export type Reservation = {
  readonly run: string;
  readonly keyId: string | null;
  readonly visitorId: string | null;
  readonly agentId: string | null;
  readonly bridge: string;
  readonly model: string;
  readonly priceId: string;
  readonly price: TokenPrice;
  readonly maxMicros: Micros;
};

export type Settlement =
  | { readonly kind: 'settle'; readonly costMicros: Micros }
  | { readonly kind: 'refuse'; readonly reason: string };

export function decideSettlement(reservation: Reservation | undefined, receipt: Receipt): Settlement {
  if (!reservation) return { kind: 'refuse', reason: 'this run was never admitted' };
  if (reservation.bridge !== receipt.bridge) return { kind: 'refuse', reason: 'this run was admitted on another bridge' };
  if (reservation.model !== receipt.model) return { kind: 'refuse', reason: 'this run was admitted for another model' };
  const cost = computeCostMicros(reservation.price, {
    input: receipt.input_tokens,
    cached: receipt.cached_input_tokens,
    output: receipt.output_tokens,
  });
  return { kind: 'settle', costMicros: Math.min(cost, reservation.maxMicros) };
}
