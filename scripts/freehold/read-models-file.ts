/** From the text of `models.yaml` to what the platform keeps: tenants by their ids, prices beside the entries. Pure. */
import { parse } from 'yaml';
import { z } from 'zod';
import { err, ok, type Result } from '../../shared/core/result.ts';
import { modelDefinition, type ModelDefinition } from '../../shared/contracts/model-registry.ts';

const amount = z.number().int().min(0);
const modelPrice = z.strictObject({ input: amount, cached_input: amount, output: amount });
export type ModelPrice = z.infer<typeof modelPrice>;

const entry = z.looseObject({
  price: modelPrice.optional(),
  tenants: z.array(z.string()).optional(),
  aliases: z.array(z.union([z.string(), z.strictObject({ name: z.string(), tenant: z.string() })])).optional(),
});
const modelsFile = z.strictObject({ models: z.array(entry) });

export type WantedModels = {
  readonly definitions: readonly ModelDefinition[];
  /** By the id that nodes announce. */
  readonly prices: ReadonlyMap<string, ModelPrice>;
};

/** `tenants`: ids by slugs. */
export function readModelsFile(text: string, tenants: ReadonlyMap<string, string>): Result<WantedModels> {
  let parsed: unknown;
  try {
    parsed = parse(text, { maxAliasCount: 20 });
  } catch (error) {
    return refuse(`it is not YAML: ${error instanceof Error ? error.message.split('\n')[0] : ''}`);
  }
  const file = modelsFile.safeParse(parsed);
  if (!file.success) return refuse(firstIssue(file.error, []));
  const unknown = file.data.models
    .flatMap((each) => [...(each.tenants ?? []), ...(each.aliases ?? []).flatMap(tenantOf)])
    .find((slug) => !tenants.has(slug));
  if (unknown !== undefined) return refuse(`there is no tenant "${unknown}"`);
  const definitions: ModelDefinition[] = [];
  const prices = new Map<string, ModelPrice>();
  for (const [at, { price, ...rest }] of file.data.models.entries()) {
    const definition = modelDefinition.safeParse({
      ...rest,
      ...(rest.tenants ? { tenants: rest.tenants.map((slug) => tenants.get(slug)) } : {}),
      ...(rest.aliases ? { aliases: rest.aliases.map((alias) => toAlias(alias, tenants)) } : {}),
    });
    if (!definition.success) return refuse(firstIssue(definition.error, ['models', at]));
    const { id, versions } = definition.data;
    if (definitions.some((other) => other.id === id)) return refuse(`there are two models "${id}"`);
    definitions.push(definition.data);
    for (const { model } of price ? versions : []) {
      const other = prices.get(model);
      if (other && JSON.stringify(other) !== JSON.stringify(price)) return refuse(`"${model}" has two prices`);
      prices.set(model, price!);
    }
  }
  return ok({ definitions, prices });
}

type Alias = string | { readonly name: string; readonly tenant: string };

function tenantOf(alias: Alias): string[] {
  return typeof alias === 'string' ? [] : [alias.tenant];
}

function toAlias(alias: Alias, tenants: ReadonlyMap<string, string>): object {
  return typeof alias === 'string' ? { name: alias } : { name: alias.name, tenant: tenants.get(alias.tenant) };
}

function firstIssue(error: z.ZodError, place: readonly (string | number)[]): string {
  const [issue] = error.issues;
  const path = [...place, ...(issue?.path ?? [])].join('.');
  return `${path === '' ? 'the file' : path}: ${issue?.message ?? 'invalid'}`;
}

function refuse(message: string): Result<never> {
  return err('invalid_request', message);
}
