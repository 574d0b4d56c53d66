/** What has to be done so that the registry and the prices are what `models.yaml` says. Pure; with nothing to do, it is empty. */
import type { Json } from '../../shared/core/canonical-json.ts';
import { diffJson, type JsonChange } from '../../shared/core/diff-json.ts';
import { modelDefinition, type ModelDefinition, type RegisteredModel } from '../../shared/contracts/model-registry.ts';
import type { Price } from '../../shared/contracts/tenants.ts';
import type { ModelPrice, WantedModels } from './read-models-file.ts';

export type ModelStep =
  | { readonly kind: 'price'; readonly model: string; readonly price: ModelPrice }
  | { readonly kind: 'register'; readonly definition: ModelDefinition }
  | { readonly kind: 'change'; readonly definition: ModelDefinition; readonly changes: readonly JsonChange[] }
  | { readonly kind: 'remove'; readonly id: string };

export function planModels(
  { definitions, prices }: WantedModels,
  present: readonly RegisteredModel[],
  presentPrices: readonly Price[],
  prune: boolean,
): ModelStep[] {
  const byId = new Map(present.map((model) => [model.id, model]));
  const everybodys = presentPrices.filter(({ plan, tenant }) => plan === null && tenant === null);
  const asked = new Set(definitions.map(({ id }) => id));
  return [
    ...[...prices]
      .filter(([model, price]) => !everybodys.some((each) => each.model === model && isSame(each, price)))
      .map(([model, price]) => ({ kind: 'price' as const, model, price })),
    ...definitions.flatMap((definition) => planModel(definition, byId.get(definition.id))),
    ...(prune ? present : []).filter(({ id }) => !asked.has(id)).map(({ id }) => ({ kind: 'remove' as const, id })),
  ];
}

function planModel(definition: ModelDefinition, present: RegisteredModel | undefined): ModelStep[] {
  if (!present) return [{ kind: 'register', definition }];
  const { object: _, revision: __, applied_at: ___, drift: ____, ...said } = present;
  const changes = diffJson(asJson(modelDefinition.parse(said)), asJson(definition));
  return changes.length > 0 ? [{ kind: 'change', definition, changes }] : [];
}

function asJson(definition: ModelDefinition): Json {
  return JSON.parse(JSON.stringify(definition)) as Json;
}

function isSame(price: Price, { input, cached_input: cached, output }: ModelPrice): boolean {
  return (
    price.input_micros_per_mtok === input &&
    price.cached_input_micros_per_mtok === cached &&
    price.output_micros_per_mtok === output
  );
}

export function describeModelStep(step: ModelStep): string {
  switch (step.kind) {
    case 'price':
      return `~ price of ${step.model}: ${step.price.input} / ${step.price.cached_input} / ${step.price.output}`;
    case 'register':
      return `+ ${step.definition.id}: version ${step.definition.current}`;
    case 'change':
      return [`~ ${step.definition.id}:`, ...step.changes.map(({ op, path }) => `    ${op} ${path}`)].join('\n');
    case 'remove':
      return `- ${step.id}: asked for by the names that nodes announce`;
  }
}
