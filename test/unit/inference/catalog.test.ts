import { describe, expect, it } from 'vitest';
import type { AnnouncedModel } from '../../../shared/contracts/inference.ts';
import { mintId } from '../../../shared/core/ids.ts';
import { err, ok } from '../../../shared/core/result.ts';
import { Catalog, type CatalogSource, type CatalogView, type PricedModel } from '../../../shared/inference/catalog.ts';
import { AnyModelPrice, listServable, resolveRoute } from '../../../shared/inference/resolve-route.ts';
import { boundOutputTokens, computeMaxMicros, makeReservation } from '../../../shared/inference/reservation.ts';

const model = (id: string, partial: Partial<AnnouncedModel> = {}): AnnouncedModel => ({
  id,
  operations: ['chat'],
  context_window: null,
  dimensions: null,
  semantic: true,
  external: false,
  owned_by: 'test',
  ...partial,
});
const bridge = (...models: AnnouncedModel[]) => ({
  id: mintId('bridge', 1),
  transport: 'http' as const,
  url: 'http://bridge',
  models,
});
const price = (of: string, micros = 1_000_000): PricedModel => ({
  id: `price_${of}`,
  model: of,
  price: { input_micros_per_mtok: micros, cached_input_micros_per_mtok: 0, output_micros_per_mtok: 2 * micros },
});
const view = (models: AnnouncedModel[], prices: PricedModel[], defaultModel: string | null = null): CatalogView => ({
  pool: { bridges: models.length > 0 ? [bridge(...models)] : [], defaultModel },
  prices: new Map(prices.map((each) => [each.model, each])),
});
const chat = (name: string, allowExternal = false) => ({
  model: name,
  operation: 'chat' as const,
  allowExternal,
  key: 'run',
});

describe('the catalogue', () => {
  it('serves a model at its own price, and any other at the price of *', () => {
    const both = view([model('a'), model('b')], [price('a'), price(AnyModelPrice)]);
    expect(resolveRoute(both, chat('a'))).toMatchObject({ ok: true, value: { priceId: 'price_a' } });
    expect(resolveRoute(both, chat('b'))).toMatchObject({ ok: true, value: { priceId: 'price_*' } });
  });

  it('serves no model without a price', () => {
    const unpriced = view([model('a')], []);
    expect(resolveRoute(unpriced, chat('a'))).toMatchObject({ ok: false, failure: { code: 'model_not_found' } });
    expect(listServable(unpriced, true)).toEqual([]);
  });

  it('serves an external model only where that is allowed', () => {
    const external = view([model('a', { external: true })], [price('a')]);
    expect(resolveRoute(external, chat('a')).ok).toBe(false);
    expect(resolveRoute(external, chat('a', true)).ok).toBe(true);
    expect(listServable(external, false)).toEqual([]);
  });

  it('names the default model by its alias, and is an outage where no bridge is there', () => {
    expect(resolveRoute(view([model('a')], [price('a')], 'a'), chat('default'))).toMatchObject({
      value: { model: { id: 'a' } },
    });
    expect(resolveRoute(view([], [price('a')]), chat('a'))).toMatchObject({ failure: { code: 'node_unavailable' } });
    expect(resolveRoute(view([model('a')], [price('a')]), chat('default'))).toMatchObject({
      failure: { code: 'node_unavailable' },
    });
  });

  it('refuses as unsupported what a model is not for, and says what it is for', () => {
    const embeds = view([model('a', { operations: ['embeddings'] })], [price('a')]);
    expect(resolveRoute(embeds, chat('a'))).toMatchObject({
      failure: {
        code: 'unsupported_parameter',
        param: 'model',
        message: expect.stringContaining('it serves embeddings'),
      },
    });
  });

  it('is asked for at most once a second, and again after the clock has jumped back', async () => {
    let now = 1_000_000;
    let loads = 0;
    const catalog = new Catalog({ now: () => now });
    const source: CatalogSource = {
      loadPool: async () => {
        loads++;
        return ok({ bridges: [], defaultModel: null });
      },
      loadPrices: async () => ok([]),
      loadRegistry: async () => ok([]),
      loadPlan: async () => ok('standard'),
    };
    await catalog.view(source, 'tnt_a');
    now += 999;
    await catalog.view(source, 'tnt_a');
    expect(loads).toBe(1);
    now += 1;
    await catalog.view(source, 'tnt_a');
    expect(loads).toBe(2);
    now -= 500_000;
    await catalog.view(source, 'tnt_a');
    expect(loads).toBe(3);
  });

  it('finds a bridge that has come since a view without one was kept, and keeps it', async () => {
    let bridges = [] as ReturnType<typeof bridge>[];
    let loads = 0;
    const catalog = new Catalog({ now: () => 1 });
    const source: CatalogSource = {
      loadPool: async () => {
        loads++;
        return ok({ bridges, defaultModel: null });
      },
      loadPrices: async () => ok([price('a')]),
      loadRegistry: async () => ok([]),
      loadPlan: async () => ok('standard'),
    };
    expect(await catalog.route(source, 'tnt_a', chat('a'))).toMatchObject({ failure: { code: 'node_unavailable' } });
    bridges = [bridge(model('a'))];
    expect(await catalog.route(source, 'tnt_a', chat('a'))).toMatchObject({
      ok: true,
      value: { bridge: { id: bridges[0]!.id } },
    });
    const asked = loads;
    expect((await catalog.route(source, 'tnt_a', chat('a'))).ok).toBe(true);
    expect(loads).toBe(asked);
    expect(await catalog.route(source, 'tnt_a', chat('b'))).toMatchObject({ failure: { code: 'model_not_found' } });
    expect(loads).toBe(asked);
  });

  it('that cannot be loaded is an outage, never empty, and is tried again at once', async () => {
    let down = true;
    const catalog = new Catalog({ now: () => 1 });
    const source: CatalogSource = {
      loadPool: async () => (down ? err('service_unavailable') : ok({ bridges: [], defaultModel: null })),
      loadPrices: async () => ok([]),
      loadRegistry: async () => ok([]),
      loadPlan: async () => ok('standard'),
    };
    expect(await catalog.view(source, 'tnt_a')).toMatchObject({ ok: false, failure: { code: 'service_unavailable' } });
    down = false;
    expect((await catalog.view(source, 'tnt_a')).ok).toBe(true);
  });
});

