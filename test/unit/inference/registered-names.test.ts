/** What a name means to a tenant, which version answers, and where the nodes say something else. */
import { describe, expect, it } from 'vitest';
import { modelDefinition, type ModelDefinition } from '../../../shared/contracts/model-registry.ts';
import type { AnnouncedModel } from '../../../shared/contracts/inference.ts';
import { mintId } from '../../../shared/core/ids.ts';
import type { CatalogView } from '../../../shared/inference/catalog.ts';
import { findDrift } from '../../../shared/inference/registered-names.ts';
import { listServable, resolveRoute } from '../../../shared/inference/resolve-route.ts';

const acme = mintId('tenant', 1);
const other = mintId('tenant', 2);

const entry = (partial: object = {}): ModelDefinition =>
  modelDefinition.parse({ id: 'best', versions: [{ version: '1', model: 'org/one' }], current: '1', ...partial });

const announced = (id: string, partial: Partial<AnnouncedModel> = {}): AnnouncedModel => ({
  id,
  operations: ['chat'],
  context_window: 100,
  dimensions: null,
  semantic: true,
  external: false,
  owned_by: 'me',
  ...partial,
});

function view(
  registry: readonly ModelDefinition[],
  tenant: string = acme,
  models = ['org/one', 'org/two'],
): CatalogView {
  const price = { input_micros_per_mtok: 1, cached_input_micros_per_mtok: 1, output_micros_per_mtok: 1 };
  const bridge = (name: string) => ({
    id: `brg_${name}` as never,
    name,
    transport: 'tunnel' as const,
    url: '',
    models: models.map((id) => announced(id)),
    nodes: [{ name: `node-${name}`, models, jobs: 0 }],
  });
  return {
    pool: { bridges: [bridge('a'), bridge('b')], defaultModel: 'org/one', recentModels: models },
    prices: new Map([['*', { id: 'p', model: '*', price }]]),
    registry,
    tenant,
  };
}

function find(given: CatalogView, model: string, key = 'run'): string {
  const route = resolveRoute(given, { model, operation: 'chat', allowExternal: false, key });
  return route.ok ? route.value.model.id : route.failure.code;
}

describe('a name', () => {
  it('leads to the current version, and an announced model that is in no entry to itself', () => {
    expect(find(view([entry()]), 'best')).toBe('org/one');
    expect(find(view([entry()]), 'org/two')).toBe('org/two');
    expect(find(view([]), 'best')).toBe('model_not_found');
  });

  it("is first the tenant's own alias, then everybody's, then an entry", () => {
    const registry = [
      entry({ aliases: [{ name: 'fast' }, { name: 'default' }] }),
      entry({
        id: 'second',
        versions: [{ version: '1', model: 'org/two' }],
        aliases: [
          { name: 'fast', tenant: acme },
          { name: 'best', tenant: acme },
        ],
      }),
    ];
    expect(['fast', 'best', 'default'].map((name) => find(view(registry), name))).toEqual([
      'org/two',
      'org/two',
      'org/one',
    ]);
    expect(['fast', 'best'].map((name) => find(view(registry, other), name))).toEqual(['org/one', 'org/one']);
  });

  it('of a model that is for others does not exist, under any name, and is in no list', () => {
    const registry = [entry({ tenants: [acme], aliases: [{ name: 'fast' }] })];
    for (const name of ['best', 'fast', 'org/one', 'default']) {
      expect(find(view(registry, other), name)).toBe('model_not_found');
      expect(find(view(registry), name)).toBe('org/one');
    }
    expect(listServable(view(registry, other), false).map(({ id }) => id)).toEqual(['org/two']);
    expect(listServable(view(registry), false).map(({ id }) => id)).toEqual(['best', 'fast', 'org/one', 'org/two']);
  });

  it('meets a canary in its share of cases, always the same one for the same key, and never one that is away', () => {
    const versions = [
      { version: '1', model: 'org/one' },
      { version: '2', model: 'org/two' },
    ];
    const registry = [entry({ versions, canary: { version: '2', percent: 20 } })];
    const keys = Array.from({ length: 2_000 }, (_, at) => `run_${at}`);
    const met = keys.map((key) => find(view(registry), 'best', key));
    const share = met.filter((id) => id === 'org/two').length / keys.length;
    expect(share).toBeGreaterThan(0.15);
    expect(share).toBeLessThan(0.25);
    expect(keys.map((key) => find(view(registry), 'best', key))).toEqual(met);
    expect(new Set(keys.map((key) => find(view(registry, acme, ['org/one']), 'best', key)))).toEqual(
      new Set(['org/one']),
    );
  });

  it.each([
    [{ bridge: 'b' }, 'brg_b', null],
    [{ bridge: 'brg_a' }, 'brg_a', null],
    [{ node: 'node-b' }, 'brg_b', 'node-b'],
  ])('that selects %j leads there alone', (selector, bridge, node) => {
    const registry = [entry({ versions: [{ version: '1', model: 'org/one', ...selector }] })];
    for (const key of ['x', 'y', 'z']) {
      const route = resolveRoute(view(registry), { model: 'best', operation: 'chat', allowExternal: false, key });
      expect(route).toMatchObject({ ok: true, value: { bridge: { id: bridge }, others: [], node } });
    }
    const away = [entry({ versions: [{ version: '1', model: 'org/one', bridge: 'nowhere' }] })];
    expect(find(view(away), 'best')).toBe('node_unavailable');
  });
});

describe('an entry', () => {
  it.each([
    { current: '2' },
    {
      versions: [
        { version: '1', model: 'a' },
        { version: '1', model: 'b' },
      ],
    },
    { canary: { version: '1', percent: 5 } },
    { canary: { version: '3', percent: 5 } },
    { id: 'agent/x' },
  ])('that contradicts itself is refused: %j', (partial) => {
    expect(() => entry(partial)).toThrow();
  });
});

describe('drift', () => {
  const bridge = { id: 'brg_a', name: 'a' };
  const offer = (partial: Partial<AnnouncedModel> = {}) => [{ bridge, model: announced('org/one', partial) }];
  const wanted = entry({
    operations: ['chat', 'completions'],
    context_window: 200,
    dimensions: 3,
    versions: [{ version: '1', model: 'org/one', digest: 'sha256:a' }],
  });
  const about = (offers: ReturnType<typeof offer>, isPriced = true) =>
    findDrift(wanted, offers, () => isPriced).map((each) => each.about);

  it('is told for whatever the nodes say otherwise, and for a price that is missing', () => {
    expect(about(offer())).toEqual(['operations', 'context_window', 'digest']);
    const good = offer({ operations: ['chat', 'completions'], context_window: 200, dimensions: 3, digest: 'sha256:a' });
    expect(about(good)).toEqual([]);
    expect(about(good, false)).toEqual(['price']);
    expect(about(offer({ ...good[0]!.model, dimensions: 4 }))).toEqual(['dimensions']);
    expect(about([])).toEqual(['missing']);
  });
});
