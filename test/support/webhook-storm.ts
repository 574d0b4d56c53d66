/**
 * Many events to many webhooks of which some are down, some slow and some come and go, while everything is killed now and
 * then: who got what, how often, and how late. The truth is the tenant's own event log.
 */
import { LocalClient } from '../../scripts/local-client.ts';
import { findFreePort } from '../../scripts/find-free-port.ts';
import { StartedProcess } from './started-process.ts';
import { waitUntil } from './wait-until.ts';
import { WebhookReceiver } from './webhook-receiver.ts';

export type StormOptions = {
  readonly dataDir: string;
  readonly events: number;
  readonly endpoints: number;
  /** Whether each event goes to one endpoint, by its filter, and not to all of them. */
  readonly spread: boolean;
  /** How many of the endpoints never answer; are slow; come and go. */
  readonly down: number;
  readonly slow: number;
  readonly flapping: number;
  readonly slowMs: number;
  /** Events a second. */
  readonly rate: number;
  readonly kills: number;
  readonly withinMs: number;
};

export type StormReport = {
  readonly events: number;
  readonly kills: number;
  /** Events that live endpoints have not got, by kind of endpoint. */
  readonly missing: Readonly<Record<LiveKind, Missing>>;
  readonly deliveries: number;
  readonly repeated: number;
  /** Events that came with different bodies under one id. */
  readonly changed: number;
  /** Of the healthy endpoints, from the event to its first delivery: all, and those of events that no outage touched. */
  readonly delay: { readonly p50: number; readonly p95: number; readonly max: number };
  readonly calmDelay: { readonly p50: number; readonly p95: number; readonly max: number };
  /** From the first event to the last, and to the last delivery. */
  readonly seconds: { readonly raising: number; readonly all: number };
};

/** `waiting`: its latest attempt names the next one. `lost`: none is to come, nor any other way to it. */
export type Missing = { readonly waiting: number; readonly lost: number };

type LiveKind = 'healthy' | 'slow' | 'flapping';
type Kind = LiveKind | 'down';
/** `agent`: the one whose events it asks for; null where it asks for all. */
type Path = { readonly path: string; readonly webhook: string; readonly kind: Kind; readonly agent: string | null };
/** What is raised at once, at most. */
const MostRaisers = 24;
/** An attempt that is later than this after its time does not come: a receiver that comes and goes is not spared for so long. */
const OverdueMs = 30_000;
/** Up for so long, then down: a retry after five seconds meets it up. */
const FlapMs = { up: 5_500, down: 1_500 };

export async function runStorm(options: StormOptions): Promise<StormReport> {
  const receiver = await WebhookReceiver.start();
  const port = await findFreePort();
  const env = { FREEHOLD_NODES: '[]', EGRESS_ALLOW: '127.0.0.0/8' };
  const start = () => StartedProcess.start(options.dataDir, ['--no-demo', '--port', String(port)], env);
  let started = await start();
  try {
    const operator = new LocalClient(port, 'localhost', started.dev.operator_token);
    const tenant = await operator.require<{ admin_key: { secret: string } }>('POST', '/operator/v1/tenants', {
      slug: 'storm',
      name: 'Storm',
    });
    const client = new LocalClient(port, 'storm.localhost', tenant.admin_key.secret);
    const agents: string[] = [];
    for (let at = 0; at < (options.spread ? options.endpoints : 1); at++) {
      const made = await client.require<{ id: string }>('POST', '/v1/agents', { slug: `agent-${at}`, name: 'Agent' });
      agents.push(made.id);
    }
    const settled = Date.now();
    /** What was answered with success, by path. */
    const taken = new Map<string, Set<string>>();
    const paths: Path[] = [];
    const closed = await findFreePort();
    for (let at = 0; at < options.endpoints; at++) {
      const { down, slow, flapping } = options;
      const kind =
        at < down ? 'down' : at < down + slow ? 'slow' : at < down + slow + flapping ? 'flapping' : 'healthy';
      const path = `/${kind}-${at}`;
      const ids = new Set<string>();
      const agent = options.spread ? agents[at]! : null;
      taken.set(path, ids);
      const url = receiver.url(path, (response, { id }) => {
        const isDown = kind === 'flapping' && (Date.now() - settled) % (FlapMs.up + FlapMs.down) >= FlapMs.up;
        if (!isDown) ids.add(id);
        if (kind === 'slow') setTimeout(() => response.writeHead(200).end(), options.slowMs);
        else response.writeHead(isDown ? 500 : 200).end();
      });
      const target = kind === 'down' ? `http://127.0.0.1:${closed}/` : url;
      const webhook = await client.require<{ id: string }>('POST', '/v1/webhooks', {
        url: target,
        events: ['agent.updated'],
        agent,
      });
      paths.push({ path, webhook: webhook.id, kind, agent });
    }
    const begun = Date.now();

    const outages: { readonly from: number; to: number }[] = [];
    /** Until everything runs again: who asks meanwhile could be given the very port that it asks, by its own machine. */
    let up = Promise.resolve();
    let next = 0;
    const raise = async () => {
      for (let at = next++; at < options.events; at = next++) {
        const due = begun + (at * 1_000) / options.rate;
        if (due > Date.now()) await new Promise((resolve) => setTimeout(resolve, due - Date.now()));
        // What was in flight when everything was killed is raised again, as its caller would.
        for (;;) {
          await up;
          try {
            await client.require('PATCH', `/v1/agents/${agents[at % agents.length]}`, { name: `Name ${at}` });
            break;
          } catch {
            await new Promise((resolve) => setTimeout(resolve, 100));
          }
        }
      }
    };
    const raising = Promise.all(Array.from({ length: MostRaisers }, raise)).then(() => Date.now());
    const everyMs = (options.events * 1_000) / options.rate / (options.kills + 1);
    for (let kill = 1; kill <= options.kills; kill++) {
      await new Promise((resolve) => setTimeout(resolve, Math.max(0, begun + kill * everyMs - Date.now())));
      const from = Date.now();
      const { promise, resolve } = Promise.withResolvers<void>();
      up = promise;
      await started.killGroup();
      started = await start();
      resolve();
      outages.push({ from, to: Date.now() });
    }
    const raised = await raising;
    const log = await readLog(client);
    const live = paths.flatMap((each) =>
      each.kind === 'down'
        ? []
        : [{ ...each, kind: each.kind, meant: log.filter(({ agent }) => (each.agent ?? agent) === agent) }],
    );
    const missing = () => live.reduce((sum, { path, meant }) => sum + meant.length - taken.get(path)!.size, 0);
    await waitUntil('every live endpoint has every event', () => missing() === 0, {
      withinMs: options.withinMs,
    }).catch(() => {});
    const seconds = { raising: (raised - begun) / 1_000, all: (Date.now() - begun) / 1_000 };
    const told = await tellMissing(client, live, taken);
    return report(options, receiver, paths, log, outages, told, seconds);
  } finally {
    await started.killGroup();
    await receiver.stop();
  }
}

