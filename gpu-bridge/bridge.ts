/**
 * Puts a bridge together and runs it: identity, journal, nodes, HTTP server, and the loops that discover, announce and
 * deliver. Closing stops taking jobs, lets the running ones finish up to a limit, then flushes the receipts.
 */
import { mkdir } from 'node:fs/promises';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import type { JWK } from 'jose';
import { fail } from '../shared/core/failure.ts';
import { systemClock, type Clock } from '../shared/core/clock.ts';
import type { Transport } from '../shared/contracts/bridges.ts';
import type { BridgeId } from '../shared/core/ids.ts';
import { jsonLogger, type Logger, type WriteLine } from '../shared/core/log.ts';
import { AcceptedTokens } from './accepted-tokens.ts';
import { Announcer } from './announcer.ts';
import { IdentityKeeper, loadBridgeIdentity } from './bridge-key.ts';
import type { BridgeConfig, Environment } from './config.ts';
import { createNodes } from './create-nodes.ts';
import { lockDataDir } from './data-dir-lock.ts';
import { enrol } from './enrolment.ts';
import type { JobDeps, JobLimits, JobRun } from './job-run.ts';
import { JobKeys } from './job-keys.ts';
import { defaultQueueLimits, type QueueLimits } from './job-queue.ts';
import { createJobTokenVerifier } from './job-token.ts';
import { Journal } from './journal.ts';
import type { JournalFile } from './journal-file.ts';
import { KeyCare } from './key-care.ts';
import { BridgeMetrics } from './metrics.ts';
import { NodePool } from './node-pool.ts';
import type { InferenceNode } from './nodes/node.ts';
import { createPlatformClient, type PlatformClient } from './platform-client.ts';
import { ReceiptDelivery } from './receipts.ts';
import { ResponseCache } from './response-cache.ts';
import { runJob } from './run-job.ts';
import { createHandle, createHttpServer, type ServerDeps } from './server.ts';
import { SingleFlight } from './single-flight.ts';
import { BridgeTracer } from './tracer.ts';
import { Tunnel } from './tunnel.ts';

const DefaultPort = 8790;

export type BridgeTimings = JobLimits & {
  readonly announceEveryMs: number;
  readonly discoverEveryMs: number;
  readonly listTimeoutMs: number;
  /** A node that has produced nothing for this long is asked for a token. */
  readonly canaryEveryMs: number;
  readonly canaryTimeoutMs: number;
  readonly warmTimeoutMs: number;
  readonly queueLimits: QueueLimits;
  /** How often the progress of running jobs is journalled: what a killed process may leave unbilled. */
  readonly progressEveryMs: number;
  readonly keepAliveMs: number;
  readonly drainMs: number;
  readonly flushMs: number;
  readonly maxBodyBytes: number;
  readonly compactAtBytes: number;
  readonly receiptGatherMs: number;
  readonly receiptBackoff: { readonly baseMs: number; readonly capMs: number };
};

export const defaultTimings: BridgeTimings = {
  idleTimeoutMs: 60_000,
  firstChunkTimeoutMs: 300_000,
  commitAfterMs: 15_000,
  announceEveryMs: 2000,
  discoverEveryMs: 3000,
  listTimeoutMs: 1500,
  canaryEveryMs: 10_000,
  canaryTimeoutMs: 10_000,
  warmTimeoutMs: 5 * 60_000,
  queueLimits: defaultQueueLimits,
  progressEveryMs: 1000,
  keepAliveMs: 5_000,
  drainMs: 20_000,
  flushMs: 5000,
  maxBodyBytes: 20 * 1024 * 1024,
  compactAtBytes: 4 * 1024 * 1024,
  receiptGatherMs: 250,
  receiptBackoff: { baseMs: 250, capMs: 30_000 },
};

/** Everything that a test may want to hold in its hand; the defaults are the real ones. */
export type BridgeDeps = {
  readonly clock?: Clock;
  readonly random?: () => number;
  readonly log?: Logger;
  /** Where the log goes, without a logger. */
  readonly writeLine?: WriteLine;
  readonly environment?: Environment;
  readonly timings?: Partial<BridgeTimings>;
  readonly openJournalFile?: typeof JournalFile.open;
  /** Instead of the nodes of the configuration. */
  readonly nodes?: readonly InferenceNode[];
};

export type RunningBridge = {
  /** Empty where the bridge only dials out. */
  readonly url: string;
  readonly id: BridgeId;
  readonly publicJwk: JWK;
  /** Asks all nodes for their models now. */
  refresh(): Promise<void>;
  close(): Promise<void>;
};

export async function startBridge(config: BridgeConfig, deps: BridgeDeps = {}): Promise<RunningBridge> {
  await mkdir(config.data_dir, { recursive: true, mode: 0o700 });
  const unlock = await lockDataDir(config.data_dir);
  try {
    return await startLocked(config, deps, unlock);
  } catch (error) {
    await unlock();
    throw error;
  }
}

