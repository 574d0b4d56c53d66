/** A model that nobody serves at the moment: waited for as long as its caller has patience, and no longer. */
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { err, ok, type Result } from '../../../shared/core/result.ts';
import type { Route } from '../../../shared/inference/resolve-route.ts';
import { askModel, type ModelWays, type Question } from '../../../durable-objects/conversation/model-call.ts';

const price = { input_micros_per_mtok: 1, cached_input_micros_per_mtok: 1, output_micros_per_mtok: 1 };
const model = { id: 'm', context_window: null, operations: ['chat'] };
const route = { bridge: { id: 'brg' }, others: [], model, priceId: 'p', price } as unknown as Route;

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

/** Nobody serves the model for so long; `refused`: somebody does, and refuses. */
function ask(change: { readonly awayMs: number; readonly patienceMs: number; readonly refused?: boolean }) {
  const abort = new AbortController();
  const backAt = Date.now() + change.awayMs;
  const calls = { routes: 0, models: 0 };
  const ways = {
    clock: { now: () => Date.now() },
    findRoute: async (): Promise<Result<Route>> => {
      calls.routes++;
      return Date.now() < backAt ? err('node_unavailable', undefined, { retryAfterMs: 500 }) : ok(route);
    },
    admitRun: async () => ok(null),
    callModel: async () => {
      calls.models++;
      return change.refused ? err('node_unavailable') : ok(new Response('answer'));
    },
  } as unknown as ModelWays;
  const question = {
    start: { model: 'm', sampling: {} },
    messages: [],
    tools: [],
    isFirst: true,
    maxOutputTokens: 10,
    lane: 'interactive',
    patienceMs: change.patienceMs,
    signal: abort.signal,
    degraded: () => {},
    mayAsk: async () => true,
  } as unknown as Question;
  return { answer: askModel(ways, question), abort, calls };
}

describe('a model that nobody serves', () => {
  test('is waited for a few seconds where somebody waits for the answer', async () => {
    const short = ask({ awayMs: 1_000, patienceMs: 0 });
    await vi.runAllTimersAsync();
    expect((await short.answer).ok).toBe(true);
    const long = ask({ awayMs: 20_000, patienceMs: 0 });
    await vi.runAllTimersAsync();
    expect(await long.answer).toMatchObject({ ok: false, failure: { code: 'node_unavailable' } });
    expect(long.calls.routes).toBe(4);
  });

  test('is waited for as long as the turn has patience, and then the turn is told', async () => {
    const back = ask({ awayMs: 20_000, patienceMs: 30_000 });
    await vi.runAllTimersAsync();
    expect((await back.answer).ok).toBe(true);
    expect(back.calls.models).toBe(1);
    const gone = ask({ awayMs: 120_000, patienceMs: 30_000 });
    await vi.runAllTimersAsync();
    expect(await gone.answer).toMatchObject({ ok: false, failure: { code: 'node_unavailable' } });
  });

  test('is waited for no longer than its turn lasts', async () => {
    const { answer, abort, calls } = ask({ awayMs: 120_000, patienceMs: 30_000 });
    await vi.advanceTimersByTimeAsync(1_000);
    const asked = calls.routes;
    abort.abort('cancelled');
    await vi.runAllTimersAsync();
    await answer;
    expect(calls.routes).toBeLessThanOrEqual(asked + 1);
  });

  test('is not waited for where a node itself refuses', async () => {
    const { answer, calls } = ask({ awayMs: 0, patienceMs: 30_000, refused: true });
    await vi.runAllTimersAsync();
    expect((await answer).ok).toBe(false);
    expect(calls.models).toBe(1);
  });
});
