/** A tenant's telemetry over Node's own SQLite: what is counted is read in every window, once, and nothing grows for ever. */
import { beforeEach, describe, expect, test } from 'vitest';
import { MaxSeries, Telemetry, type SettledRun } from '../../../durable-objects/tenant/telemetry.ts';
import { TelemetryStore } from '../../../durable-objects/tenant/telemetry-store.ts';
import { tenantMigrations } from '../../../durable-objects/tenant/tenant-migrations.ts';
import { addValue } from '../../../shared/core/histogram.ts';
import type { Receipt } from '../../../shared/contracts/inference.ts';
import { telemetry as telemetryShape, telemetryQuery } from '../../../shared/contracts/telemetry.ts';
import { emptyTally, type SeriesKey, type Tally, type TelemetryBatch } from '../../../shared/telemetry/tally.ts';
import { tallyMetrics } from '../../../shared/telemetry/tally-metrics.ts';
import { sqliteStorage } from '../../support/sqlite-storage.ts';

const Now = Date.UTC(2026, 10, 20, 12, 30, 30);
const MinuteMs = 60_000;
const HourMs = 60 * MinuteMs;
const DayMs = 24 * HourMs;

let sql: SqlStorage;
let telemetry: Telemetry;

beforeEach(() => {
  sql = sqliteStorage(tenantMigrations.map((migration) => migration.sql));
  telemetry = new Telemetry(new TelemetryStore(sql));
});

function tallyOf(requests: number, durationMs: number, errors: Record<string, number> = {}): Tally {
  const tally = { ...emptyTally(), requests, errors };
  addValue(tally.duration, durationMs, requests);
  return tally;
}

const keyOf = (partial: Partial<SeriesKey> = {}): SeriesKey => ({
  kind: 'inference',
  agent: '',
  model: '',
  ...partial,
});

function record(at: number, tally: Tally, key: SeriesKey = keyOf(), callers: TelemetryBatch['callers'] = []): void {
  telemetry.record({ at, series: [{ ...key, tally }], callers }, at);
}

const read = (query: object, now = Now) => telemetry.read(telemetryQuery.parse(query), now);
const rowCount = () => sql.exec<{ n: number }>('SELECT COUNT(*) AS n FROM telemetry').one().n;

function receiptOf(change: Partial<Receipt>): Receipt {
  return {
    id: 'rcp_1',
    run: 'run_1',
    tenant: 'tnt_1',
    bridge: 'brg_1',
    node: 'n',
    node_kind: 'vllm',
    external: false,
    operation: 'chat',
    model: 'm',
    input_tokens: 30,
    cached_input_tokens: 10,
    output_tokens: 7,
    counted_by: 'node',
    outcome: 'completed',
    started_at: Now - 2_000,
    finished_at: Now - 1_000,
    ticket: 't',
    ...change,
  };
}

const runOf = (partial: Partial<SettledRun> = {}): SettledRun => ({
  receipt: receiptOf({}),
  costMicros: 5,
  ticket: { agent: null },
  ...partial,
});

