/**
 * What `npm start` sets up on an empty platform: the bridge's enrolment, a price for every model, the tenant `acme`
 * with the agent `concierge` and its first memories. Repeating it finds what is there.
 */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ReadyBridge } from './bridge-process.ts';
import { LocalClient } from './local-client.ts';
import { repositoryRoot } from './platform.ts';

type List<T> = { readonly data: readonly T[] };
type Tenant = { readonly id: string; readonly slug: string };
type Bridge = { readonly id: string; readonly status: string; readonly models: readonly string[] };
type Demo = {
  readonly agent: { readonly slug: string };
  readonly memories: readonly string[];
};

const DemoSlug = 'acme';
const AnnounceMs = 15_000;
const PollMs = 50;
/** Enough to show that usage is metered and priced; an operator sets real ones. */
const FirstPrice = {
  model: '*',
  input_micros_per_mtok: 100_000,
  cached_input_micros_per_mtok: 50_000,
  output_micros_per_mtok: 400_000,
};

/**
 * A token for the bridge of this machine. One that was enrolled before keeps its id: the token names it, so that even a
 * key that has grown too old is replaced.
 */
export async function createEnrolment(
  operator: LocalClient,
  dataDir: string,
  transport: 'tunnel' | 'http' = 'http',
): Promise<string> {
  const { data } = await operator.require<List<Bridge>>('GET', '/operator/v1/bridges');
  const before = findBridgeId(dataDir);
  const bridge = data.find((each) => each.id === before)?.id;
  const terms = { name: 'local', transport, expires_in_seconds: 600, ...(bridge ? { bridge } : {}) };
  return (await operator.require<{ token: string }>('POST', '/operator/v1/bridges', terms)).token;
}

function findBridgeId(dataDir: string): string | undefined {
  const path = join(dataDir, 'bridge-key.json');
  return existsSync(path) ? (JSON.parse(readFileSync(path, 'utf8')) as { kid?: string }).kid : undefined;
}

/** Waits until the bridge has announced what it can serve. */
export async function awaitBridge(operator: LocalClient, bridge: Pick<ReadyBridge, 'id'>): Promise<Bridge> {
  for (let waited = 0; waited < AnnounceMs; waited += PollMs) {
    const { data } = await operator.require<List<Bridge>>('GET', '/operator/v1/bridges');
    const known = data.find((each) => each.id === bridge.id);
    if (known?.status === 'online' && known.models.length > 0) return known;
    await new Promise((resolve) => setTimeout(resolve, PollMs));
  }
  throw new Error('The bridge is running but has not announced itself. Its log is bridge.log in the data folder.');
}

export async function ensurePrice(operator: LocalClient): Promise<void> {
  const { data } = await operator.require<List<unknown>>('GET', '/operator/v1/prices');
  if (data.length === 0) await operator.require('POST', '/operator/v1/prices', FirstPrice);
}

export type DemoTenant = { readonly slug: string; readonly agent: string; readonly apiKey: string };

/** `knownKey`: the key that an earlier start left in dev.json. */
export async function ensureDemo(
  port: number,
  operator: LocalClient,
  knownKey: string | undefined,
): Promise<DemoTenant> {
  const demo = JSON.parse(readFileSync(join(repositoryRoot, 'scripts/demo/concierge.json'), 'utf8')) as Demo;
  const apiKey = await ensureTenantKey(port, operator, knownKey);
  const client = new LocalClient(port, `${DemoSlug}.localhost`, apiKey);
  const { slug } = demo.agent;
  const found = await client.call('GET', `/v1/agents/${slug}`);
  if (found.status === 404) await client.require('POST', '/v1/agents', demo.agent, 'demo-agent');
  const memories = await client.require<List<unknown>>('GET', `/v1/agents/${slug}/memories?limit=1`);
  if (memories.data.length === 0) {
    for (const [index, text] of demo.memories.entries()) {
      const source = { type: 'seed', ref: 'scripts/demo/concierge.json' };
      await client.require('POST', `/v1/agents/${slug}/memories`, { text, source }, `demo-memory-${index}`);
    }
  }
  return { slug: DemoSlug, agent: slug, apiKey };
}

async function ensureTenantKey(port: number, operator: LocalClient, knownKey: string | undefined): Promise<string> {
  const { data } = await operator.require<List<Tenant>>('GET', '/operator/v1/tenants?limit=100');
  const tenant = data.find((each) => each.slug === DemoSlug);
  if (!tenant) {
    const created = await operator.require<{ admin_key: { secret: string } }>('POST', '/operator/v1/tenants', {
      slug: DemoSlug,
      name: 'Acme',
    });
    return created.admin_key.secret;
  }
  if (knownKey !== undefined) {
    const works = await new LocalClient(port, `${DemoSlug}.localhost`, knownKey).call('GET', '/v1/agents');
    if (works.status === 200) return knownKey;
  }
  const issued = await operator.require<{ secret: string }>('POST', `/operator/v1/tenants/${tenant.id}/keys`, {
    name: 'npm start',
  });
  return issued.secret;
}
