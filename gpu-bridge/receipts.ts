/**
 * Delivers receipts to the platform until each is acknowledged: batches of one tenant, at once where it is idle, gathered
 * for a moment where more have come during the last one, again with backoff for ever when the platform fails. Refused receipts go
 * to a dead-letter file. A tenant whose receipts fail delays no other.
 */
import { appendFile } from 'node:fs/promises';
import { receiptAck, TokenTypes, type Receipt, type ReceiptAck } from '../shared/contracts/inference.ts';
import { computeBackoffMs } from '../shared/core/backoff.ts';
import { toUnixSeconds, type Clock } from '../shared/core/clock.ts';
import { describeError, type Logger } from '../shared/core/log.ts';
import type { Journal } from './journal.ts';
import type { PlatformClient } from './platform-client.ts';

const MaxBatch = 500;
const MaxParallel = 8;

export type ReceiptDeliveryOptions = {
  readonly journal: Pick<Journal, 'unacked' | 'acknowledge'>;
  readonly platform: PlatformClient;
  readonly bridgeId: string;
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: Logger;
  readonly deadLetterPath: string;
  readonly backoff: { readonly baseMs: number; readonly capMs: number };
  /** How long a busy tenant's receipts are gathered between two deliveries: larger batches cost less of everything. */
  readonly gatherMs: number;
};

type Lane = {
  readonly pending: Map<string, Receipt>;
  running: boolean;
  failures: number;
  /** Set while the lane waits: to try again, or to gather. */
  timer: NodeJS.Timeout | undefined;
};

export class ReceiptDelivery {
  readonly #options: ReceiptDeliveryOptions;
  readonly #lanes = new Map<string, Lane>();
  readonly #stop = new AbortController();
  #running = 0;
  #idleWaiters: (() => void)[] = [];

  constructor(options: ReceiptDeliveryOptions) {
    this.#options = options;
    for (const each of options.journal.unacked) this.#queue(each);
  }

  get pendingCount(): number {
    let count = 0;
    for (const lane of this.#lanes.values()) count += lane.pending.size;
    return count;
  }

  start(): void {
    this.#startLanes();
  }

  add(receipt: Receipt): void {
    this.#queue(receipt);
    this.#startLanes();
  }

  /** Tries everything now, and waits until nothing is pending or the time is over. */
  async flush(limitMs: number): Promise<void> {
    if (this.pendingCount === 0) return;
    for (const lane of this.#lanes.values()) this.#clearTimer(lane);
    this.#startLanes();
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, limitMs);
    this.#idleWaiters.push(resolve);
    await promise;
    clearTimeout(timer);
  }

  close(): void {
    this.#stop.abort();
    for (const lane of this.#lanes.values()) this.#clearTimer(lane);
  }

  #queue(receipt: Receipt): void {
    let lane = this.#lanes.get(receipt.tenant);
    if (!lane) {
      lane = { pending: new Map(), running: false, failures: 0, timer: undefined };
      this.#lanes.set(receipt.tenant, lane);
    }
    lane.pending.set(receipt.id, receipt);
  }

  #startLanes(): void {
    for (const [tenant, lane] of this.#lanes) {
      if (this.#running >= MaxParallel || this.#stop.signal.aborted) return;
      if (!lane.running && !lane.timer && lane.pending.size > 0) void this.#deliver(tenant, lane);
    }
  }

  async #deliver(tenant: string, lane: Lane): Promise<void> {
    lane.running = true;
    this.#running++;
    const batch = [...lane.pending.values()].slice(0, MaxBatch);
    try {
      const taken = await this.#post(tenant, batch);
      lane.failures = 0;
      for (const id of taken) lane.pending.delete(id);
      if (lane.pending.size > 0) this.#wait(lane, this.#options.gatherMs);
    } catch (error) {
      this.#scheduleRetry(lane, tenant, error);
    } finally {
      lane.running = false;
      this.#running--;
      if (lane.pending.size === 0) this.#lanes.delete(tenant);
      if (this.pendingCount === 0) this.#idleWaiters.splice(0).forEach((resolve) => resolve());
      this.#startLanes();
    }
  }

  #scheduleRetry(lane: Lane, tenant: string, error: unknown): void {
    if (this.#stop.signal.aborted) return;
    const delayMs = computeBackoffMs(lane.failures, { ...this.#options.backoff, random: this.#options.random });
    lane.failures++;
    this.#options.log.error('receipts.failed', { tenant, failures: lane.failures, error: describeError(error) });
    this.#wait(lane, delayMs);
  }

  #wait(lane: Lane, ms: number): void {
    lane.timer = setTimeout(() => {
      lane.timer = undefined;
      this.#startLanes();
    }, ms);
  }

  #clearTimer(lane: Lane): void {
    clearTimeout(lane.timer);
    lane.timer = undefined;
  }

  /** The ids that need no further delivery. Throws unless the platform took at least one. */
  async #post(tenant: string, batch: readonly Receipt[]): Promise<readonly string[]> {
    const { platform, bridgeId, clock, log, journal } = this.#options;
    const payload = { iss: bridgeId, iat: toUnixSeconds(clock.now()), tenant, receipts: batch };
    const answer = await platform.post('/bridge/v1/receipts', TokenTypes.receipts, payload, this.#stop.signal);
    if (answer.status < 200 || answer.status > 299) throw new Error(`the platform answered ${answer.status}`);
    const ack = receiptAck.parse(answer.body);
    const sent = new Map(batch.map((each) => [each.id, each]));
    const refused = ack.refused.filter((each) => sent.has(each.id));
    if (refused.length > 0) await this.#bury(refused, sent);
    const taken = [...ack.settled.filter((id) => sent.has(id)), ...refused.map((each) => each.id)];
    if (taken.length === 0) throw new Error('the platform took none of the receipts');
    await journal.acknowledge(taken);
    log.info('receipts.delivered', { tenant, settled: taken.length - refused.length, refused: refused.length });
    return taken;
  }

  async #bury(refused: ReceiptAck['refused'], sent: ReadonlyMap<string, Receipt>): Promise<void> {
    const now = this.#options.clock.now();
    const lines = refused.map(({ id, reason }) => `${JSON.stringify({ time: now, reason, receipt: sent.get(id) })}\n`);
    await appendFile(this.#options.deadLetterPath, lines.join(''), { mode: 0o600 });
    for (const { id, reason } of refused) this.#options.log.error('receipts.refused', { receipt: id, reason });
  }
}