describe('what is counted', () => {
  test('is in every window at once, and in the answer the shape says', () => {
    record(Now, tallyOf(3, 100, { node_unavailable: 1 }));
    for (const window of ['1h', '24h', '7d', '30d']) {
      const answer = read({ window });
      expect(telemetryShape.parse(answer)).toEqual(answer);
      expect(answer.total).toMatchObject({ requests: 3, errors: 1, errors_by_type: { node_unavailable: 1 } });
      expect(answer.points.reduce((sum, { requests }) => sum + requests, 0)).toBe(3);
      expect(answer.points.at(-1)!.requests).toBe(3);
      expect(Math.abs(answer.total.duration_ms.p99! - 100)).toBeLessThanOrEqual(2);
    }
  });

  test('leaves a window when its time is over, and is in the longer ones still', () => {
    record(Now - 2 * HourMs, tallyOf(1, 10));
    record(Now - 30 * HourMs, tallyOf(10, 10));
    record(Now - 9 * DayMs, tallyOf(100, 10));
    record(Now - 40 * DayMs, tallyOf(1_000, 10));
    const requests = (window: string) => read({ window }).total.requests;
    expect([requests('1h'), requests('24h'), requests('7d'), requests('30d')]).toEqual([0, 1, 11, 111]);
  });

  test('is told per minute of the time that has passed, also in the step that is under way', () => {
    record(Now, tallyOf(61, 10));
    const { total, points, from, to, step_seconds: step } = read({ window: '1h' });
    expect({ from, to, step }).toEqual({ from: '2026-11-20T11:30:00.000Z', to: '2026-11-20T12:30:30.000Z', step: 60 });
    expect(total.requests_per_minute).toBeCloseTo(61 / 60.5, 2);
    expect(points.at(-1)!.requests_per_minute).toBeCloseTo(122, 1);
  });

  test('is grouped by agent or model, the busiest first, and filtered by agent and kind', () => {
    record(Now, tallyOf(1, 10), keyOf({ agent: 'agt_a' }), [['key_1', 'agt_a']]);
    record(Now, tallyOf(5, 1_000), keyOf({ agent: 'agt_b' }), [
      ['key_1', 'agt_b'],
      ['key_2', 'agt_b'],
    ]);
    record(Now, tallyOf(2, 10), keyOf({ model: 'm' }));
    record(Now, tallyOf(50, 10), keyOf({ kind: 'api' }));
    telemetry.noteRuns([runOf({ costMicros: 42, ticket: { agent: 'agt_a' } })], Now);
    const byAgent = read({ group_by: 'agent' });
    expect(byAgent.groups.map(({ agent, requests, active_sessions: active }) => [agent, requests, active])).toEqual([
      ['agt_b', 5, 2],
      [null, 2, 0],
      ['agt_a', 1, 1],
    ]);
    expect(byAgent.active_sessions).toBe(2);
    expect(byAgent.groups[2]).toMatchObject({ runs: 1, cost_micros: 42, input_tokens: 30, output_tokens: 7 });
    expect(read({ group_by: 'model' }).groups.map(({ model, requests, runs }) => [model, requests, runs])).toEqual([
      [null, 6, 0],
      ['m', 2, 1],
    ]);
    expect(read({ agent: 'agt_b' })).toMatchObject({ active_sessions: 2, total: { requests: 5, runs: 0 } });
    expect(read({ kind: 'api' }).total.requests).toBe(50);
    expect(read({ kind: 'all' }).total.requests).toBe(58);
  });

  test('of a run counts where it ended, with its time to the first token and its outcome', () => {
    telemetry.noteRuns(
      [
        runOf({ receipt: receiptOf({ first_token_ms: 250 }) }),
        runOf({ receipt: receiptOf({ outcome: 'failed', finished_at: Now + HourMs }) }),
      ],
      Now,
    );
    const { total } = read({ window: '1h' });
    expect(total.runs_by_outcome).toEqual({ completed: 1, failed: 1 });
    expect(Math.abs(total.first_token_ms.p50! - 250)).toBeLessThanOrEqual(5);
    expect(total).toMatchObject({ runs: 2, cost_micros: 10, cached_input_tokens: 20 });
  });

  test('tells hits and misses of the cache, also beside what was kept before they were counted', () => {
    const results = ['miss', 'hit', 'hit', undefined] as const;
    telemetry.noteRuns([runOf()], Now);
    telemetry.noteRuns(
      results.map((cache) => runOf({ receipt: receiptOf(cache ? { cache } : {}) })),
      Now,
    );
    expect(read({ window: '1h' }).total).toMatchObject({ runs: 5, cache: { hit: 2, miss: 1 } });
    const { series } = telemetry.counters(Now);
    const families = tallyMetrics(series.map(({ kind, model, tally }) => ({ kind, labels: { model }, tally })));
    expect(families.find(({ name }) => name === 'freehold_cache_answers_total')?.samples).toEqual([
      { labels: { model: receiptOf({}).model, result: 'miss' }, value: 1 },
      { labels: { model: receiptOf({}).model, result: 'hit' }, value: 2 },
    ]);
  });

  test('of audio counts no tokens: its milliseconds and characters are none', () => {
    const counted = { cached_input_tokens: 0, output_tokens: 0 };
    telemetry.noteRuns(
      [
        runOf({ receipt: receiptOf({ ...counted, operation: 'transcription', input_tokens: 60_000 }) }),
        runOf({ receipt: receiptOf({ ...counted, operation: 'speech', input_tokens: 400 }) }),
        runOf({ receipt: receiptOf({ ...counted, operation: 'rerank', input_tokens: 9 }) }),
      ],
      Now,
    );
    expect(read({ window: '1h' }).total).toMatchObject({ runs: 3, input_tokens: 9, output_tokens: 0 });
  });
});

describe('what is kept', () => {
  test('is bounded a step: agents beyond the bound are told together, and nothing is lost of the sums', () => {
    for (let agent = 0; agent < 3 * MaxSeries; agent++) record(Now, tallyOf(1, 10), keyOf({ agent: `agt_${agent}` }));
    const { total, groups } = read({ group_by: 'agent' });
    expect(total.requests).toBe(3 * MaxSeries);
    expect(groups).toHaveLength(MaxSeries + 1);
    expect(groups[0]).toMatchObject({ agent: '(other)', requests: 2 * MaxSeries });
    expect(rowCount()).toBe(4 * (MaxSeries + 1));
  });

  test('goes when its time is over, so that a year of traffic takes no more room than its steps', () => {
    for (let hour = 0; hour < 24 * 60; hour++)
      record(Now + hour * HourMs, tallyOf(1, 10), keyOf(), [[`key_${hour}`, '']]);
    expect(rowCount()).toBeLessThanOrEqual(4 + 8 * 24 + 2 + 61 + 1);
    const callers = sql.exec<{ n: number }>('SELECT COUNT(*) AS n FROM telemetry_callers').one().n;
    expect(callers).toBeLessThanOrEqual(31 * 24 + 2);
  });

  test('of what comes too late for a tier is in the longer ones alone', () => {
    telemetry.record({ at: Now - 5 * HourMs, series: [{ ...keyOf(), tally: tallyOf(1, 10) }], callers: [] }, Now);
    expect(sql.exec('SELECT tier FROM telemetry ORDER BY tier').toArray()).toEqual([
      { tier: 'day' },
      { tier: 'ever' },
      { tier: 'hour' },
    ]);
  });
});
