/** The desk of a tenant's telemetry: isolates of the edge bring what they have gathered, and readers ask. */
import { RpcTarget } from 'cloudflare:workers';
import type { Telemetry as TelemetryView, TelemetryQuery } from '../../shared/contracts/telemetry.ts';
import type { TelemetryBatch } from '../../shared/telemetry/tally.ts';
import type { Telemetry, TelemetryCounters } from './telemetry.ts';

export type TelemetryDeskParts = {
  readonly telemetry: Telemetry;
  readonly isThere: () => boolean;
  readonly transact: (work: () => void) => void;
  readonly arm: () => Promise<void>;
  readonly now: () => number;
};

export class TelemetryDesk extends RpcTarget {
  readonly #parts: TelemetryDeskParts;

  constructor(parts: TelemetryDeskParts) {
    super();
    this.#parts = parts;
  }

  /** A tenant that was deleted takes in nothing more. */
  async record(batch: TelemetryBatch): Promise<void> {
    const { telemetry, isThere, transact, arm, now } = this.#parts;
    if (!isThere()) return;
    transact(() => telemetry.record(batch, now()));
    await arm();
  }

  read(query: TelemetryQuery): TelemetryView {
    return this.#parts.telemetry.read(query, this.#parts.now());
  }

  counters(): TelemetryCounters {
    return this.#parts.telemetry.counters(this.#parts.now());
  }
}