type Logged = { readonly id: string; readonly at: number; readonly agent: string };

async function readLog(client: LocalClient): Promise<Logged[]> {
  const all: Logged[] = [];
  for (let cursor: string | null = ''; cursor !== null;) {
    type Page = { data: { id: string; timestamp: string; agent: string }[]; next_cursor: string | null };
    const query: string = cursor === '' ? '' : `&cursor=${cursor}`;
    const page: Page = await client.require<Page>('GET', `/v1/events?type=agent.updated&limit=100${query}`);
    all.push(...page.data.map(({ id, timestamp, agent }) => ({ id, agent, at: Date.parse(timestamp) })));
    cursor = page.next_cursor;
  }
  return all;
}

type Meant = { readonly path: string; readonly webhook: string; readonly kind: LiveKind; readonly meant: Logged[] };

/** What becomes of each event that did not come, by what the platform itself tells of its attempts. */
async function tellMissing(client: LocalClient, live: readonly Meant[], taken: ReadonlyMap<string, Set<string>>) {
  const missing = {
    healthy: { waiting: 0, lost: 0 },
    slow: { waiting: 0, lost: 0 },
    flapping: { waiting: 0, lost: 0 },
  };
  for (const { path, webhook, kind, meant } of live) {
    for (const { id } of meant.filter((event) => !taken.get(path)!.has(event.id))) {
      type Attempts = { data: { next_attempt_at: string | null }[] };
      const { data } = await client.require<Attempts>('GET', `/v1/webhooks/${webhook}/attempts?event=${id}&limit=1`);
      const next = data[0]?.next_attempt_at ?? null;
      const isWaiting = next !== null && Date.parse(next) > Date.now() - OverdueMs;
      missing[kind][isWaiting ? 'waiting' : 'lost']++;
    }
  }
  return missing;
}

function report(
  { kills }: StormOptions,
  receiver: WebhookReceiver,
  paths: readonly Path[],
  log: readonly Logged[],
  outages: readonly { readonly from: number; readonly to: number }[],
  missing: StormReport['missing'],
  seconds: StormReport['seconds'],
): StormReport {
  const times = new Map(log.map(({ id, at }) => [id, at]));
  const healthy = new Set(paths.flatMap(({ path, kind }) => (kind === 'healthy' ? [path] : [])));
  const first = new Map<string, { readonly delay: number; readonly calm: boolean }>();
  const bodies = new Map<string, string>();
  let repeated = 0;
  let changed = 0;
  for (const { path, id, body, at } of receiver.deliveries) {
    if ((bodies.get(id) ?? body) !== body) changed++;
    bodies.set(id, body);
    const key = `${path} ${id}`;
    if (first.has(key)) repeated++;
    const raised = times.get(id);
    if (first.has(key) || raised === undefined || !healthy.has(path)) continue;
    const calm = !outages.some(({ from, to }) => raised <= to + 2_000 && at >= from);
    first.set(key, { delay: at - raised, calm });
  }
  const delays = [...first.values()];
  return {
    events: log.length,
    kills,
    missing,
    deliveries: receiver.deliveries.length,
    repeated,
    changed,
    delay: quantiles(delays.map(({ delay }) => delay)),
    calmDelay: quantiles(delays.filter(({ calm }) => calm).map(({ delay }) => delay)),
    seconds,
  };
}

function quantiles(values: readonly number[]) {
  const sorted = values.toSorted((a, b) => a - b);
  const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
  return { p50: at(0.5), p95: at(0.95), max: sorted.at(-1) ?? 0 };
}