describe('the price of a model', () => {
  const priced = (id: string, scope: string, model: string): PricedModel => ({ ...price(model), id, scope });
  const all = [
    priced('all-any', '*', '*'),
    priced('all-a', '*', 'a'),
    priced('plan-any', 'plan:pro', '*'),
    priced('plan-b', 'plan:pro', 'b'),
    priced('own-c', 'tnt_own', 'c'),
  ];
  const source: CatalogSource = {
    loadPool: async () =>
      ok({
        bridges: [
          {
            id: mintId('bridge', 1),
            transport: 'http' as const,
            url: 'u',
            models: ['a', 'b', 'c', 'd'].map((id) => model(id)),
          },
        ],
        defaultModel: null,
      }),
    loadPrices: async () => ok(all),
    loadRegistry: async () => ok([]),
    loadPlan: async (tenant) => ok(tenant === 'tnt_plain' ? 'standard' : 'pro'),
  };

  it.each([
    ['tnt_plain', ['all-a', 'all-any', 'all-any', 'all-any']],
    ['tnt_pro', ['plan-any', 'plan-b', 'plan-any', 'plan-any']],
    ['tnt_own', ['plan-any', 'plan-b', 'own-c', 'plan-any']],
  ])('is for %s the most specific one: the tenant, then its plan, then everybody', async (tenant, expected) => {
    const found = await new Catalog({ now: () => 1 }).view(source, tenant);
    const ids = ['a', 'b', 'c', 'd'].map((id) => {
      const route = found.ok ? resolveRoute(found.value, chat(id)) : found;
      return route.ok ? route.value.priceId : route.failure.code;
    });
    expect(ids).toEqual(expected);
  });

  it('is an outage where the plan cannot be read, and the plan is not asked for where no plan has prices', async () => {
    const lost: CatalogSource = { ...source, loadPlan: async () => err('service_unavailable') };
    expect(await new Catalog({ now: () => 1 }).view(lost, 'tnt_pro')).toMatchObject({ ok: false });
    const listed: CatalogSource = { ...lost, loadPrices: async () => ok(all.slice(0, 2)) };
    expect(await new Catalog({ now: () => 1 }).view(listed, 'tnt_pro')).toMatchObject({ ok: true });
  });
});

describe('a reservation', () => {
  const route = () => {
    const found = resolveRoute(view([model('a', { context_window: 100 })], [price('a')]), chat('a'));
    if (!found.ok) throw new Error('no route');
    return found.value;
  };

  it('bounds the cost by the bytes of the input and the output that is allowed', () => {
    const bound = { inputBytes: 1_000, messages: 1, maxOutputTokens: 50 };
    expect(computeMaxMicros(route(), bound)).toBe(1_000 + 2 * 32 + 2 * 50);
    expect(makeReservation(mintId('run', 1), route(), bound)).toMatchObject({
      model: 'a',
      priceId: 'price_a',
      maxMicros: 1_164,
    });
  });

  it('never allows more output than the window holds', () => {
    expect(boundOutputTokens(route(), 5_000)).toBe(100);
    expect(boundOutputTokens(route(), 7)).toBe(7);
    expect(boundOutputTokens(route(), undefined)).toBe(100);
  });
});
