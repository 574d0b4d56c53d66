/**
 * A tenant's telemetry: what isolates have gathered and what receipts say, added to the present step of every tier at
 * once, so that each window reads one tier and nothing is rolled up later. Bounded: so many series a step, what comes
 * beyond is told as `(other)`; steps and callers go when their time is over.
 */
import { addValue } from '../../shared/core/histogram.ts';
import { inputTokensOf } from '../../shared/contracts/inference.ts';
import type { Telemetry as TelemetryView, TelemetryQuery } from '../../shared/contracts/telemetry.ts';
import { addUp, describeTelemetry } from '../../shared/telemetry/describe-telemetry.ts';
import {
  addTally,
  countOne,
  emptyTally,
  type Series,
  type SeriesKey,
  type Tally,
  type TelemetryBatch,
} from '../../shared/telemetry/tally.ts';
import { ever, minutes, startOf, stepOf, tiers, windows } from '../../shared/telemetry/tiers.ts';
import type { NewEntry } from './ledger-store.ts';
import type { TelemetryStore } from './telemetry-store.ts';

/** Agents times models of one step, of one tenant. */
export const MaxSeries = 100;
const Other = '(other)';
const MaxCallers = 10_000;
const CallersKeptMs = 31 * 24 * 60 * 60_000;
/** A caller counts as active for so long after a request. */
const ActiveMs = 5 * 60_000;

export type TelemetryCounters = { readonly series: readonly Series[]; readonly activeSessions: number };

/** What of an entry of the ledger is counted. */
export type SettledRun = Pick<NewEntry, 'receipt' | 'costMicros'> & {
  readonly ticket: Pick<NewEntry['ticket'], 'agent'>;
};

export class Telemetry {
  readonly #store: TelemetryStore;
  #prunedAt = 0;

  constructor(store: TelemetryStore) {
    this.#store = store;
  }

  record({ at, series, callers }: TelemetryBatch, now: number): void {
    const when = Math.min(at, now);
    for (const { tally, ...key } of series) this.#add(key, tally, when, now);
    for (const [caller, agent] of callers) this.#store.see(caller, agent, when);
    this.#store.markChanged(now);
    this.#prune(now);
  }

  /** In the transaction that settles them. A bridge's clock may be ahead of ours. */
  noteRuns(runs: readonly SettledRun[], now: number): void {
    const placed = runs.map((run) => ({
      minute: stepOf(minutes, Math.min(run.receipt.finished_at, now)),
      agent: run.ticket.agent ?? '',
      model: run.receipt.model,
      tally: tallyOf(run),
    }));
    for (const [key, tally] of addUp(placed, ({ minute, agent, model }) => JSON.stringify([minute, agent, model]))) {
      const [minute, agent, model] = JSON.parse(key) as [number, string, string];
      this.#add({ kind: 'inference', agent, model }, tally, minute, now);
    }
    this.#store.markChanged(now);
  }

  read({ window, group_by: groupBy, kind, agent: wanted }: TelemetryQuery, now: number): TelemetryView {
    const agent = wanted ?? null;
    const span = windows[window];
    const from = startOf(span, now);
    const rows = this.#store.since(span.tier.name, from, { kind: kind === 'all' ? null : kind, agent });
    const { groups, ...told } = describeTelemetry(span, rows, (row) => (groupBy === 'none' ? '' : row[groupBy]), now);
    const callers = groupBy === 'agent' ? this.#store.callersByAgent(from) : undefined;
    return {
      object: 'telemetry',
      window,
      group_by: groupBy,
      kind,
      agent,
      ...told,
      active_sessions: this.#store.countCallers(from, agent),
      groups:
        groupBy === 'none'
          ? []
          : groups.map(([name, sums]) => ({
              [groupBy]: name || null,
              ...(callers ? { active_sessions: callers.get(name) ?? 0 } : {}),
              ...sums,
            })),
    };
  }

  /** The inference of the last minutes and of the one that is under way. */
  sumUp(lastMinutes: number, agent: string | null, now: number): Tally {
    const sum = emptyTally();
    const from = startOf({ tier: minutes, steps: lastMinutes }, now);
    for (const { tally } of this.#store.since(minutes.name, from, { kind: 'inference', agent })) addTally(sum, tally);
    return sum;
  }

  /** Everything since the tenant's beginning, for scrapers. */
  counters(now: number): TelemetryCounters {
    return {
      series: this.#store.since(ever.name, 0, { kind: null, agent: null }),
      activeSessions: this.#store.countCallers(now - ActiveMs, null),
    };
  }

  #add(key: SeriesKey, tally: Tally, at: number, now: number): void {
    for (const tier of tiers) {
      const step = stepOf(tier, at);
      if (step + tier.keepMs < now) continue;
      let place = key;
      let sum = this.#store.find(tier.name, step, key);
      if (!sum && this.#store.countSeries(tier.name, step) >= MaxSeries) {
        place = { ...key, agent: Other, model: Other };
        sum = this.#store.find(tier.name, step, place);
      }
      sum ??= emptyTally();
      addTally(sum, tally);
      this.#store.put(tier.name, step, place, sum);
    }
  }

  #prune(now: number): void {
    const minute = stepOf(minutes, now);
    if (minute === this.#prunedAt) return;
    this.#prunedAt = minute;
    for (const { name, keepMs } of tiers) this.#store.drop(name, now - keepMs);
    this.#store.dropCallers(now - CallersKeptMs, MaxCallers);
  }
}

function tallyOf({ receipt, costMicros }: SettledRun): Tally {
  const tally = emptyTally();
  tally.runs = 1;
  countOne(tally.outcomes, receipt.outcome);
  if (receipt.cache !== undefined) tally.caches = { [receipt.cache]: 1 };
  tally.inputTokens = inputTokensOf(receipt);
  tally.cachedInputTokens = receipt.cached_input_tokens;
  tally.outputTokens = receipt.output_tokens;
  tally.costMicros = costMicros;
  addValue(tally.runTime, receipt.finished_at - receipt.started_at);
  if (receipt.first_token_ms !== undefined) addValue(tally.firstToken, receipt.first_token_ms);
  return tally;
}
