/**
 * Counts requests where they are answered: in memory, for a second, so that no request makes a hop for it. What an isolate
 * has counted and not told yet when it ends is lost; nothing is billed by it. Bounded in tenants and callers.
 */
import { addValue } from '../../shared/core/histogram.ts';
import type { TenantId } from '../../shared/core/ids.ts';
import {
  countOne,
  emptyTally,
  type Series,
  type SeriesKey,
  type Tally,
  type TelemetryBatch,
} from '../../shared/telemetry/tally.ts';

export const GatherMs = 1_000;
/** A batch that waits longer has lost who was to bring it, so somebody else does. */
const OverdueMs = 3 * GatherMs;
const MaxTenants = 10_000;
const MaxCallers = 1_000;

export type CountedRequest = SeriesKey & {
  /** The code of its error, if it has failed. */
  readonly code: string | undefined;
  readonly firstByteMs: number;
  /** Undefined where the answer is still streaming. */
  readonly durationMs: number | undefined;
  readonly caller: string | undefined;
};

type Gathered = {
  since: number;
  readonly at: number;
  readonly series: Map<string, Series>;
  readonly callers: Map<string, readonly [string, string]>;
};

export class RequestTallies {
  readonly #gathered = new Map<TenantId, Gathered>();

  /** True where the caller of this is to take the tenant's batch in a second, and bring it to the tenant's object. */
  countRequest(tenant: TenantId, request: CountedRequest, now: number): boolean {
    const { gathered, isDue } = this.#gather(tenant, now);
    const tally = tallyOf(gathered, request);
    tally.requests += 1;
    if (request.code !== undefined) countOne(tally.errors, request.code);
    addValue(tally.firstByte, request.firstByteMs);
    if (request.durationMs !== undefined) addValue(tally.duration, request.durationMs);
    const { caller, agent, kind } = request;
    if (caller !== undefined && kind === 'inference' && gathered.callers.size < MaxCallers) {
      gathered.callers.set(`${caller} ${agent}`, [caller, agent]);
    }
    return isDue;
  }

  /** The end of an answer that streamed; `code`: of what cut it off. */
  countEnd(tenant: TenantId, key: SeriesKey, durationMs: number, code: string | undefined, now: number): boolean {
    const { gathered, isDue } = this.#gather(tenant, now);
    const tally = tallyOf(gathered, key);
    addValue(tally.duration, durationMs);
    if (code !== undefined) countOne(tally.errors, code);
    return isDue;
  }

  take(tenant: TenantId): TelemetryBatch | undefined {
    const gathered = this.#gathered.get(tenant);
    if (!gathered) return undefined;
    this.#gathered.delete(tenant);
    return { at: gathered.at, series: [...gathered.series.values()], callers: [...gathered.callers.values()] };
  }

  #gather(tenant: TenantId, now: number): { readonly gathered: Gathered; readonly isDue: boolean } {
    const known = this.#gathered.get(tenant);
    if (known) {
      const age = now - known.since;
      const isDue = age < 0 || age >= OverdueMs;
      if (isDue) known.since = now;
      return { gathered: known, isDue };
    }
    if (this.#gathered.size >= MaxTenants) this.#gathered.clear();
    const gathered: Gathered = { since: now, at: now, series: new Map(), callers: new Map() };
    this.#gathered.set(tenant, gathered);
    return { gathered, isDue: true };
  }
}

function tallyOf({ series }: Gathered, { kind, agent, model }: SeriesKey): Tally {
  const name = `${kind} ${agent} ${model}`;
  const known = series.get(name);
  if (known) return known.tally;
  const tally = emptyTally();
  series.set(name, { kind, agent, model, tally });
  return tally;
}
