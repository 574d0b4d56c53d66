/**
 * Freehold on one's own machine: the Worker on workerd, by miniflare's API, its state in a folder. Requests reach workerd
 * directly; no proxy stands in front. The bindings are wrangler.toml's, so there is one list of them.
 */
import { createHash, randomBytes } from 'node:crypto';
import { createWriteStream, existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { exportJWK, generateKeyPair, type JWK } from 'jose';
import { convertV4MiniflareOptions, Miniflare, NoOpLog } from 'miniflare';
import { unstable_readConfig, unstable_splitSqlQuery } from 'wrangler';
import { replaceFile } from '../gpu-bridge/replace-file.ts';
import { Allowlist } from '../shared/egress/allowlist.ts';
import { networkRules, type NetworkRules } from '../shared/egress/egress-rules.ts';
import { buildFrontends, frontendsFolder } from './build-frontends.ts';
import { buildKernel } from './build-kernel.ts';
import { buildWorker } from './build.ts';
import { findFreePort } from './find-free-port.ts';

export const repositoryRoot = join(import.meta.dirname, '..');

/** Objects that share a tenant's agents: on one's own workerd the number of objects awake at once is the limit. */
const OwnWorkerdAgentBuckets = '16';

/** Codes of 1.3 million vectors of 768 dimensions, or twice as many of 384; taken as they are needed. */
const OwnWorkerdArenaBytes = String(512 * 1024 * 1024);

export type PlatformOptions = {
  readonly dataDir: string;
  /** 0 picks a free one. */
  readonly port: number;
  readonly vars?: Readonly<Record<string, string>>;
  readonly secrets: Secrets;
  /** A bundle that was built before; otherwise it is built now. */
  readonly script?: string;
};

export type Secrets = {
  readonly operator_token: string;
  readonly platform_key: JWK;
  /** While the platform's key changes: the one before it. */
  readonly previous_platform_key?: JWK;
};

/** What a bridge needs to check job tokens: during a change of the key, also those that were signed before it. */
export function publicKeysOf({ platform_key: key, previous_platform_key: previous }: Secrets): {
  readonly keys: JWK[];
} {
  return { keys: [key, ...(previous ? [previous] : [])].map(toPublicJwk) };
}

function toPublicJwk(key: JWK): JWK {
  const { d: _, ...publicKey } = key;
  return publicKey;
}

export type RunningPlatform = {
  readonly port: number;
  /** Swaps in a new bundle; state stays. */
  reload(script: string): Promise<void>;
  stop(): Promise<void>;
};

/** Made at the first start, kept in a file that only the owner can read. */
export async function loadSecrets(dataDir: string): Promise<Secrets> {
  const path = join(dataDir, 'secrets.json');
  if (existsSync(path)) return JSON.parse(readFileSync(path, 'utf8')) as Secrets;
  const { privateKey } = await generateKeyPair('EdDSA', { crv: 'Ed25519', extractable: true });
  const secrets: Secrets = {
    operator_token: `fho_${Buffer.from(randomBytes(32)).toString('base64url')}`,
    platform_key: { ...(await exportJWK(privateKey)), kid: Buffer.from(randomBytes(8)).toString('hex') },
  };
  mkdirSync(dataDir, { recursive: true, mode: 0o700 });
  await replaceFile(path, JSON.stringify(secrets, null, 2));
  return secrets;
}

export async function startPlatform(options: PlatformOptions): Promise<RunningPlatform> {
  const config = unstable_readConfig({ config: join(repositoryRoot, 'wrangler.toml') });
  const log = join(options.dataDir, 'platform.log');
  mkdirSync(options.dataDir, { recursive: true, mode: 0o700 });
  const logStream = createWriteStream(log, { flags: 'a' });
  const vars = {
    ...(config.vars as Record<string, string>),
    AGENT_BUCKETS: OwnWorkerdAgentBuckets,
    VECTOR_ARENA_BYTES: OwnWorkerdArenaBytes,
    ...options.vars,
  } as Readonly<Record<string, string>>;
  await requireSameBuckets(options.dataDir, vars['AGENT_BUCKETS'] ?? '');
  const kernel = await buildKernel();
  const withScript = (script: string, port: number) =>
    convertV4MiniflareOptions({
      name: config.name ?? 'freehold',
      modules: [
        { type: 'ESModule', path: 'worker.js', contents: script },
        { type: 'CompiledWasm', path: 'scan.wasm', contents: kernel },
      ],
      compatibilityDate: config.compatibility_date ?? '',
      compatibilityFlags: config.compatibility_flags,
      bindings: {
        ...vars,
        PLATFORM_PORT: String(port),
        OPERATOR_TOKEN_SHA256: createHash('sha256').update(options.secrets.operator_token).digest('hex'),
        PLATFORM_SIGNING_KEY: JSON.stringify(options.secrets.platform_key),
        ...(options.secrets.previous_platform_key
          ? { PLATFORM_PREVIOUS_SIGNING_KEY: JSON.stringify(options.secrets.previous_platform_key) }
          : {}),
      },
      d1Databases: Object.fromEntries(
        config.d1_databases.map(({ binding }: { binding: string }) => [binding, binding]),
      ),
      durableObjects: Object.fromEntries(
        config.durable_objects.bindings.map(({ name, class_name }: { name: string; class_name: string }) => [
          name,
          { className: class_name, useSQLite: true },
        ]),
      ),
      serviceBindings: {
        ASSETS: { disk: { path: frontendsFolder(repositoryRoot), writable: false } },
        ...egressServices(vars['EGRESS_ALLOW'] ?? ''),
      },
      unsafeDirectSockets: [{ host: '127.0.0.1', port }],
      resourcePersistencePath: join(options.dataDir, 'state'),
      cf: false,
      host: '127.0.0.1',
      port: 0,
      log: new NoOpLog(),
      handleStructuredLogs: ({ message }: { message: string }) => void logStream.write(`${message}\n`),
      telemetry: { enabled: false },
    });
  const port = options.port === 0 ? await findFreePort() : options.port;
  await requireFree(port);
  const script = options.script ?? (await buildWorker(repositoryRoot));
  await buildFrontends(repositoryRoot);
  const platform = new Miniflare(withScript(script, port));
  await platform.ready;
  await applyMigrations(platform);
  return {
    port,
    async reload(next) {
      await platform.setOptions(withScript(next, port));
      await platform.ready;
    },
    async stop() {
      await platform.dispose();
      logStream.end();
    },
  };
}

/**
 * What a tenant's URLs are asked through: networks that refuse every other address when the connection is made, whatever
 * name led there. The bridge is reached without them.
 */
export function egressServices(allow: string) {
  const allowlist = Allowlist.parse(allow);
  if (!allowlist.ok) throw new Error(`EGRESS_ALLOW: ${allowlist.failure.message}`);
  const rules = networkRules(allowlist.value);
  const toNetwork = ({ allow: allowed, deny }: NetworkRules) => ({
    network: { allow: [...allowed], deny: [...deny], tlsOptions: { trustBrowserCas: true } },
  });
  return { EGRESS: toNetwork(rules.public), EGRESS_NAMED: toNetwork(rules.named) };
}

/** With another number of buckets the agents of a data folder would not be found. */
export async function requireSameBuckets(dataDir: string, buckets: string): Promise<void> {
  const path = join(dataDir, 'layout.json');
  const isNew = !existsSync(path) && !existsSync(join(dataDir, 'state'));
  if (isNew) await replaceFile(path, JSON.stringify({ agent_buckets: buckets }));
  const kept = existsSync(path)
    ? (JSON.parse(readFileSync(path, 'utf8')) as { agent_buckets: string }).agent_buckets
    : OwnWorkerdAgentBuckets;
  if (kept !== buckets)
    throw new Error(`AGENT_BUCKETS: the agents of ${dataDir} are in ${kept} buckets, and cannot be in ${buckets}.`);
}

async function requireFree(port: number): Promise<void> {
  const server = createServer();
  try {
    server.listen(port, '127.0.0.1');
    await once(server, 'listening');
  } catch {
    throw new Error(`Port ${port} is taken. Choose another: npm start -- --port ${port + 1}`);
  }
  server.close();
  await once(server, 'close');
}

/** The same bookkeeping table as `wrangler d1 migrations apply`, each file in one batch with its record. */
async function applyMigrations(platform: Miniflare): Promise<void> {
  const db = await platform.getD1Database('DB');
  await db.exec(
    'CREATE TABLE IF NOT EXISTS d1_migrations (id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT UNIQUE, applied_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP NOT NULL)',
  );
  const { results } = await db.prepare('SELECT name FROM d1_migrations').all<{ name: string }>();
  const applied = new Set(results.map((row) => row.name));
  const folder = join(repositoryRoot, 'migrations');
  for (const name of readdirSync(folder).sort()) {
    if (!name.endsWith('.sql') || applied.has(name)) continue;
    const statements = unstable_splitSqlQuery(readFileSync(join(folder, name), 'utf8'));
    await db.batch([
      ...statements.map((statement) => db.prepare(statement)),
      db.prepare('INSERT INTO d1_migrations (name) VALUES (?)').bind(name),
    ]);
  }
}
