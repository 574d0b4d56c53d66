/**
 * `npm run freehold -- restore-drill <tenant's slug> [--data .freehold]`: exports a tenant from the platform that runs on
 * this machine, restores it on a platform of its own in a folder that is deleted afterwards, and verifies the chain of
 * every agent's memories there. Prints how long that took (RTO) and how old the restored state can be (RPO). The running
 * platform is only read.
 */
import { createReadStream, createWriteStream, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { parseArgs } from 'node:util';
import { request } from 'undici';
import type { Agent } from '../../shared/contracts/agents.ts';
import type { List } from '../../shared/contracts/common.ts';
import type { ChainVerification } from '../../shared/contracts/memories.ts';
import { LocalClient } from '../local-client.ts';
import { loadSecrets, startPlatform } from '../platform.ts';

const usage = 'usage: npm run freehold -- restore-drill <slug> [--data .freehold]';

/** A platform on this machine, and who may do everything on it. */
type Site = { readonly port: number; readonly operatorToken: string };
type Scratch = Site & { readonly stop: () => Promise<void> };
type DrillReport = {
  readonly agents: number;
  readonly entries: number;
  /** Agents whose chain does not hold, with the reason. */
  readonly broken: readonly string[];
  /** From the archive to a tenant that answers and was verified. */
  readonly rtoMs: number;
  /** The archive is read page by page: what is written meanwhile may be missing. */
  readonly rpoMs: number;
};
type Tenant = { readonly id: string; readonly slug: string };

/** 0: restored and verified. 1: not. 2: the command is wrong. */
export async function run(args: readonly string[]): Promise<number> {
  const { values, positionals } = parseArgs({
    args: [...args],
    options: { data: { type: 'string', default: '.freehold' } },
    allowPositionals: true,
  });
  const slug = positionals[0];
  if (slug === undefined) {
    console.error(usage);
    return 2;
  }
  try {
    const dev = JSON.parse(readFileSync(join(resolve(values.data), 'dev.json'), 'utf8')) as {
      readonly platform_url: string;
      readonly operator_token: string;
    };
    const from = { port: Number(new URL(dev.platform_url).port), operatorToken: dev.operator_token };
    const { agents, entries, broken, rtoMs, rpoMs } = await drill(from, slug);
    for (const fault of broken) console.error(fault);
    console.log(`${agents} agents, ${entries} entries of memory verified, ${broken.length} chains broken`);
    console.log(`RTO ${(rtoMs / 1_000).toFixed(1)} s   RPO ${(rpoMs / 1_000).toFixed(1)} s`);
    return broken.length === 0 ? 0 : 1;
  } catch (error) {
    console.error(error instanceof Error ? error.message : String(error));
    return 1;
  }
}

export async function drill(from: Site, slug: string): Promise<DrillReport> {
  const folder = mkdtempSync(join(tmpdir(), 'freehold-drill-'));
  const archive = join(folder, 'archive.jsonl');
  try {
    const source = new LocalClient(from.port, 'localhost', from.operatorToken);
    const exportedAt = performance.now();
    await save(from, `/operator/v1/tenants/${await findTenant(source, slug)}/export`, archive);
    const rpoMs = performance.now() - exportedAt;
    const restoredAt = performance.now();
    const scratch = await startScratch();
    try {
      const { tenant } = await restore(scratch, archive);
      const verified = await verifyAgents(scratch, tenant);
      return { ...verified, rtoMs: performance.now() - restoredAt, rpoMs };
    } finally {
      await scratch.stop();
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function startScratch(): Promise<Scratch> {
  const dataDir = mkdtempSync(join(tmpdir(), 'freehold-scratch-'));
  const secrets = await loadSecrets(dataDir);
  const platform = await startPlatform({ dataDir, port: 0, secrets });
  return {
    port: platform.port,
    operatorToken: secrets.operator_token,
    async stop() {
      await platform.stop();
      rmSync(dataDir, { recursive: true, force: true });
    },
  };
}

async function findTenant(operator: LocalClient, slug: string): Promise<string> {
  for (let cursor = ''; ;) {
    const page = await operator.require<List<Tenant>>('GET', `/operator/v1/tenants?limit=100${cursor}`);
    const found = page.data.find((tenant) => tenant.slug === slug);
    if (found) return found.id;
    if (!page.has_more) throw new Error(`There is no tenant "${slug}".`);
    cursor = `&cursor=${encodeURIComponent(page.next_cursor!)}`;
  }
}

async function save(site: Site, path: string, file: string): Promise<void> {
  const answer = await ask(site, path, 'application/json', '{}');
  await pipeline(answer, createWriteStream(file, { mode: 0o600 }));
}

async function restore(site: Site, file: string): Promise<{ readonly tenant: Tenant }> {
  const answer = await ask(site, '/operator/v1/tenants/import', 'application/x-ndjson', createReadStream(file));
  return (await answer.json()) as { readonly tenant: Tenant };
}

async function ask({ port, operatorToken }: Site, path: string, type: string, body: string | NodeJS.ReadableStream) {
  const answer = await request(`http://127.0.0.1:${port}${path}`, {
    method: 'POST',
    headers: { host: `localhost:${port}`, authorization: `Bearer ${operatorToken}`, 'content-type': type },
    body: body as string,
  });
  if (answer.statusCode < 300) return answer.body;
  throw new Error(`POST ${path}: ${answer.statusCode} ${(await answer.body.text()).slice(0, 500)}`);
}

async function verifyAgents(site: Site, { id, slug }: Tenant): Promise<Omit<DrillReport, 'rtoMs' | 'rpoMs'>> {
  const operator = new LocalClient(site.port, 'localhost', site.operatorToken);
  const key = await operator.require<{ secret: string }>('POST', `/operator/v1/tenants/${id}/keys`, { name: 'drill' });
  const tenant = new LocalClient(site.port, `${slug}.localhost`, key.secret);
  let [agents, entries] = [0, 0];
  const broken: string[] = [];
  for (let cursor = ''; ;) {
    const page = await tenant.require<List<Agent>>('GET', `/v1/agents?limit=100${cursor}`);
    for (const agent of page.data) {
      const verified = await tenant.require<ChainVerification>('GET', `/v1/agents/${agent.id}/memories/verify`);
      agents += 1;
      entries += verified.entries;
      if (verified.first_invalid) broken.push(`${agent.slug}: ${verified.first_invalid.reason}`);
    }
    if (!page.has_more) return { agents, entries, broken };
    cursor = `&cursor=${encodeURIComponent(page.next_cursor!)}`;
  }
}
