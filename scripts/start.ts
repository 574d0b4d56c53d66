/**
 * `npm start`: the platform, a bridge, and on an empty folder a tenant with an agent that answers. Says where everything
 * is once everything answers, and writes the same to dev.json for scripts. Ctrl-C stops all that it started.
 */
import { lookup } from 'node:dns/promises';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { replaceFile } from '../gpu-bridge/replace-file.ts';
import { buildWorker } from './build.ts';
import { startBridgeProcess, type BridgeProcess } from './bridge-process.ts';
import { DataLock, findWorkerd } from './data-lock.ts';
import { LocalClient } from './local-client.ts';
import { parseStartOptions, type StartOptions } from './options.ts';
import { loadSecrets, publicKeysOf, repositoryRoot, startPlatform, type RunningPlatform } from './platform.ts';
import { awaitBridge, createEnrolment, ensureDemo, ensurePrice, type DemoTenant } from './provision.ts';
import { watchSources } from './watch-sources.ts';

type DevFile = {
  readonly platform_url: string;
  readonly tenant_url?: string;
  readonly api_key?: string;
  readonly operator_token: string;
  readonly agent?: string;
};

async function start(options: StartOptions): Promise<void> {
  const lock = new DataLock(options.dataDir);
  await lock.acquire();
  const secrets = await loadSecrets(options.dataDir);
  const { dataDir, port, vars } = options;
  const platform = await startPlatform({ dataDir, port, secrets, vars });
  await lock.note(findWorkerd());
  const platformUrl = `http://localhost:${platform.port}`;
  const operator = new LocalClient(platform.port, 'localhost', secrets.operator_token);
  let bridge: BridgeProcess;
  const runBridge = async () => {
    bridge = await startBridgeProcess({
      dataDir: options.dataDir,
      platformUrl,
      platformKeys: publicKeysOf(secrets),
      enrolment: await createEnrolment(operator, join(options.dataDir, 'bridge')),
      onExit: (code) => {
        console.error(`The bridge ended (exit code ${code}); its log is bridge.log in the data folder. Stopping.`);
        void stop(1);
      },
    });
    return awaitBridge(operator, bridge.ready);
  };

  let stopping = false;
  const stop = async (code: number) => {
    if (stopping) return;
    stopping = true;
    await bridge?.stop();
    await platform.stop();
    lock.release();
    process.exit(code);
  };
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    // Miniflare's own handlers would exit at once, before the bridge and the platform have ended in order.
    process.removeAllListeners(signal);
    process.on(signal, () => void stop(0));
  }

  const connected = await runBridge();
  await ensurePrice(operator);
  const devPath = join(options.dataDir, 'dev.json');
  const before = existsSync(devPath) ? (JSON.parse(readFileSync(devPath, 'utf8')) as DevFile) : undefined;
  const demo = options.demo ? await ensureDemo(platform.port, operator, before?.api_key) : undefined;
  const tenantUrl = demo && `http://${demo.slug}.localhost:${platform.port}`;
  const dev: DevFile = {
    platform_url: platformUrl,
    ...(demo && tenantUrl ? { tenant_url: tenantUrl, api_key: demo.apiKey, agent: demo.agent } : {}),
    operator_token: secrets.operator_token,
  };
  await replaceFile(devPath, `${JSON.stringify(dev, null, 2)}\n`);
  await announce(options, platformUrl, connected.models, demo && tenantUrl ? { ...demo, tenantUrl } : undefined);
  if (options.watch)
    watchForChanges(platform, async () => {
      await bridge.stop();
      await runBridge();
    });
}

async function announce(
  options: StartOptions,
  platformUrl: string,
  models: readonly string[],
  demo: (DemoTenant & { readonly tenantUrl: string }) | undefined,
): Promise<void> {
  const lines = ['', `Freehold is ready.   State: ${options.dataDir}`, `  Models     ${models.join(', ')}`];
  if (demo) {
    lines.push(
      `  Chat       ${demo.tenantUrl}/`,
      `  Console    ${demo.tenantUrl}/console   (sign in with the API key below)`,
      `  API        ${demo.tenantUrl}/v1   (documentation: ${demo.tenantUrl}/docs)`,
      `  API key    ${demo.apiKey}`,
      `  Operator   ${platformUrl}/console   (token: operator_token in ${join(options.dataDir, 'dev.json')})`,
      '',
      'Try it:',
      '',
      `curl -N ${demo.tenantUrl}/v1/responses -H 'authorization: Bearer ${demo.apiKey}' -H 'content-type: application/json' -d '{"model":"agent/${demo.agent}","input":"What is Freehold?","stream":true}'`,
    );
    const host = new URL(demo.tenantUrl).hostname;
    if (!(await resolves(host))) {
      lines.push(
        '',
        `Browsers and curl reach ${host}; other programs on this machine do not resolve names under localhost.`,
        `For them add this line to your hosts file:   127.0.0.1 ${host}`,
      );
    }
  } else {
    lines.push(`  Operator   ${platformUrl}/console   (token: operator_token in ${join(options.dataDir, 'dev.json')})`);
  }
  console.log([...lines, ''].join('\n'));
}

async function resolves(host: string): Promise<boolean> {
  return lookup(host).then(
    () => true,
    () => false,
  );
}

function watchForChanges(platform: RunningPlatform, restartBridge: () => Promise<void>): void {
  console.log('Watching the sources: a change is live within a second.');
  watchSources(repositoryRoot, async (changed) => {
    try {
      if (changed.edge) await platform.reload(await buildWorker(repositoryRoot));
      if (changed.bridge) await restartBridge();
      console.log('Reloaded.');
    } catch (error) {
      console.error(error instanceof Error ? error.message : error);
    }
  });
}

try {
  await start(parseStartOptions(process.argv.slice(2), process.env));
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exit(1);
}
