/**
 * `npm run freehold -- models plan|apply [--file models.yaml] [--prune]`: makes the registry of models and their prices what
 * the file says, or shows what that would take, and tells where the nodes say something else. `models rollback <id>
 * [--to <revision>]` goes back. Done twice, the second time does nothing. The platform: `--url` and
 * FREEHOLD_OPERATOR_TOKEN, else the one that `npm start` has left in `<data>/dev.json`.
 */
import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import type { List } from '../../shared/contracts/common.ts';
import type { RegisteredModel } from '../../shared/contracts/model-registry.ts';
import type { Price } from '../../shared/contracts/tenants.ts';
import type { ApplyDeps } from './apply.ts';
import { describeModelStep, planModels, type ModelStep } from './plan-models.ts';
import { readModelsFile } from './read-models-file.ts';
import { apiClient, type ApiClient } from './api-client.ts';

const usage =
  'usage: npm run freehold -- models plan|apply [--file models.yaml] [--prune] [--url https://…] [--data .freehold]\n' +
  '       npm run freehold -- models rollback <id> [--to <revision>]';

class Unusable extends Error {}

type Models = { readonly data: readonly RegisteredModel[]; readonly unregistered: readonly string[] };

/** 0: done, or shown. 1: the platform refused or could not be reached. 2: the command or the file is wrong. */
export async function run(
  args: readonly string[],
  env: NodeJS.ProcessEnv,
  deps: ApplyDeps = { say: console.log, complain: console.error },
): Promise<number> {
  try {
    const options = readOptions(args);
    const call = connect(options, env);
    if (options.command === 'rollback') await rollBack(call, options, deps);
    else await plan(call, options, deps);
    return 0;
  } catch (error) {
    deps.complain(error instanceof Error ? error.message : String(error));
    return error instanceof Unusable ? 2 : 1;
  }
}

type Options = {
  readonly command: 'plan' | 'apply' | 'rollback';
  readonly model: string | undefined;
  readonly file: string;
  readonly prune: boolean;
  readonly to: string | undefined;
  readonly url: string | undefined;
  readonly data: string | undefined;
};

function readOptions(args: readonly string[]): Options {
  try {
    const { values, positionals } = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        file: { type: 'string', default: 'models.yaml' },
        prune: { type: 'boolean', default: false },
        to: { type: 'string' },
        url: { type: 'string' },
        data: { type: 'string' },
      },
    });
    const [command, model] = positionals;
    if (command !== 'plan' && command !== 'apply' && command !== 'rollback') throw new Error('Which command?');
    if ((command === 'rollback') === (model === undefined)) throw new Error('A rollback names a model.');
    return { command, model, ...values, to: values.to, url: values.url, data: values.data };
  } catch (error) {
    throw new Unusable(`${error instanceof Error ? error.message : String(error)}\n${usage}`);
  }
}

function connect({ url, data }: Options, env: NodeJS.ProcessEnv): ApiClient {
  const given = url ?? env['FREEHOLD_PLATFORM_URL'];
  const token = env['FREEHOLD_OPERATOR_TOKEN'];
  if (given !== undefined) {
    if (!URL.canParse(given)) throw new Unusable(`"${given}" is not an address.`);
    if (token === undefined) throw new Unusable("The operator's token belongs into FREEHOLD_OPERATOR_TOKEN.");
    return apiClient(given, token);
  }
  const path = join(resolve(data ?? env['FREEHOLD_DATA'] ?? '.freehold'), 'dev.json');
  if (!existsSync(path))
    throw new Unusable(`Which platform? Give --url and FREEHOLD_OPERATOR_TOKEN; there is no ${path}.`);
  const local = JSON.parse(readFileSync(path, 'utf8')) as { platform_url: string; operator_token: string };
  return apiClient(local.platform_url, token ?? local.operator_token);
}

async function plan(call: ApiClient, { command, file, prune }: Options, { say }: ApplyDeps): Promise<void> {
  if (!existsSync(file)) throw new Unusable(`${file}: there is no such file`);
  const wanted = readModelsFile(readFileSync(file, 'utf8'), await listTenants(call));
  if (!wanted.ok) throw new Unusable(`${file}: ${wanted.failure.message}`);
  const present = await call<Models>('GET', '/operator/v1/models');
  const prices = await call<List<Price>>('GET', '/operator/v1/prices');
  const steps = planModels(wanted.value, present.data, prices.data, prune);
  for (const step of steps) say(describeModelStep(step));
  if (steps.length === 0) say(`Nothing to do: ${wanted.value.definitions.length} models are as ${file} says.`);
  else if (command === 'plan') say(`${steps.length} steps. Nothing was done; "models apply" does them.`);
  else {
    for (const [at, step] of steps.entries()) await takeStep(call, step, `step ${at + 1} of ${steps.length}`);
    say(`Done: ${steps.length} steps.`);
  }
  tellDrift(command === 'apply' ? await call<Models>('GET', '/operator/v1/models') : present, say);
}

async function listTenants(call: ApiClient): Promise<ReadonlyMap<string, string>> {
  const ids = new Map<string, string>();
  for (let cursor: string | null = ''; cursor !== null;) {
    const after: string = cursor === '' ? '' : `&cursor=${encodeURIComponent(cursor)}`;
    const page: List<{ id: string; slug: string }> = await call('GET', `/operator/v1/tenants?limit=100${after}`);
    for (const { id, slug } of page.data) ids.set(slug, id);
    cursor = page.next_cursor;
  }
  return ids;
}

async function takeStep(call: ApiClient, step: ModelStep, place: string): Promise<void> {
  try {
    switch (step.kind) {
      case 'price':
        await call('POST', '/operator/v1/prices', {
          model: step.model,
          input_micros_per_mtok: step.price.input,
          cached_input_micros_per_mtok: step.price.cached_input,
          output_micros_per_mtok: step.price.output,
        });
        return;
      case 'register':
      case 'change':
        await call('POST', '/operator/v1/models', step.definition);
        return;
      case 'remove':
        await call('DELETE', `/operator/v1/models/${step.id}`);
        return;
    }
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new Error(`${place} failed: ${reason}\nWhat came before it is done; the same command does the rest.`);
  }
}

async function rollBack(call: ApiClient, { model, to }: Options, { say }: ApplyDeps): Promise<void> {
  const revision = to === undefined ? {} : { revision: Number(to) };
  const back = await call<RegisteredModel>('POST', `/operator/v1/models/${model}/rollback`, revision);
  say(`${back.id}: version ${back.current} again, as revision ${back.revision}`);
}

function tellDrift({ data, unregistered }: Models, say: ApplyDeps['say']): void {
  for (const { id, drift } of data) {
    for (const { version, about, expected, found } of drift) {
      say(`! ${id} ${version}: ${about}: ${expected} in the registry, ${found ?? 'nothing'} on the nodes`);
    }
  }
  for (const id of unregistered) say(`? ${id}: announced, and in no entry`);
}
