/**
 * A whole Freehold for a test: the platform on workerd with its state in a folder of its own, and a bridge in this
 * process, on free ports. `call` speaks to a host by its Host header, since not every system resolves `*.localhost`.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Agent, fetch as undiciFetch, request, type Dispatcher } from 'undici';
import OpenAI from 'openai';
import { silentLogger } from '../../shared/core/log.ts';
import { startBridge, type BridgeDeps, type RunningBridge } from '../../gpu-bridge/bridge.ts';
import { bridgeConfig, type BridgeConfig } from '../../gpu-bridge/config.ts';
import { LocalClient } from '../../scripts/local-client.ts';
import {
  loadSecrets,
  publicKeysOf,
  startPlatform,
  type RunningPlatform,
  type Secrets,
} from '../../scripts/platform.ts';
import { awaitBridge, createEnrolment, ensurePrice } from '../../scripts/provision.ts';

export type CreatedTenant = {
  readonly id: string;
  readonly slug: string;
  readonly key: string;
  readonly keyId: string;
};

export type Answer = {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly text: string;
  readonly json: () => unknown;
};

export type CallOptions = {
  readonly token?: string;
  readonly body?: unknown;
  /** Sent as it is, instead of `body`. */
  readonly rawBody?: string | Buffer;
  readonly headers?: Readonly<Record<string, string>>;
};

export type TestPlatform = {
  readonly port: number;
  readonly dataDir: string;
  readonly secrets: Secrets;
  readonly operator: LocalClient;
  readonly platform: RunningPlatform;
  readonly bridge: RunningBridge;
  createTenant(slug: string): Promise<CreatedTenant>;
  client(tenant: CreatedTenant): LocalClient;
  /** The official SDK, unmodified, at the tenant's host. */
  openai(tenant: Pick<CreatedTenant, 'slug' | 'key'>, options?: ConstructorParameters<typeof OpenAI>[0]): OpenAI;
  /** `host` without the port: `acme.localhost`, `localhost`. */
  call(method: Dispatcher.HttpMethod, host: string, path: string, options?: CallOptions): Promise<Answer>;
  stop(): Promise<void>;
};

/** The runtime's own form is none to the installed undici. */
async function withBytes(init: RequestInit): Promise<RequestInit> {
  if (!(init.body instanceof FormData)) return init;
  const form = new Response(init.body);
  const headers = new Headers(init.headers);
  headers.set('content-type', form.headers.get('content-type') ?? '');
  return { ...init, headers: Object.fromEntries(headers), body: await form.arrayBuffer() };
}

export async function startTestPlatform(
  options: {
    readonly dataDir?: string;
    readonly vars?: Readonly<Record<string, string>>;
    readonly bridge?: Partial<BridgeConfig>;
    readonly bridgeDeps?: BridgeDeps;
  } = {},
): Promise<TestPlatform> {
  const dataDir = options.dataDir ?? mkdtempSync(join(tmpdir(), 'freehold-'));
  const secrets = await loadSecrets(dataDir);
  // What a test plays the far end of is on this machine.
  const vars = { EGRESS_ALLOW: '127.0.0.1', ...options.vars };
  const platform = await startPlatform({ dataDir, port: 0, secrets, vars });
  const { port } = platform;
  const operator = new LocalClient(port, 'localhost', secrets.operator_token);
  const bridgeDir = join(dataDir, 'bridge');
  const transport = options.bridge?.transport ?? 'http';
  const bridge = await startBridge(
    bridgeConfig.parse({
      port: 0,
      data_dir: bridgeDir,
      enrolment: await createEnrolment(operator, bridgeDir, transport),
      platform_url: `http://localhost:${port}`,
      platform_keys: publicKeysOf(secrets),
      nodes: [{ kind: 'extractive', name: 'extractive' }],
      ...options.bridge,
    }),
    { log: silentLogger, ...options.bridgeDeps },
  );
  await awaitBridge(operator, bridge);
  await ensurePrice(operator);
  const agent = new Agent({
    connect: { lookup: (_host, _options, done) => done(null, [{ address: '127.0.0.1', family: 4 }]) },
  });
  return {
    port,
    dataDir,
    secrets,
    operator,
    platform,
    bridge,
    async createTenant(slug) {
      const created = await operator.require<{ id: string; admin_key: { id: string; secret: string } }>(
        'POST',
        '/operator/v1/tenants',
        { slug, name: slug },
      );
      return { id: created.id, slug, key: created.admin_key.secret, keyId: created.admin_key.id };
    },
    client: (tenant) => new LocalClient(port, `${tenant.slug}.localhost`, tenant.key),
    openai: (tenant, sdkOptions) =>
      new OpenAI({
        baseURL: `http://${tenant.slug}.localhost:${port}/v1`,
        apiKey: tenant.key,
        maxRetries: 0,
        fetch: (async (input: string, init: RequestInit) =>
          undiciFetch(input, { ...(await withBytes(init)), dispatcher: agent } as object)) as never,
        ...sdkOptions,
      }),
    async call(method, host, path, { token, body, rawBody, headers } = {}) {
      const payload = rawBody ?? (body === undefined ? undefined : JSON.stringify(body));
      const answer = await request(`http://127.0.0.1:${port}${path}`, {
        method,
        headers: {
          host: host.includes(':') ? host : `${host}:${port}`,
          ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
          ...(payload === undefined ? {} : { 'content-type': 'application/json' }),
          ...headers,
        },
        ...(payload === undefined ? {} : { body: payload }),
      });
      const text = await answer.body.text();
      return { status: answer.statusCode, headers: answer.headers, text, json: () => JSON.parse(text) as unknown };
    },
    async stop() {
      await bridge.close();
      await platform.stop();
      await agent.close();
      if (options.dataDir === undefined) rmSync(dataDir, { recursive: true, force: true });
    },
  };
}
