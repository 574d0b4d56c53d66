/**
 * `npm run freehold -- apply agents/*.yaml [--set name=value]… [--yes] [--prune]`: makes a tenant's agents what the files say.
 * Every file is read before anything is asked, and the plan is shown before anything is done; only `--yes` does it. Done
 * twice, the second time does nothing; broken off, the next time does the rest. Nothing is deleted without `--prune`.
 * The tenant: `--url` and FREEHOLD_API_KEY, else the one that `npm start` has left in `<data>/dev.json`.
 */
import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import type { Agent, AgentVersion } from '../../shared/contracts/agents.ts';
import type { List } from '../../shared/contracts/common.ts';
import { describeStep, planAgents, type Step, type WantedAgent } from './plan-agents.ts';
import { readAgentFile, type Values } from './read-agent-file.ts';
import { apiClient, type ApiClient } from './api-client.ts';

const usage =
  'usage: npm run freehold -- apply <file>… [--set name=value]… [--yes] [--prune] [--url https://…] [--data .freehold]';

class Unusable extends Error {}

export type ApplyDeps = { readonly say: (line: string) => void; readonly complain: (line: string) => void };

/** 0: done, or shown. 1: the platform refused or could not be reached. 2: the command or a file is wrong. */
export async function run(
  args: readonly string[],
  env: NodeJS.ProcessEnv,
  { say, complain }: ApplyDeps = { say: console.log, complain: console.error },
): Promise<number> {
  try {
    const options = readOptions(args);
    const wanted = readFiles(options.files, options.values);
    const call = connect(options, env);
    const steps = planAgents(wanted, await listAgents(call), options.prune);
    for (const step of steps) say(describeStep(step));
    if (steps.length === 0) say(`Nothing to do: ${wanted.length} agents are as their files say.`);
    else if (!options.yes) say(`${steps.length} steps. Nothing was done; --yes does them.`);
    else {
      for (const [at, step] of steps.entries()) await takeStep(call, step, `step ${at + 1} of ${steps.length}`);
      say(`Done: ${steps.length} steps.`);
    }
    return 0;
  } catch (error) {
    complain(error instanceof Error ? error.message : String(error));
    return error instanceof Unusable ? 2 : 1;
  }
}

type Options = {
  readonly files: readonly string[];
  readonly values: Values;
  readonly yes: boolean;
  readonly prune: boolean;
  readonly url: string | undefined;
  readonly data: string | undefined;
};

function readOptions(args: readonly string[]): Options {
  let parsed;
  try {
    parsed = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        set: { type: 'string', multiple: true, default: [] },
        yes: { type: 'boolean', default: false },
        prune: { type: 'boolean', default: false },
        url: { type: 'string' },
        data: { type: 'string' },
      },
    });
  } catch (error) {
    throw new Unusable(`${error instanceof Error ? error.message : String(error)}\n${usage}`);
  }
  const { values, positionals } = parsed;
  if (positionals.length === 0) throw new Unusable(usage);
  const pairs = values.set.map((pair) => {
    const at = pair.indexOf('=');
    if (at < 1) throw new Unusable(`--set ${pair}: write --set name=value\n${usage}`);
    return [pair.slice(0, at), pair.slice(at + 1)] as const;
  });
  return { ...values, files: positionals, values: Object.fromEntries(pairs), url: values.url, data: values.data };
}

function readFiles(files: readonly string[], values: Values): WantedAgent[] {
  const faults: string[] = [];
  const from = new Map<string, string>();
  const wanted = files.flatMap((file): WantedAgent[] => {
    const read = existsSync(file) ? readAgentFile(readFileSync(file, 'utf8'), values) : undefined;
    if (!read?.ok) {
      faults.push(`${file}: ${read ? read.failure.message : 'there is no such file'}`);
      return [];
    }
    const other = from.get(read.value.slug);
    if (other !== undefined) faults.push(`${file}: ${other} has the slug "${read.value.slug}" too`);
    from.set(read.value.slug, file);
    return [read.value];
  });
  if (faults.length > 0) throw new Unusable(faults.join('\n'));
  return wanted;
}

function connect({ url, data }: Options, env: NodeJS.ProcessEnv): ApiClient {
  const given = url ?? env['FREEHOLD_URL'];
  const key = env['FREEHOLD_API_KEY'];
  if (given !== undefined) {
    if (!URL.canParse(given)) throw new Unusable(`"${given}" is not an address.`);
    if (key === undefined) throw new Unusable("The tenant's key belongs into FREEHOLD_API_KEY.");
    return apiClient(given, key);
  }
  const path = join(resolve(data ?? env['FREEHOLD_DATA'] ?? '.freehold'), 'dev.json');
  if (!existsSync(path)) throw new Unusable(`Which tenant? Give --url and FREEHOLD_API_KEY; there is no ${path}.`);
  const local = JSON.parse(readFileSync(path, 'utf8')) as { readonly tenant_url: string; readonly api_key: string };
  return apiClient(local.tenant_url, key ?? local.api_key);
}

async function listAgents(call: ApiClient): Promise<Agent[]> {
  const agents: Agent[] = [];
  for (let cursor: string | null = ''; cursor !== null;) {
    const after: string = cursor === '' ? '' : `&cursor=${encodeURIComponent(cursor)}`;
    const page: List<Agent> = await call('GET', `/v1/agents?limit=100${after}`);
    agents.push(...page.data);
    cursor = page.next_cursor;
  }
  return agents;
}

async function takeStep(call: ApiClient, step: Step, place: string): Promise<void> {
  try {
    switch (step.kind) {
      case 'create': {
        const { slug, name, publish, definition } = step.wanted;
        await call('POST', '/v1/agents', { slug, name, publish, definition });
        return;
      }
      case 'rename':
        await call('PATCH', `/v1/agents/${step.slug}`, { name: step.to });
        return;
      case 'version': {
        const made = await call<AgentVersion>('POST', `/v1/agents/${step.slug}/versions`, step.definition);
        return await publishTo(call, step.slug, made.version, step.publish);
      }
      case 'publish':
        return await publishTo(call, step.slug, step.version, step.publish);
      case 'delete':
        await call('DELETE', `/v1/agents/${step.slug}`);
        return;
    }
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new Error(`${place} failed: ${reason}\nWhat came before it is done; the same command does the rest.`);
  }
}

async function publishTo(
  call: ApiClient,
  slug: string,
  version: number,
  environments: readonly string[],
): Promise<void> {
  for (const environment of environments) {
    await call('POST', `/v1/agents/${slug}/publish`, { version, environment });
  }
}
