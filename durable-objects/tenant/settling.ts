/**
 * Turns receipts into entries of the ledger: each run once, at the price that it was admitted with, and what was held for
 * it goes back. A batch is decided receipt by receipt and written as one.
 */
import type { TenantId } from '../../shared/core/ids.ts';
import type { Receipt, ReceiptAck } from '../../shared/contracts/inference.ts';
import type { TicketSeal } from '../../shared/inference/ticket.ts';
import type { Billing } from './billing.ts';
import type { LedgerStore, NewEntry } from './ledger-store.ts';
import { decideSettlement, egressOf, readingsOf, tokensOf } from './settlement.ts';
import type { Telemetry } from './telemetry.ts';
import type { Treasury, Use } from './treasury.ts';
import type { TurnRunStore } from './turn-run-store.ts';

export type SettlingParts = {
  readonly tenantId: TenantId;
  readonly seal: TicketSeal;
  readonly ledger: LedgerStore;
  readonly billing: Billing;
  readonly treasury: Treasury;
  readonly turnRuns: TurnRunStore;
  readonly telemetry: Telemetry;
  readonly isThere: () => boolean;
  readonly transact: <T>(work: () => T) => T;
  readonly now: () => number;
};

export class Settling {
  readonly #parts: SettlingParts;

  constructor(parts: SettlingParts) {
    this.#parts = parts;
  }

  /** Settles receipts whose signature the edge has verified. Idempotent: a run is settled once, whatever arrives. */
  settle(bridge: string, receipts: readonly Receipt[], jws: string): ReceiptAck {
    if (!this.#parts.isThere()) {
      return { settled: [], refused: receipts.map(({ id }) => ({ id, reason: 'there is no such tenant' })) };
    }
    const { ledger, billing, treasury, turnRuns, telemetry } = this.#parts;
    const settled: string[] = [];
    const refused: { id: string; reason: string }[] = [];
    this.#parts.transact(() => {
      const now = this.#parts.now();
      const openMonth = billing.openMonth(now);
      const known = ledger.findSettled(receipts.map(({ run }) => run));
      const entries: NewEntry[] = [];
      for (const receipt of receipts) {
        if (!known.has(receipt.run)) {
          const decision = decideSettlement(this.#parts.tenantId, this.#parts.seal.open(receipt.ticket), receipt);
          if (decision.kind === 'refuse') {
            refused.push({ id: receipt.id, reason: decision.reason });
            continue;
          }
          const { ticket, costMicros } = decision;
          entries.push({ ticket, receipt, costMicros, month: billing.monthFor(receipt.finished_at, now, openMonth) });
          known.add(receipt.run);
        }
        settled.push(receipt.id);
      }
      if (entries.length === 0) return;
      ledger.settle(entries, ledger.addBatch(bridge, jws), now);
      const entered = entries.map(({ receipt }) => receipt);
      const readings = entries.flatMap(({ ticket, receipt }) => readingsOf(ticket, receipt));
      billing.meter([...readings, ...egressOf(entered, now)], now);
      treasury.settle(entries.map(toUse), now);
      telemetry.noteRuns(entries, now);
      turnRuns.noteSettled(entered.map(({ run }) => run));
    });
    return { settled, refused };
  }
}

function toUse({ ticket, receipt, costMicros }: NewEntry): Use {
  return { ticket, costMicros, usedTokens: tokensOf(receipt) };
}