async function startLocked(
  config: BridgeConfig,
  deps: BridgeDeps,
  unlock: () => Promise<void>,
): Promise<RunningBridge> {
  const clock = deps.clock ?? systemClock;
  const random = deps.random ?? Math.random;
  const log = deps.log ?? jsonLogger(() => clock.now(), { service: 'gpu-bridge' }, deps.writeLine);
  const timings: BridgeTimings = { ...defaultTimings, ...deps.timings };
  const loaded = await loadBridgeIdentity({
    dataDir: config.data_dir,
    id: config.bridge_id,
    privateJwk: config.private_key,
    now: clock.now(),
  });
  const jobKeys = new JobKeys(config.data_dir);
  const keeper = new IdentityKeeper(config.data_dir, loaded);
  const identity = { id: loaded.id };
  const platform = createPlatformClient(config.platform_url, identity.id, () => keeper.current);
  const journal = await Journal.open({
    path: join(config.data_dir, 'journal.ndjson'),
    bridgeId: identity.id,
    clock,
    log,
    syncEveryWrite: config.sync_journal,
    compactAtBytes: timings.compactAtBytes,
    ...(deps.openJournalFile ? { openFile: deps.openJournalFile } : {}),
  });
  const accepted = new AcceptedTokens();
  for (const [run, exp] of journal.usedTokens) accepted.remember(run, exp);
  const delivery = new ReceiptDelivery({
    journal,
    platform,
    bridgeId: identity.id,
    clock,
    random,
    log,
    deadLetterPath: join(config.data_dir, 'refused-receipts.ndjson'),
    backoff: timings.receiptBackoff,
    gatherMs: timings.receiptGatherMs,
  });
  const nodes = deps.nodes ?? createNodes(config.nodes, deps.environment ?? process.env);
  let tunnel: Tunnel | undefined;
  const metrics = new BridgeMetrics();
  const tracer = BridgeTracer.of(config, identity.id, clock);
  const { pool, announcer } = createPool(nodes, {
    clock,
    random,
    log,
    timings,
    platform,
    jobKeys,
    bridgeId: identity.id,
    metrics,
    isReachable: () => tunnel?.isOpen ?? true,
  });
  const running = new Set<JobRun>();
  let draining = false;
  const jobDeps: JobDeps = {
    bridgeId: identity.id,
    pool,
    journal,
    delivery,
    cache: new ResponseCache({ maxBytes: config.cache_bytes, ttlMs: config.cache_ttl_seconds * 1000 }, clock),
    flights: new SingleFlight(),
    clock,
    log,
    observe: (receipt, traceparent) => {
      metrics.noteReceipt(receipt);
      tracer?.observe(receipt, traceparent);
    },
    running,
    limits: timings,
  };
  metrics.watch({ pool, runningJobs: () => running.size, waitingReceipts: () => delivery.pendingCount });
  const serving: ServerDeps = {
    verify: createJobTokenVerifier({
      platformKeys: config.platform_keys,
      jobKeys,
      bridgeId: identity.id,
      clock,
      accepted,
    }),
    runJob: (job, sink) => runJob(job, sink, jobDeps),
    listModels: () => pool.listModels(),
    formatMetrics: () => metrics.format(),
    describeHealth: () => ({
      ok: !draining,
      body: describeHealth(draining ? 'draining' : 'ok', identity.id, pool, running.size, delivery.pendingCount),
    }),
    isDraining: () => draining,
    log,
    maxBodyBytes: timings.maxBodyBytes,
    keepAliveMs: timings.keepAliveMs,
  };
  const handle = createHandle(serving);
  const server = createHttpServer(handle, serving);
  let url: string;
  let transport: Transport;
  try {
    url = await listen(server, config);
    transport = await enrolAtStart(config, url, clock.now());
  } catch (error) {
    server.close();
    await journal.close();
    throw error;
  }
  if (transport === 'tunnel') {
    tunnel = new Tunnel({
      platformUrl: config.platform_url,
      platform,
      bridgeId: identity.id,
      handle,
      clock,
      random,
      log,
      maxBodyBytes: timings.maxBodyBytes,
      keepAliveMs: timings.keepAliveMs,
      onChange: () => announcer.announceNow(),
    });
  }
  const keyCare = new KeyCare({
    keeper,
    dataDir: config.data_dir,
    platformUrl: config.platform_url,
    clock,
    log,
    onChange: () => tunnel?.renew(),
  });
  await pool.refresh();
  const discovery = setInterval(() => void pool.refresh(), timings.discoverEveryMs);
  const progress = setInterval(() => void noteProgress(running, journal), timings.progressEveryMs);
  const keyLook = config.private_key ? undefined : setInterval(() => keyCare.tick(), timings.announceEveryMs);
  announcer.start();
  delivery.start();
  tunnel?.start();
  log.info('bridge.listening', { url, transport, bridge: identity.id, nodes: nodes.length });

  let closing: Promise<void> | undefined;
  const close = async () => {
    draining = true;
    clearInterval(discovery);
    clearInterval(keyLook);
    await keyCare.close();
    const closed = new Promise<void>((resolve) => server.close(() => resolve()));
    await Promise.all([announcer.close(), drain(running, timings.drainMs)]);
    server.closeIdleConnections();
    await delivery.flush(timings.flushMs);
    delivery.close();
    server.closeAllConnections();
    await closed;
    tunnel?.close();
    await drain(running, 0);
    clearInterval(progress);
    await tracer?.close();
    await pool.close();
    await journal.close();
    await unlock();
    log.info('bridge.closed', { unacknowledged: delivery.pendingCount });
  };
  return {
    url,
    id: identity.id,
    get publicJwk() {
      return keeper.current.publicJwk;
    },
    refresh: () => pool.refresh(),
    close: () => (closing ??= close()),
  };
}

function createPool(
  nodes: readonly InferenceNode[],
  deps: {
    readonly clock: Clock;
    readonly random: () => number;
    readonly log: Logger;
    readonly timings: BridgeTimings;
    readonly platform: PlatformClient;
    readonly jobKeys: JobKeys;
    readonly bridgeId: string;
    readonly metrics: BridgeMetrics;
    /** A bridge whose tunnel is down can serve nobody, whatever its nodes hold. */
    readonly isReachable: () => boolean;
  },
): { readonly pool: NodePool; readonly announcer: Announcer } {
  const { clock, random, log, timings, platform, jobKeys, bridgeId, metrics, isReachable } = deps;
  const pool: NodePool = new NodePool(nodes, {
    clock,
    random,
    log,
    listTimeoutMs: timings.listTimeoutMs,
    canaryEveryMs: timings.canaryEveryMs,
    canaryTimeoutMs: timings.canaryTimeoutMs,
    warmTimeoutMs: timings.warmTimeoutMs,
    queueLimits: timings.queueLimits,
    metrics,
    onChange: () => announcer.announceNow(),
  });
  const announcer: Announcer = new Announcer({
    platform,
    jobKeys,
    bridgeId,
    clock,
    log,
    everyMs: timings.announceEveryMs,
    pool,
    listModels: () => (isReachable() ? pool.listModels() : []),
    findDefaultModel: () => (isReachable() ? pool.findDefaultModel() : null),
  });
  return { pool, announcer };
}

function describeHealth(status: string, id: string, pool: NodePool, running: number, receipts: number): object {
  const nodes = pool.nodes.map((each) => ({
    name: each.name,
    kind: each.node.kind,
    state: each.state,
    models: each.models.length,
    outstanding: each.outstanding,
    failures: each.circuit.failures,
  }));
  return { status, bridge: id, running, receipts_waiting: receipts, nodes };
}

/** Exchanges the token of the configuration, if it has one; the way that jobs come is what the platform then says. */
async function enrolAtStart(config: BridgeConfig, url: string, now: number): Promise<Transport> {
  const { enrolment: token, data_dir: dataDir, platform_url: platformUrl } = config;
  if (token === undefined) return config.transport;
  const { platform } = await enrol({ token, dataDir, url: url || null, platformUrl, now });
  return platform.transport;
}

/** Where jobs come through a tunnel, nothing listens unless a port is named. */
function listen(server: Server, { host, port, transport }: BridgeConfig): Promise<string> {
  if (transport === 'tunnel' && port === undefined) return Promise.resolve('');
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port ?? DefaultPort, host, () => {
      server.off('error', reject);
      const address = server.address() as AddressInfo;
      resolve(`http://${host.includes(':') ? `[${host}]` : host}:${address.port}`);
    });
  });
}

/** A failed write is logged by the journal, and the next note says the same and more. */
async function noteProgress(running: ReadonlySet<JobRun>, journal: Journal): Promise<void> {
  if (running.size === 0) return;
  const runs = [...running].map((run) => run.meter.progress).filter((each) => each !== undefined);
  await journal.note(runs).catch(() => {});
}

/** Waits for the running jobs; ends those that are left when the time is over, each with an error and its receipt. */
async function drain(running: ReadonlySet<JobRun>, limitMs: number): Promise<void> {
  const { promise: expired, resolve } = Promise.withResolvers<true>();
  const timer = setTimeout(resolve, limitMs, true);
  const failure = fail('service_unavailable', 'The bridge is shutting down.');
  while (running.size > 0) {
    const isExpired = await Promise.race([allEnded(running), expired]);
    if (isExpired !== true) continue;
    for (const run of running) run.stop({ failure, blamesNode: false });
    await allEnded(running);
  }
  clearTimeout(timer);
}

async function allEnded(running: ReadonlySet<JobRun>): Promise<void> {
  await Promise.all([...running].map((run) => run.ended));
}
